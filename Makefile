# Every task of the project; `make help` lists them. Nothing is assumed but Python >= 3.10, a C++20 compiler and make:
# each environment is made by tools/install.py and gets the rest from the package index.

PYTHON ?= python3
# PYTHON=3.13 names a version for ARM, PYTHON=python3.13 the interpreter of this machine.
INTERPRETER = $(if $(filter 3.%,$(PYTHON)),python3,$(PYTHON))
VENV ?= .venv
CLANG_TIDY ?= $(VENV)/bin/clang-tidy
JOBS ?= $(shell nproc 2>/dev/null || echo 2)
DEMO_FLAGS ?=
PYTEST_FLAGS ?=
BENCH_FLAGS ?=
FUZZ_SECONDS ?= 60
FUZZ_FLAGS ?=
SOAK_FLAGS ?=
MUTANTS_FLAGS ?=
# What onnx2tf runs on, 3.12 or newer.
ONNX_PYTHON ?= python3.12
RELEASE_FLAGS ?=
SUITES ?=
# For ARM: the version of CPython, and its headers where Debian does not have them.
PYTHON_VERSION ?= $(or $(filter 3.%,$(PYTHON)),3.11)
PYTHON_HEADERS ?=

BUILD := build
DEMO_VENV := $(BUILD)/venv-demo
TEST_VENV := $(BUILD)/venv-test
BENCH_VENV := $(BUILD)/venv-bench
METADATA_VENV := $(BUILD)/venv-tflite-support
ONNX2TF_VENV := $(BUILD)/venv-onnx2tf
ONNX_PACKAGES := $(BUILD)/onnx-packages
NPU_LIBRARIES := $(BUILD)/openvino-npu

# What an installed package depends on; a change makes it stale.
PACKAGE_SOURCES := pyproject.toml CMakeLists.txt tools/install.py \
  $(shell find cpp python third_party cmake -type f -not -name '*.pyc' 2>/dev/null)
CPP_SOURCES = $(shell find cpp benchmarks/cpp -name '*.cpp' | sort)
CPP_FILES = $(shell find cpp benchmarks/cpp third_party \( -name '*.cpp' -o -name '*.hpp' \) | sort)

# Where tools/install.py had to unpack CPython's headers, CMake is told so.
HEADERS = $(realpath $(VENV)/headers)
PYTHON_INCLUDE_DIR = $(wildcard $(HEADERS)/python3*)
WITH_HEADERS = $(if $(HEADERS),CPLUS_INCLUDE_PATH=$(HEADERS) CMAKE_ARGS=-DPython_INCLUDE_DIR=$(PYTHON_INCLUDE_DIR))
CMAKE = $(WITH_HEADERS) $(VENV)/bin/cmake
CMAKE_FLAGS = -G Ninja -DCMAKE_MAKE_PROGRAM=$(abspath $(VENV))/bin/ninja --log-level=WARNING \
  -DCMAKE_BUILD_TYPE=Debug -DSKBUILD_PROJECT_VERSION=$(VERSION)
# For builds with the extension module; the tests compare its version with that of the package.
VERSION = $(shell sed -n 's/^version = "\([^"]*\)".*/\1/p' pyproject.toml)
PYTHON_FLAGS = -DSKBUILD_PROJECT_VERSION_FULL=$(VERSION) -DPython_EXECUTABLE=$(abspath $(VENV))/bin/python \
  $(PYTHON_INCLUDE_DIR:%=-DPython_INCLUDE_DIR=%) \
  -Dpybind11_DIR="$$($(VENV)/bin/python -m pybind11 --cmakedir)"

# The library of the installed ai-edge-litert, which the C++ tests open.
RUNTIME = $(shell $(VENV)/bin/python -c \
  'import importlib.util as u; print(u.find_spec("ai_edge_litert").submodule_search_locations[0] + "/libLiteRt.so")')

