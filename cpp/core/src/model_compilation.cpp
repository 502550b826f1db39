#include "zerolite/model_compilation.hpp"

#include <memory>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "zerolite/environment.hpp"
#include "zerolite/error.hpp"
#include "zerolite/gpu_cache.hpp"
#include "zerolite/gpu_obstacle.hpp"
#include "zerolite/signature_runner.hpp"
#include "zerolite/single_operator_nodes.hpp"
#include "zerolite/status.hpp"

namespace zerolite {
namespace {

// What came of an attempt: a compiled model, or the runtime's own words.
struct Attempt {
  CompiledModelHandle compiled;
  std::string words;
  std::string failure;
};

// The options of an attempt: without the GPU when there is no such delegate any more.
CompileOptions effective(CompileOptions options, const DelegateSlots* delegates) {
  if (delegates != nullptr && delegates->has_dispensable()) return options;
  const auto is_gpu = [](const DelegateSettings& settings) { return std::holds_alternative<GpuSettings>(settings); };
  std::erase_if(options.before_xnnpack, is_gpu);
  std::erase_if(options.after_xnnpack, is_gpu);
  return options;
}

const Environment& environment_of(const CompileOptions& options) {
  const GpuSettings* gpu = options.gpu();
  return gpu == nullptr ? Environment::cpu() : Environment::gpu(gpu->device_key);
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

Attempt attempt(const Model& model, const CompileOptions& asked, GraphObserver& observer, DelegateSlots* delegates) {
  CompileOptions options = effective(asked, delegates);
  const std::unique_ptr<GpuCache> cache = open_gpu_cache(model, options);
  const OptionsHandle runtime_options = options.to_runtime(cache == nullptr ? std::string() : cache->key());
  observer.attach_to(runtime_options.get());
  if (delegates != nullptr) delegates->attach_to(runtime_options.get());
  if (!options.fuse_operators) SingleOperatorNodes::attach_to(runtime_options.get());
  const LogCapture log;
  abi::CompiledModel compiled = nullptr;
  const abi::Status status =
      runtime().CreateCompiledModel(environment_of(options).handle(), model.handle(), runtime_options.get(), &compiled);
  Attempt result;
  result.words = log.message();
  if (status == abi::Status::ok) {
    result.compiled.reset(compiled);
    if (cache != nullptr) cache->store();
  } else {
    result.failure = model.name() + ": " + failure(status, "compile the model", log);
  }
  return result;
}

// A delegate for static shapes only is refused a graph that has others, with a message at the first time in a process
// and without a word later; every other failure has words (LiteRT 2.3.0).
bool is_refusal_of_dynamic_graph(const Attempt& failed) {
  return failed.words.empty() || failed.words.find("static-sized tensors") != std::string::npos;
}

// XNNPACK was told to be a delegate for static shapes only.
bool is_static_only(const CompileOptions& options) {
  constexpr std::uint32_t kDisableSubgraphReshaping = 0x400;
  return (options.xnnpack_flags.value_or(0) & kDisableSubgraphReshaping) != 0;
}

CompiledModelHandle compile(const Model& model, const CompileOptions& options, GraphObserver& observer,
                            DelegateSlots* delegates) {
  Attempt result = attempt(model, options, observer, delegates);
  if (result.compiled == nullptr && is_static_only(options) && is_refusal_of_dynamic_graph(result)) {
    throw DelegateError(model.name() +
                        ": the graph has tensors whose shapes only a run tells, which XNNPACK does not take with the "
                        "flag disable_subgraph_reshaping; leave it out");
  }
  if (result.compiled == nullptr) throw Error(result.failure);
  return std::move(result.compiled);
}

// Throws Error when the model can't be compiled and prepared without delegates either.
void require_sound_without_delegates(const Model& model, const CompileOptions& options) {
  const ModelDescription& description = model.description();
  GraphObserver observer(description.subgraphs.size());
  const CompiledModelHandle compiled = compile(model, options, observer, nullptr);
  const std::size_t signature = description.default_signature();
  const CapturedGraph* graph = observer.graph(description.signatures[signature].subgraph);
  if (graph != nullptr) const SignatureRunner prepared(compiled.get(), signature, model, *graph, false);
}

// Throws DelegateError when no fallback is allowed.
void leave_out_dispensable(const Model& model, const CompileOptions& options, DelegateSlots& delegates,
                           const std::string& words) {
  delegates.leave_out_dispensable(words);
  if (!options.fallback) {
    throw DelegateError(model.name() + ": " + delegates.unused().back().reason +
                        "; and fallback=False leaves no other way to run the model");
  }
}

}  // namespace

CompiledModelHandle compile_model(const Model& model, const CompileOptions& options, GraphObserver& observer,
                                  DelegateSlots& delegates) {
  if (options.gpu() != nullptr) {
    if (const std::string obstacle = gpu_obstacle(model); !obstacle.empty()) {
      leave_out_dispensable(model, options, delegates, obstacle);
    }
  }
  if (delegates.empty()) return compile(model, options, observer, nullptr);
  Attempt first = attempt(model, options, observer, &delegates);
  if (first.compiled != nullptr) return std::move(first.compiled);

  require_sound_without_delegates(model, options);
  if (delegates.has_dispensable()) {
    leave_out_dispensable(model, options, delegates, first.words.empty() ? "it failed without a word" : first.words);
    first = attempt(model, options, observer, &delegates);
    if (first.compiled != nullptr) return std::move(first.compiled);
  }
  if (!delegates.has_static_only() || !is_refusal_of_dynamic_graph(first)) {
    throw DelegateError(first.failure + "; without " + delegates.names() + " the model can be compiled");
  }
  if (!options.fallback) {
    throw DelegateError(model.name() + ": the graph has tensors whose shapes only a run tells, which " +
                        delegates.names() + " does not take, and fallback=False leaves no other way to run it; " +
                        "allow the fallback, or choose another delegate");
  }
  delegates.leave_out_static_only();
  return compile(model, options, observer, &delegates);
}

}  // namespace zerolite
