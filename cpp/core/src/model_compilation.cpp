#include "zerolite/model_compilation.hpp"

#include <cstdint>
#include <string>
#include <utility>

#include "zerolite/environment.hpp"
#include "zerolite/error.hpp"
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

Attempt attempt(const Model& model, const CompileOptions& options, GraphObserver& observer, DelegateSlots* delegates) {
  const OptionsHandle runtime_options = options.to_runtime();
  observer.attach_to(runtime_options.get());
  if (delegates != nullptr) delegates->attach_to(runtime_options.get());
  if (!options.fuse_operators) SingleOperatorNodes::attach_to(runtime_options.get());
  const LogCapture log;
  abi::CompiledModel compiled = nullptr;
  const abi::Status status =
      runtime().CreateCompiledModel(Environment::cpu().handle(), model.handle(), runtime_options.get(), &compiled);
  Attempt result;
  result.words = log.message();
  if (status == abi::Status::ok) {
    result.compiled.reset(compiled);
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

std::string libraries_of(const CompileOptions& options) {
  std::string libraries;
  for (const auto* side : {&options.before_xnnpack, &options.after_xnnpack}) {
    for (const ExternalDelegateSettings& settings : *side) {
      if (!libraries.empty()) libraries += ", ";
      libraries += settings.library;
    }
  }
  return libraries;
}

}  // namespace

CompiledModelHandle compile_model(const Model& model, const CompileOptions& options, GraphObserver& observer,
                                  DelegateSlots& delegates) {
  if (delegates.empty()) return compile(model, options, observer, nullptr);
  Attempt first = attempt(model, options, observer, &delegates);
  if (first.compiled != nullptr) return std::move(first.compiled);

  require_sound_without_delegates(model, options);
  if (!delegates.has_static_only() || !is_refusal_of_dynamic_graph(first)) {
    throw DelegateError(first.failure + "; without the delegate library " + libraries_of(options) +
                        " the model can be compiled");
  }
  if (!options.fallback) {
    throw DelegateError(model.name() + ": the graph has tensors whose shapes only a run tells, which " +
                        libraries_of(options) + " does not take, and fallback=False leaves no other way to run it; " +
                        "allow the fallback, or choose another delegate");
  }
  delegates.leave_out_static_only();
  return compile(model, options, observer, &delegates);
}

}  // namespace zerolite