.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
.PHONY: help demo test install-dev format lint type test-file test-cpp test-cpp-threads test-sanitized \
  contract test-threads-sanitized fuzz soak bench docs wheel sdist release clean \
  wheel-aarch64 wheel-armhf test-aarch64 swiftshader test-gpu test-npu \
  test-metadata test-onnx test-debian-roots coverage mutants

help: ## List the targets
	@awk -F ':.*## ' '/^## / { print "\n" substr($$0, 4) } \
	  /^[a-z0-9-]+:.*## / { printf "  make %-22s %s\n", $$1, $$2 }' $(firstword $(MAKEFILE_LIST))

## For everybody; each makes its own environment under build/

demo: $(DEMO_VENV)/.installed ## Install into build/venv-demo and run the demonstration
	$(DEMO_VENV)/bin/zerolite demo $(DEMO_FLAGS)

test: $(TEST_VENV)/.installed ## Install into build/venv-test and run the whole Python suite
	$(TEST_VENV)/bin/python -m pytest --numprocesses=$(JOBS) --dist=loadfile $(PYTEST_FLAGS)

$(DEMO_VENV)/.installed: $(PACKAGE_SOURCES)
	$(INTERPRETER) tools/install.py $(DEMO_VENV) '.[demo]'
	@touch $@

$(TEST_VENV)/.installed: $(PACKAGE_SOURCES)
	$(INTERPRETER) tools/install.py $(TEST_VENV) '.[demo,quantize,test]'
	@touch $@

## For those who work on zerolite; all share the environment .venv

install-dev: ## Make .venv with an editable install and every tool; again after a change of C++
	$(INTERPRETER) tools/install.py $(VENV) --editable '.[dev]'
	@touch $(VENV)/.installed

$(VENV)/.installed:
	$(MAKE) install-dev

format: $(VENV)/.installed ## Format the Python and the C++ code
	$(VENV)/bin/ruff check --select I --fix --quiet .
	$(VENV)/bin/ruff format .
	$(VENV)/bin/clang-format -i $(CPP_FILES)

lint: $(VENV)/.installed ## Check format and style: ruff, clang-format, clang-tidy
	$(VENV)/bin/ruff format --check .
	$(VENV)/bin/ruff check .
	$(VENV)/bin/clang-format --dry-run -Werror $(CPP_FILES)
	$(CMAKE) -S . -B $(BUILD)/clang-tidy $(CMAKE_FLAGS) \
	  $(PYTHON_FLAGS) -DCMAKE_EXPORT_COMPILE_COMMANDS=ON -DCMAKE_DISABLE_PRECOMPILE_HEADERS=ON \
	  -DZEROLITE_BUILD_TESTS=ON -DZEROLITE_BUILD_FUZZERS=ON -DZEROLITE_BUILD_BENCHMARKS=ON
	printf '%s\n' $(CPP_SOURCES) | \
	  $(WITH_HEADERS) xargs -n 1 -P $(JOBS) $(CLANG_TIDY) --quiet -p $(BUILD)/clang-tidy

type: $(VENV)/.installed ## Check types: mypy, and the extension module against its stub
	$(VENV)/bin/mypy
	$(VENV)/bin/stubtest --mypy-config-file pyproject.toml --allowlist tools/stubtest_allowlist.txt zerolite._native

test-file: $(VENV)/.installed ## Run one test file: make test-file FILE=tests/test_x.py
	@test -n "$(FILE)" || { echo "name the file: make test-file FILE=tests/test_x.py" >&2; exit 2; }
	$(VENV)/bin/python -m pytest $(PYTEST_FLAGS) $(FILE)

test-cpp: $(VENV)/.installed ## Build and run the C++ tests under AddressSanitizer and UBSan
	$(call test_cpp,asan,address$(comma)undefined,zerolite_tests,)

