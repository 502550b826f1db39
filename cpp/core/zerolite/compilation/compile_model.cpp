#include "zerolite/compilation/compile_model.hpp"

#include <filesystem>
#include <memory>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "zerolite/cache/gpu_cache.hpp"
#include "zerolite/compilation/environment.hpp"
#include "zerolite/compilation/kernel_probe.hpp"
#include "zerolite/compilation/missing_kernels.hpp"
#include "zerolite/compilation/npu_compilation.hpp"
#include "zerolite/compilation/prepare_signature.hpp"
#include "zerolite/delegates/gpu_support.hpp"
#include "zerolite/delegates/npu_support.hpp"
#include "zerolite/delegates/xnnpack_delegate.hpp"
#include "zerolite/delegates/xnnpack_flags.hpp"
#include "zerolite/execution/signature_runner.hpp"
#include "zerolite/guards/kernel_guard.hpp"
#include "zerolite/model/model_contents.hpp"
#include "zerolite/model/variable_operators.hpp"
#include "zerolite/platform/error.hpp"
#include "zerolite/runtime/status.hpp"

namespace zerolite {
namespace {

// What came of an attempt: a compiled model, or why there is none.
struct Attempt {
  CompiledModelHandle compiled;
  std::string message;  // the runtime's own
  std::string failure;  // the same as a sentence about the model
};

// The options of an attempt: without a GPU or an NPU when there is no such delegate any more.
CompileOptions effective(CompileOptions options, const DelegateRegistry* delegates) {
  const auto is_left_out = [&](const DelegateSettings& settings) {
    const bool is_gpu = std::holds_alternative<GpuSettings>(settings);
    if (!is_gpu && !std::holds_alternative<NpuSettings>(settings)) return false;
    return delegates == nullptr || !delegates->has(is_gpu ? GpuDelegate::kName : NpuDelegate::kName);
  };
  std::erase_if(options.before_xnnpack, is_left_out);
  std::erase_if(options.after_xnnpack, is_left_out);
  return options;
}

const Environment& environment_of(const CompileOptions& options) {
  const GpuSettings* gpu = options.gpu();
  if (const NpuSettings* npu = options.npu()) {
    const std::filesystem::path library = npu->dispatch_library;
    return Environment::npu(library.parent_path(), gpu == nullptr ? std::string() : gpu->device_key());
  }
  return gpu == nullptr ? Environment::cpu() : Environment::gpu(gpu->device_key());
}

std::unique_ptr<GpuCache> open_gpu_cache(const Model& model, CompileOptions& options) {
  std::unique_ptr<GpuCache> cache;
  for (auto* side : {&options.before_xnnpack, &options.after_xnnpack}) {
    for (DelegateSettings& settings : *side) {
      auto* gpu = std::get_if<GpuSettings>(&settings);
      if (gpu == nullptr || gpu->cache.empty()) continue;
      cache = std::make_unique<GpuCache>(model, *gpu);
      gpu->cache = cache->directory();
    }
  }
  return cache;
}

// The values of variables can be seen and written where builtin kernels keep them. Those copy at each read and write,
// which XNNPACK does not: with 16 MB a run took twice as long.
XnnpackNodes xnnpack_nodes(const Model& model, const CompileOptions& options) {
  constexpr std::size_t kMostToCopy = std::size_t{256} << 10;
  if (options.xnnpack_nodes != XnnpackNodes::gathered || !assigns_variables(model.interface())) {
    return options.xnnpack_nodes;
  }
  const ModelContents contents = ModelContents::read(model.bytes().span());
  return size_of_variables(model.interface(), contents) > kMostToCopy ? XnnpackNodes::gathered
                                                                      : XnnpackNodes::without_variables;
}

Attempt attempt(const Model& model, const CompileOptions& asked, GraphObserver& observer, DelegateRegistry* delegates) {
  CompileOptions options = effective(asked, delegates);
  const std::unique_ptr<GpuCache> cache = open_gpu_cache(model, options);
  const OptionsHandle runtime_options = options.to_runtime(cache == nullptr ? std::string() : cache->key());
  observer.restart(model.interface().subgraphs.size());
  if (RuntimeLibrary::get().is_known()) {
    observer.attach_to(runtime_options.get());
    if (delegates != nullptr) delegates->attach_to(runtime_options.get());
    if (options.custom_operators != nullptr) options.custom_operators->attach_to(runtime_options.get());
    XnnpackDelegate::request_nodes(runtime_options.get(), xnnpack_nodes(model, options));
  }
  const LogCapture log;
  abi::CompiledModel compiled = nullptr;
  abi::Status status = kThrown;
  Attempt result;
  try {
    status = runtime().CreateCompiledModel(environment_of(options).handle(), model.handle(), runtime_options.get(),
                                           &compiled);
  } catch (const Error& error) {
    result.message = error.what();
    result.failure = model.name() + ": " + result.message;
    return result;
  }
  if (status == abi::Status::ok) result.compiled.reset(compiled);
  result.message = log.message();
  if (status == abi::Status::ok) {
    if (cache != nullptr) cache->store();
    if (!RuntimeLibrary::get().is_known()) observer.stand_in(model);
  } else {
    result.failure = model.name() + ": " + failure(status, "compile the model", log);
  }
  return result;
}

// The runtime refuses to give a graph with dynamic tensors to a delegate that takes static shapes only. It says so the
// first time in a process, and later fails without a message; every other failure has one (LiteRT 2.3.0).
bool is_refusal_of_dynamic_graph(const Attempt& failed) {
  return failed.message.empty() || failed.message.find("static-sized tensors") != std::string::npos;
}

// XNNPACK was told to be a delegate for static shapes only.
bool is_static_only(const CompileOptions& options) {
  return is_chosen(options.xnnpack_flags, XnnpackFlag::disable_subgraph_reshaping);
}

CompiledModelHandle compile(const Model& model, const CompileOptions& options, GraphObserver& observer,
                            DelegateRegistry* delegates) {
  Attempt result = attempt(model, options, observer, delegates);
  if (result.compiled == nullptr && is_static_only(options) && is_refusal_of_dynamic_graph(result)) {
    throw DelegateError(model.name() +
                        ": the graph has tensors whose shapes only a run tells, which XNNPACK does not take with the "
                        "flag disable_subgraph_reshaping; leave it out");
  }
  if (result.compiled == nullptr) {
    const std::string missing = tells_of_missing_kernel(result.message)
                                    ? missing_kernels(model, options.custom_operators.get())
                                    : std::string();
    throw Error(missing.empty() ? result.failure : model.name() + ": " + missing + " (" + result.message + ")");
  }
  return std::move(result.compiled);
}

// The default signature; nothing when the runtime does not show its graph. Throws Error when it can't be prepared.
std::unique_ptr<SignatureRunner> prepared(const Model& model, const CompileOptions& options,
                                          const GraphObserver& observer, abi::CompiledModel compiled) {
  const ModelInterface& interface = model.interface();
  const std::size_t signature = interface.default_signature();
  if (observer.graph(interface.signatures[signature].subgraph) == nullptr) return nullptr;
  return prepare_signature(compiled, signature, model, observer, false, options.custom_operators.get());
}

// Throws Error when the model can't be compiled and prepared without delegates either.
void require_sound_without_delegates(const Model& model, const CompileOptions& options) {
  GraphObserver observer = make_observer(model);
  const CompiledModelHandle compiled = compile(model, options, observer, nullptr);
  (void)prepared(model, options, observer, compiled.get());
}

// An NPU's compiler needs shapes that are known before a run, and Intel's makes wrong results of others (LiteRT 2.3.0).
// Throws DelegateError for a model that has such.
void require_static_shapes(const Model& model, const CompileOptions& options) {
  CompileOptions plain;
  plain.custom_operators = options.custom_operators;
  plain.kernels = CpuKernels::builtin;
  const ModelInterface& interface = model.interface();
  GraphObserver observer = make_observer(model);
  const CompiledModelHandle compiled = compile(model, plain, observer, nullptr);
  for (std::size_t i = 0; i < interface.signatures.size(); ++i) {
    const std::size_t subgraph = interface.signatures[i].subgraph;
    const CapturedGraph* graph = observer.graph(subgraph);
    if (graph == nullptr) continue;
    const std::unique_ptr<SignatureRunner> runner =
        prepare_signature(compiled.get(), i, model, observer, false, options.custom_operators.get());
    // The tensors behind those of the file are temporary ones, which kernels have added.
    const auto count = static_cast<std::int32_t>(interface.subgraphs[subgraph].tensors.size());
    for (std::int32_t tensor = 0; tensor < count; ++tensor) {
      if (runner->knows_output_shapes() &&
          graph->tensor(tensor).allocation_type != abi::tflite::AllocationType::dynamic) {
        continue;
      }
      throw DelegateError(
          "some tensor has a shape that only a run tells, and an NPU's program is for shapes known before");
    }
  }
}

// Whether the dispatch library takes a compiled model and can run it shows only when the graph is prepared and run
// (LiteRT 2.3.0). So both are tried.
Attempt attempt_on_npu(const Model& model, const CompileOptions& options, GraphObserver& observer,
                       DelegateRegistry& delegates) {
  Attempt result = attempt(model, options, observer, &delegates);
  if (result.compiled == nullptr || !delegates.has(NpuDelegate::kName)) return result;
  try {
    const std::unique_ptr<SignatureRunner> runner = prepared(model, options, observer, result.compiled.get());
    if (runner != nullptr && NpuDelegate::runs_in(*observer.graph(runner->description().subgraph))) runner->run();
  } catch (const Error& error) {
    result = Attempt{nullptr, error.what(), error.what()};
  }
  return result;
}

// After a delegate was left out. Throws DelegateError when no fallback is allowed.
void require_fallback(const Model& model, const CompileOptions& options, const DelegateRegistry& delegates) {
  if (options.fallback) return;
  throw DelegateError(model.name() + ": " + delegates.unused().back().reason +
                      "; and fallback=False leaves no other way to run the model");
}

// The model itself, or what the NPU's compiler makes of it. Throws DelegateError when that fails and no fallback is
// allowed, and for a model that was compiled for an NPU when there is none.
std::shared_ptr<const Model> model_to_execute(const std::shared_ptr<const Model>& model, const CompileOptions& options,
                                              DelegateRegistry& delegates) {
  const std::string npu = npu_of_compiled_model(*model);
  if (options.npu() == nullptr) {
    if (npu.empty()) return model;
    throw DelegateError(model->name() + ": the model was compiled for " + npu +
                        ", whose operator DISPATCH_OP nothing " +
                        "else can run; load it with zl.Npu on a machine that has one, or load the model that it was " +
                        "compiled from");
  }
  if (!npu.empty()) return model;
  try {
    if (const std::string reason = npu_unsupported_reason(*model); !reason.empty()) throw DelegateError(reason);
    require_static_shapes(*model, options);
    return compile_for_npu(model, *options.npu());
  } catch (const Error& error) {
    delegates.leave_out(NpuDelegate::kName, error.what());
    require_fallback(*model, options, delegates);
    return model;
  }
}

// A model that was compiled elsewhere runs on its NPU or nowhere.
CompiledModelHandle compile_foreign_model(const Model& model, const CompileOptions& options, GraphObserver& observer,
                                          DelegateRegistry& delegates) {
  Attempt result = attempt_on_npu(model, options, observer, delegates);
  if (result.compiled != nullptr) return std::move(result.compiled);
  delegates.leave_out_dispensable(result.message.empty() ? result.failure : result.message);
  throw DelegateError(model.name() + ": the model was compiled for " + npu_of_compiled_model(model) +
                      ", and can't be used: " + delegates.unused().back().reason);
}

Compilation compile_with_delegates(const std::shared_ptr<const Model>& model, const CompileOptions& options,
                                   GraphObserver& observer, DelegateRegistry& delegates,
                                   const std::shared_ptr<const Model>& compiled_before) {
  model->bytes().require_unchanged();
  std::shared_ptr<const Model> executed =
      compiled_before != nullptr ? compiled_before : model_to_execute(model, options, delegates);
  if (!npu_of_compiled_model(*model).empty()) {
    return {model, compile_foreign_model(*model, options, observer, delegates)};
  }
  if (options.gpu() != nullptr) {
    if (const std::string reason = gpu_unsupported_reason(*model); !reason.empty()) {
      delegates.leave_out(GpuDelegate::kName, reason);
      require_fallback(*model, options, delegates);
    }
  }
  if (delegates.empty()) return {model, compile(*model, options, observer, nullptr)};
  Attempt first = attempt_on_npu(*executed, options, observer, delegates);
  if (first.compiled != nullptr) return {std::move(executed), std::move(first.compiled)};

  require_sound_without_delegates(*model, options);
  if (delegates.has_dispensable()) {
    delegates.leave_out_dispensable(first.message.empty() ? "it failed without a word" : first.message);
    require_fallback(*model, options, delegates);
    if (!delegates.has(NpuDelegate::kName)) executed = model;
    first = attempt_on_npu(*executed, options, observer, delegates);
    if (first.compiled != nullptr) return {std::move(executed), std::move(first.compiled)};
  }
  if (!delegates.has_static_only() || !is_refusal_of_dynamic_graph(first)) {
    throw DelegateError(first.failure + "; without " + delegates.names() + " the model can be compiled");
  }
  if (!options.fallback) {
    throw DelegateError(model->name() + ": the graph has tensors whose shapes only a run tells, which " +
                        delegates.names() + " does not take, and fallback=False leaves no other way to run it; " +
                        "allow the fallback, or choose another delegate");
  }
  delegates.leave_out_static_only();
  return {executed, compile(*executed, options, observer, &delegates)};
}

// What a runtime that is not known runs: its own delegate for the CPU, and nothing else that was asked for.
Compilation compile_in_public(const std::shared_ptr<const Model>& model, const CompileOptions& options,
                              GraphObserver& observer, DelegateRegistry& delegates) {
  if (!delegates.empty()) {
    delegates.leave_out_all(RuntimeLibrary::get().unknown_notice());
    require_fallback(*model, options, delegates);
  }
  CompileOptions alone = options;
  alone.before_xnnpack.clear();
  alone.after_xnnpack.clear();
  return {model, compile(*model, alone, observer, nullptr)};
}

}  // namespace

GraphObserver make_observer(const Model& model) {
  return GraphObserver(model.interface().subgraphs.size(), &guard_kernels);
}

Compilation compile_model(const std::shared_ptr<const Model>& model, const CompileOptions& options,
                          GraphObserver& observer, DelegateRegistry& delegates,
                          const std::shared_ptr<const Model>& compiled_before) {
  if (!RuntimeLibrary::get().is_known()) return compile_in_public(model, options, observer, delegates);
  Compilation compilation = compile_with_delegates(model, options, observer, delegates, compiled_before);
  if (delegates.note_refusals()) require_fallback(*model, options, delegates);
  return compilation;
}

}  // namespace zerolite
