"""Which tests run on the extension module under sanitizers (`make test-sanitized`, `make test-threads-sanitized`).

Those that reach its C++ and need neither TensorFlow, which is not clean itself, nor minutes: conversion, evaluation,
the command line and the documents are Python only.
"""

OWN_TESTS = "tests/sanitizers"

# Of resident memory, of which the sanitizers take their own share: freed blocks are kept to catch their use.
_MEMORY = ("-k", "not memory_does_not_grow and not do_not_leak and not does_not_leak")

# Hundreds of models or chunks on paths that other tests here take as well.
_MANY = (
    "tests/calls/test_dispatch.py::test_value_and_reason",
    "tests/interpreter/test_interpreter_parity.py::test_every_signature",
    "tests/interpreter/test_interpreter_parity.py::test_what_tensors_have_to_show",
    "tests/interpreter/test_interpreter_shapes.py::test_any_shape_and_back",
    "tests/batches/test_map.py::test_same_as_one_by_one",
    "tests/calls/test_parity.py::test_model_acts_as_its_default_signature",
    "tests/calls/test_quantization.py::test_parameters_of_the_reference",
    "tests/verification/test_verification.py::test_sound_models_pass",
    "tests/memory/test_zero_copy.py::test_views_have_the_tensors_shape_and_dtype",
)

# AddressSanitizer's operator new ends a process that runs out of memory, where others throw.
_OUT_OF_MEMORY = "tests/calls/test_errors.py::test_memory_that_runs_out_in_a_call_is_a_memory_error"

# A trial may have 8 GiB of addresses. AddressSanitizer's shadow takes thousands of times that before the limit is set,
# and then whatever it has to map is refused: whether the process survives depends on what it has left.
_ADDRESS_SPACE = (
    "tests/calls/test_resize_limits.py::test_such_a_model_is_sound[isolated]",
    "tests/operators/test_functions.py::test_every_verification_lets_them_pass[isolated]",
    "tests/operators/test_libraries.py::test_every_verification_lets_them_pass[isolated-delegate]",
    "tests/operators/test_libraries.py::test_every_verification_lets_them_pass[isolated-builtin]",
)

# Without tests/process/test_fork.py: AddressSanitizer (GCC 12) lets a child hang in its allocator where another thread
# was in it when the process was forked.
ADDRESS_TESTS = (
    OWN_TESTS,
    "tests/arrays/test_dlpack.py",
    "tests/memory/test_bind.py",
    "tests/calls/test_calls.py",
    "tests/delegates/test_delegation.py",
    "tests/calls/test_dispatch.py",
    "tests/calls/test_dtypes.py",
    "tests/process/test_endings.py",
    "tests/calls/test_errors.py",
    "tests/delegates/test_external_delegate.py",
    "tests/operators/test_functions.py",
    "tests/operators/test_libraries.py",
    "tests/interpreter/test_interpreter.py",
    "tests/interpreter/test_interpreter_options.py",
    "tests/interpreter/test_interpreter_parity.py",
    "tests/interpreter/test_interpreter_shapes.py",
    "tests/memory/test_lifetime.py",
    "tests/process/test_log.py",
    "tests/batches/test_map.py",
    "tests/batches/test_map_arguments.py",
    "tests/batches/test_map_interruption.py",
    "tests/memory/test_out.py",
    "tests/calls/test_parity.py",
    "tests/batches/test_pool.py",
    "tests/batches/test_pool_closing.py",
    "tests/batches/test_pool_futures.py",
    "tests/batches/test_pool_iteration.py",
    "tests/measuring/test_profile.py",
    "tests/calls/test_quantization.py",
    "tests/verification/test_refused_models.py",
    "tests/calls/test_resize.py",
    "tests/calls/test_resize_limits.py",
    "tests/delegates/test_settings.py",
    "tests/verification/test_shape_guards.py",
    "tests/calls/test_signatures.py",
    "tests/calls/test_strings.py",
    "tests/process/test_threads.py",
    "tests/measuring/test_trace.py",
    "tests/verification/test_value_guards.py",
    "tests/verification/test_verification.py",
    "tests/delegates/test_weight_cache.py",
    "tests/delegates/test_xnnpack_flags.py",
    "tests/memory/test_zero_copy.py",
    *(f"--deselect={test}" for test in (*_MANY, _OUT_OF_MEMORY, *_ADDRESS_SPACE)),
    "-m",
    "not slow",
    *_MEMORY,
)

# What uses a model, a pool or a delegate from several threads, or calls back in the middle of a run.
THREAD_TESTS = (
    OWN_TESTS,
    "tests/process/test_endings.py::test_last_reference_goes_on_another_thread_during_a_run",
    "tests/delegates/test_external_delegate.py::test_threads_load_and_close",
    "tests/interpreter/test_interpreter.py::test_threads_take_turns",
    "tests/batches/test_map_interruption.py::test_a_model_that_is_closed_in_progress",
    "tests/batches/test_map_interruption.py::test_an_exception_in_progress",
    "tests/batches/test_map_interruption.py::test_progress_of_a_long_batch",
    "tests/batches/test_pool.py",
    "tests/batches/test_pool_closing.py",
    "tests/batches/test_pool_futures.py",
    "tests/batches/test_pool_iteration.py",
    "tests/process/test_threads.py",
    "-m",
    "not slow",
)