contract: $(VENV)/.installed ## Test what is assumed of the runtime's inside: make contract RUNTIME=path of libLiteRt.so
	$(call configure_sanitized,asan,address$(comma)undefined)
	$(VENV)/bin/cmake --build $(BUILD)/asan --parallel $(JOBS) --target zerolite_contract_tests
	ZEROLITE_RUNTIME="$(abspath $(RUNTIME))" $(VENV)/bin/ctest --test-dir $(BUILD)/asan --output-on-failure \
	  --no-tests=error --parallel $(JOBS) --tests-regex '^RuntimeContract'

test-cpp-threads: $(VENV)/.installed ## Build the C++ tests under ThreadSanitizer and run those with threads
	$(call test_cpp,tsan,thread,zerolite_thread_tests zerolite_log_tests,--tests-regex 'Concurrency|BatchLoop|RuntimeLog')

test-sanitized: $(VENV)/.installed ## Build the extension module under AddressSanitizer and UBSan and run its Python tests
	$(call test_sanitized,asan,address$(comma)undefined,address)

test-threads-sanitized: $(VENV)/.installed ## Build it under ThreadSanitizer and run the Python tests with threads
	$(call test_sanitized,tsan,thread,thread)

comma := ,
# $(call configure_sanitized,build directory,sanitizers): the C++ tests and the extension module share the core.
define configure_sanitized
	$(CMAKE) -S . -B $(BUILD)/$(1) $(CMAKE_FLAGS) $(PYTHON_FLAGS) -DZEROLITE_BUILD_TESTS=ON -DZEROLITE_SANITIZE=$(2)
endef

# $(call test_cpp,build directory,sanitizers,targets,options of ctest)
define test_cpp
	$(call configure_sanitized,$(1),$(2)) -DZEROLITE_TEST_RUNTIME="$(RUNTIME)"
	$(VENV)/bin/cmake --build $(BUILD)/$(1) --parallel $(JOBS) --target $(3)
	$(VENV)/bin/ctest --test-dir $(BUILD)/$(1) --output-on-failure --no-tests=error --parallel $(JOBS) $(4)
endef

FUZZER := $(BUILD)/cpp-fuzz/cpp/fuzz/zerolite_fuzz_load_and_run
# What a model demands is no fault: more memory than this is refused it, and a run that takes longer is ended. Leaks are
# looked for by the C++ tests: the runtime has some of its own where a run fails (2.3.0). libFuzzer ends with the exit code
# of its last job, and 70 and 71 stand for time and memory.
FUZZ_LIMITS := -timeout=20 -rss_limit_mb=4096 -malloc_limit_mb=2048 -detect_leaks=0
RUN_FUZZER := ASAN_OPTIONS=allocator_may_return_null=1:detect_leaks=0 $(FUZZER) $(FUZZ_LIMITS)

