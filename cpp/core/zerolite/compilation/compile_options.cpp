#include "zerolite/compilation/compile_options.hpp"

#include <cstdlib>
#include <cstring>
#include <new>
#include <set>
#include <string_view>
#include <utility>
#include <vector>

#include "zerolite/delegates/xnnpack_flags.hpp"
#include "zerolite/platform/error.hpp"
#include "zerolite/runtime/opaque_options.hpp"
#include "zerolite/runtime/runtime_library.hpp"
#include "zerolite/runtime/status.hpp"

namespace zerolite {
namespace {

std::string_view name_of(CpuKernels kernels) {
  switch (kernels) {
    case CpuKernels::delegate:
      return "delegate";
    case CpuKernels::builtin:
      return "builtin";
    case CpuKernels::reference:
      return "reference";
  }
  return "delegate";
}

// Options travel as TOML text.
void add_toml(abi::Options options, const char* identifier, const std::string& toml) {
  OpaqueOptions text(::strdup(toml.c_str()), &std::free);
  if (text == nullptr) throw std::bad_alloc();
  add_opaque_options(options, identifier, std::move(text));
}

// A library that is not known finds them under one of the names that others look for.
void add_cpu_options(abi::Options options, const std::string& toml) {
  if (const abi::Series* series = RuntimeLibrary::get().series()) return add_toml(options, series->cpu_options, toml);
  std::set<std::string_view> names;
  for (const abi::Series& series : abi::kSeries) {
    if (names.insert(series.cpu_options).second) add_toml(options, series.cpu_options, toml);
  }
}

using TomlValues = std::vector<std::pair<std::string, std::string>>;

std::string toml_of(const TomlValues& values) {
  std::string toml;
  for (const auto& [name, value] : values) toml.append(name).append(" = ").append(value).append("\n");
  return toml;
}

// The payload of the GPU's accelerator (litert/c/options/litert_gpu_options.cc).
void add_gpu_payload(abi::Options options, const GpuSettings& gpu, const std::string& model_key) {
  std::string toml = toml_of(gpu.options());
  if (!gpu.cache.empty()) {
    toml.append("serialization_dir = \"").append(gpu.cache).append("\"\n");
    toml.append("model_cache_key = \"").append(model_key).append("\"\nserialize_program_cache = true\n");
  }
  add_toml(options, RuntimeLibrary::get().option_names().gpu_options, toml);
}

bool has_line_break(const std::string& text) { return text.find_first_of("\r\n") != std::string::npos; }

void require_single_lines(const TomlValues& values, const std::string& what) {
  for (const auto& [name, value] : values) {
    if (has_line_break(value)) throw ValueError(what + name + " holds a line break; leave it out");
  }
}

}  // namespace

void CompileOptions::validate() const {
  // pthreadpool starts every thread it is asked for, and a typing error should not start a million.
  constexpr int kMostThreads = 1024;
  if (threads < 1 || threads > kMostThreads) {
    throw ValueError("threads is " + std::to_string(threads) + ", and must be from 1 to " +
                     std::to_string(kMostThreads));
  }
  if (!weight_cache_file.empty() && kernels != CpuKernels::delegate) {
    throw ValueError("the weight cache " + weight_cache_file +
                     " is for the weights that XNNPACK packs, and other kernels were chosen; leave one of both out");
  }
  if (xnnpack_flags && kernels != CpuKernels::delegate) {
    throw ValueError("flags are for XNNPACK, and other kernels were chosen; leave one of both out");
  }
  const bool keeps_weights = !weight_cache.empty() || !weight_cache_file.empty();
  // XNNPACK does not find its own copies of the weights again, and ends the process (LiteRT 2.3.0).
  if (keeps_weights && is_chosen(xnnpack_flags, XnnpackFlag::force_fp16)) {
    throw ValueError("XNNPACK can't keep the weights that the flag force_fp16 makes in a weight cache; leave one out");
  }
  // The runtime's reader takes a line at a time and knows no escapes (LiteRT 2.3.0).
  if (has_line_break(weight_cache)) {
    throw ValueError("the path of the weight cache holds a line break, which the runtime can't read; use another path");
  }
  if (gpu() != nullptr) {
    if (has_line_break(gpu()->cache))
      throw ValueError("the path of the GPU's cache holds a line break; use another path");
    require_single_lines(gpu()->options(), "the GPU's option ");
  }
  if (npu() != nullptr) require_single_lines(npu()->toml_options(), "the NPU's option ");
}

OptionsHandle CompileOptions::to_runtime(const std::string& model_key) const {
  validate();
  const LogCapture log;
  abi::Options options = nullptr;
  require_ok(runtime().CreateOptions(&options), "create options", log);
  OptionsHandle handle(options);
  const int hardware = abi::kHardwareCpu + (gpu() == nullptr ? 0 : abi::kHardwareGpu) +
                       (npu() == nullptr ? 0 : abi::kHardwareNpu);  // one bit each
  require_ok(runtime().SetOptionsHardwareAccelerators(options, hardware), "choose the hardware", log);
  std::string toml = "num_threads = " + std::to_string(threads) + "\n";
  toml.append("kernel_mode = \"").append(name_of(kernels)).append("\"\n");
  if (xnnpack_flags) toml.append("flags = ").append(std::to_string(*xnnpack_flags)).append("\n");
  if (!weight_cache.empty()) toml.append("weight_cache_file_path = \"").append(weight_cache).append("\"\n");
  add_cpu_options(options, toml);
  if (gpu() != nullptr) add_gpu_payload(options, *gpu(), model_key);
  if (npu() != nullptr && !npu()->options.empty()) {
    add_toml(options, npu()->vendor.c_str(), toml_of(npu()->toml_options()));
  }
  std::string runtime_toml;
  if (profiling) runtime_toml.append("enable_profiling = true\n");
  if (!cluster_operators) runtime_toml.append("disable_delegate_clustering = true\n");
  if (!runtime_toml.empty()) add_toml(options, RuntimeLibrary::get().option_names().runtime_options, runtime_toml);
  return handle;
}

}  // namespace zerolite