fuzz: $(VENV)/.installed ## Replay past crashers, then fuzz for FUZZ_SECONDS; needs clang and libclang-rt-14-dev
	$(CMAKE) -S . -B $(BUILD)/cpp-fuzz $(CMAKE_FLAGS) -DCMAKE_BUILD_TYPE=RelWithDebInfo -DCMAKE_CXX_COMPILER=clang++ \
	  -DZEROLITE_BUILD_PYTHON=OFF -DZEROLITE_BUILD_FUZZERS=ON \
	  -DZEROLITE_SANITIZE=fuzzer-no-link$(comma)address$(comma)undefined -DZEROLITE_FUZZ_RUNTIME="$(RUNTIME)"
	$(VENV)/bin/cmake --build $(BUILD)/cpp-fuzz --parallel $(JOBS)
	$(VENV)/bin/python -m tests.mutations.seeds $(BUILD)/fuzz
	$(RUN_FUZZER) $(BUILD)/fuzz/crashers/*.tflite > $(BUILD)/fuzz/crashers.log 2>&1 || { cat $(BUILD)/fuzz/crashers.log; exit 1; }
	mkdir -p $(BUILD)/fuzz/corpus $(BUILD)/fuzz/findings
	$(RUN_FUZZER) -max_total_time=$(FUZZ_SECONDS) -fork=1 -ignore_ooms=1 -ignore_timeouts=1 -seed=1 -max_len=40000 \
	  -print_funcs=0 -artifact_prefix=$(BUILD)/fuzz/findings/ $(FUZZ_FLAGS) $(BUILD)/fuzz/corpus $(BUILD)/fuzz/seeds \
	  || { status=$$?; [ $$status -eq 70 ] || [ $$status -eq 71 ] || exit $$status; }

# $(call test_sanitized,build directory,sanitizers,name in tools/sanitized_tests.py)
define test_sanitized
	$(call configure_sanitized,$(1),$(2))
	$(VENV)/bin/cmake --build $(BUILD)/$(1) --parallel $(JOBS) \
	  --target _native zerolite_sample_delegate zerolite_deliberate_faults
	$(VENV)/bin/python -m tools.sanitized_tests $(3) $(BUILD)/$(1) -- \
	  --numprocesses=$(JOBS) --dist=loadfile $(PYTEST_FLAGS)
endef

swiftshader: $(VENV)/.installed ## Put a Vulkan driver that computes on the CPU into build/swiftshader
	$(VENV)/bin/python -m tools.install_swiftshader $(BUILD)/swiftshader

test-gpu: swiftshader ## Run the tests of zl.Gpu on SwiftShader, or on the driver that VK_ICD_FILENAMES names
	$(VENV)/bin/python -m pytest $(PYTEST_FLAGS) tests/delegates/test_gpu.py tests/delegates/test_gpu_models.py

test-npu: $(NPU_LIBRARIES)/openvino ## Run the tests of zl.Npu with the libraries of Intel's plug-in, which compile and find no NPU
	LD_LIBRARY_PATH="$(abspath $(NPU_LIBRARIES))/openvino/libs" \
	  $(VENV)/bin/python -m pytest $(PYTEST_FLAGS) tests/delegates/test_npu.py

# The one release that the plug-in of LiteRT 2.3.0 takes; zl.OpenVino takes newer ones only.
$(NPU_LIBRARIES)/openvino: | $(VENV)/.installed
	$(VENV)/bin/python -m pip install --quiet --no-deps --target=$(NPU_LIBRARIES) openvino==2026.3.1

test-metadata: $(VENV)/.installed $(METADATA_VENV)/.installed ## Read metadata with tflite-support too; needs Python 3.11 and libusb-1.0-0
	ZEROLITE_TFLITE_SUPPORT="$(abspath $(METADATA_VENV))/bin/python" \
	  $(VENV)/bin/python -m pytest $(PYTEST_FLAGS) tests/metadata/test_tflite_support.py

# Its last release is for Python 3.11 and NumPy 1.
$(METADATA_VENV)/.installed:
	python3.11 tools/install.py $(METADATA_VENV) 'tflite-support==0.4.4' 'numpy<2'
	@touch $@

test-onnx: $(ONNX_PACKAGES)/onnxruntime $(ONNX2TF_VENV)/.installed ## Convert ONNX files with the command onnx2tf; needs python3.12, or ONNX_PYTHON=...
	PYTHONPATH="$(abspath $(ONNX_PACKAGES))" ZEROLITE_ONNX2TF="$(abspath $(ONNX2TF_VENV))/bin/onnx2tf" \
	  $(VENV)/bin/python -m pytest --allowed-skips=none $(PYTEST_FLAGS) tests/conversion/test_convert_onnx.py

# The extra onnx; what these two need besides, .venv has.
$(ONNX_PACKAGES)/onnxruntime: | $(VENV)/.installed
	$(VENV)/bin/python -m pip install --quiet --no-deps --target=$(ONNX_PACKAGES) 'onnx>=1.20' 'onnxruntime>=1.26'

# It asks for one version exactly of each package that it uses, so nothing else can be in its environment.
$(ONNX2TF_VENV)/.installed:
	$(ONNX_PYTHON) tools/install.py $(ONNX2TF_VENV) onnx2tf
	@touch $@

coverage: $(TEST_VENV)/.installed ## Tell which branches of the Python package the whole suite takes; pages in build/coverage
	$(TEST_VENV)/bin/python -m coverage erase
	status=0; $(TEST_VENV)/bin/python -m coverage run -m pytest --numprocesses=$(JOBS) --dist=loadfile $(PYTEST_FLAGS) \
	  || status=$$?; \
	  $(TEST_VENV)/bin/python -m coverage combine --quiet && $(TEST_VENV)/bin/python -m coverage html --quiet \
	  && $(TEST_VENV)/bin/python -m coverage report && exit $$status

mutants: $(VENV)/.installed ## Put small faults into the metrics, one by one, and tell which ones their tests do not notice
	$(VENV)/bin/python -m tools.mutants --jobs $(JOBS) $(MUTANTS_FLAGS)

soak: $(VENV)/.installed ## Repeat calls, loads, pools, resizes and requests, and tell whether memory, threads or files grow
	$(VENV)/bin/python -m benchmarks.soak $(SOAK_FLAGS)
	$(VENV)/bin/python -m benchmarks.serving_soak $(SOAK_FLAGS)

bench: $(BENCH_VENV)/.installed ## Install into build/venv-bench and repeat every measurement of the documents
	PATH="$(abspath $(BENCH_VENV))/bin:$$PATH" $(BENCH_VENV)/bin/python -m benchmarks $(BENCH_FLAGS)

$(BENCH_VENV)/.installed: $(PACKAGE_SOURCES)
	$(INTERPRETER) tools/install.py $(BENCH_VENV) '.[bench]'
	@touch $@

docs: $(VENV)/.installed ## Build the site of all documents, with the reference from the docstrings, into build/docs
	$(VENV)/bin/python -m tools.build_docs $(BUILD)/docs

wheel: $(VENV)/.installed ## Build a wheel for x86-64 into dist/, with the manylinux tag that auditwheel confirms
	$(WITH_HEADERS) $(VENV)/bin/python -m tools.build_wheel x86_64

test-debian-roots: $(VENV)/.installed ## Install the wheel with pip in fresh Debian 11, 12 and testing; needs root and debootstrap
	$(VENV)/bin/python -m tools.debian_roots $(SUITES)

sdist: $(VENV)/.installed ## Build a source distribution into dist/
	$(VENV)/bin/python -m build --no-isolation --sdist

release: $(VENV)/.installed ## Make, check and try every archive of a release, into dist/: make release RELEASE_FLAGS=--rehearsal
	$(WITH_HEADERS) $(VENV)/bin/python -m tools.release $(RELEASE_FLAGS)

clean: ## Remove build/, dist/ and caches; .venv stays, and is brought up to date when it is used next
	rm -rf $(BUILD) dist $(VENV)/.installed .mypy_cache .pytest_cache .ruff_cache .hypothesis
	find . -path './$(VENV)' -prune -o -name __pycache__ -type d -exec rm -rf {} +

## For ARM; on Debian 12, x86-64, with Debian's cross compilers (docs/arm.md)

wheel-aarch64: $(VENV)/.installed ## Cross-compile a wheel for 64-bit ARM into dist/
	$(VENV)/bin/python -m tools.build_wheel aarch64 --python $(PYTHON_VERSION) $(PYTHON_HEADERS:%=--python-headers=%)

wheel-armhf: $(VENV)/.installed ## Cross-compile a wheel for 32-bit ARM, for which no runtime library is published
	$(VENV)/bin/python -m tools.build_wheel armv7l --python $(PYTHON_VERSION) $(PYTHON_HEADERS:%=--python-headers=%)

test-aarch64: $(VENV)/.installed ## Run the tests of the runtime part on the wheel for 64-bit ARM, under qemu-user
	$(VENV)/bin/python -m tools.emulated_tests --python $(PYTHON_VERSION) -- $(PYTEST_FLAGS)
