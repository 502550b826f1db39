#include "zerolite/inference/compiled_model.hpp"

#include <algorithm>
#include <cstdlib>
#include <map>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "zerolite/cache/openvino_cache.hpp"
#include "zerolite/compilation/dequantized_weights.hpp"
#include "zerolite/compilation/prepare_signature.hpp"
#include "zerolite/delegates/openvino/openvino_delegate.hpp"
#include "zerolite/model/operators.hpp"
#include "zerolite/platform/error.hpp"
#include "zerolite/runtime/status.hpp"

namespace zerolite {
namespace {

// What the runtime may call a tensor: LiteRT 2.3.0 gives those of signatures the signatures' names. A name that holds a
// null byte ends there for the runtime.
bool is_name_of(const std::string& name, std::int32_t index, std::size_t subgraph, const ModelInterface& model) {
  const auto is_name = [&](std::string_view known) { return known.substr(0, known.find('\0')) == name; };
  const auto named = [&](const NamedTensor& tensor) {
    return tensor.tensor_index == index && (is_name(tensor.name) || is_name(tensor.name_in_file));
  };
  const TensorDescription& described = model.subgraphs[subgraph].tensors[static_cast<std::size_t>(index)];
  return is_name(described.name_for_runtime.empty() ? described.name : described.name_for_runtime) ||
         std::ranges::any_of(model.signatures, [&](const SignatureDescription& signature) {
           return signature.subgraph == subgraph &&
                  (std::ranges::any_of(signature.inputs, named) || std::ranges::any_of(signature.outputs, named));
         });
}

// The declared structs and the library must agree; a mistake here would read and write wild memory later.
void require_same_graph(const CapturedGraph& graph, std::size_t subgraph, const ModelInterface& model) {
  const auto disagree = [](const std::string& what) {
    throw RuntimeLibraryError("the LiteRT library " + RuntimeLibrary::get().path().string() + " shows " + what +
                              ", so its structures are not those this zerolite was written for; install "
                              "'ai-edge-litert>=2.3,<2.4'");
  };
  const SubgraphDescription& description = model.subgraphs[subgraph];
  if (graph.tensor_count() < description.tensors.size()) disagree("fewer tensors than the model has");
  for (const std::vector<std::int32_t>* indices : {&description.inputs, &description.outputs}) {
    for (const std::int32_t index : *indices) {
      const TensorDescription& expected = description.tensors[static_cast<std::size_t>(index)];
      const TensorSpec spec = graph.spec(index);
      if (!is_name_of(spec.name, index, subgraph, model)) {
        disagree("a tensor named '" + spec.name + "' in place of '" + expected.name + "'");
      }
      if (spec.type != expected.type) disagree("another type of tensor '" + expected.name + "' than the model has");
      if (spec.shape.size() != expected.shape.size()) {
        disagree("another rank of tensor '" + expected.name + "' than the model has");
      }
    }
  }
}

std::optional<WeightCache> open_weight_cache(const CompileOptions& options, const Model& model) {
  options.validate();
  if (options.weight_cache_file.empty()) return std::nullopt;
  RuntimeLibrary::get().require_known("a weight cache, whose file has a checksum in a gap of XNNPACK's,");
  return WeightCache(options.weight_cache_file, model, options.xnnpack_flags);
}

CompileOptions with_weight_cache(CompileOptions options, const std::optional<WeightCache>& weight_cache) {
  if (weight_cache) options.weight_cache = weight_cache->native_path();
  return options;
}

// With kernels for custom operators that are this model's alone.
CompileOptions with_own_operators(CompileOptions options, const Model& model) {
  if (options.custom_operators == nullptr) return options;
  RuntimeLibrary::get().require_known("kernels for custom operators");
  options.custom_operators->require_in(model.interface(), model.name());
  options.custom_operators = options.custom_operators->for_another_model();
  return options;
}

// With the directories that keep what OpenVINO compiles, or, for a profile, its counters.
CompileOptions with_openvino(CompileOptions options, const Model& model) {
  for (auto* side : {&options.before_xnnpack, &options.after_xnnpack}) {
    for (DelegateSettings& settings : *side) {
      auto* openvino = std::get_if<OpenVinoSettings>(&settings);
      if (openvino == nullptr) continue;
      openvino->counters = options.profiling;
      openvino->programs.reset();
      // Programs with counters are nobody else's.
      if (openvino->cache.empty() || openvino->counters) continue;
      openvino->programs = std::make_shared<OpenVinoCache>(model, *openvino);
    }
  }
  return options;
}

std::vector<StepTime> openvino_steps(const abi::tflite::Node& node) {
  std::vector<StepTime> steps;
  for (openvino::NodeCounter& counter : OpenVinoDelegate::counters(node)) {
    steps.push_back({std::move(counter.name), counter.microseconds});
  }
  return steps;
}

ModelLock::Threads own_threads(const CompileOptions& options) {
  // OpenVINO and the drivers of GPUs and NPUs have threads, however many compute on the CPU.
  const bool has_driver = options.gpu() != nullptr || options.npu() != nullptr || options.has_openvino();
  const bool has_process = options.remote_model() != nullptr;
  return options.threads > 1 || has_driver || has_process ? ModelLock::Threads::own : ModelLock::Threads::none;
}

std::shared_ptr<const Model> with_weights(const std::shared_ptr<const Model>& model, Weights weights) {
  return weights == Weights::dequantized ? dequantize_weights(model) : model;
}

bool runs_delegated(const GraphObserver& observer, std::size_t subgraph) {
  const CapturedGraph* graph = observer.graph(subgraph);
  return graph != nullptr &&
         std::ranges::any_of(graph->plan(), [](const PlannedNode& node) { return node.node->delegate != nullptr; });
}

bool direct_dispatch_allowed() {
  const char* setting = std::getenv("ZEROLITE_DISPATCH");
  return setting == nullptr || std::string_view(setting) != "runtime";
}

}  // namespace

CompiledModel::CompiledModel(std::shared_ptr<const Model> model, CompileOptions options)
    : CompiledModel(std::move(model), std::move(options), MadeBefore()) {}

CompiledModel::CompiledModel(const CompiledModel& original, const CompileOptions& options)
    : CompiledModel(original.model_, options, made_for(original, options)) {}

CompiledModel::CompiledModel(std::shared_ptr<const Model> model, CompileOptions options, const MadeBefore& before)
    : model_(std::move(model)),
      source_(before.source != nullptr ? before.source : with_weights(model_, options.weights)),
      options_(with_openvino(with_own_operators(std::move(options), *source_), *source_)),
      observer_(new GraphObserver(make_observer(*source_))),  // which can't be moved, as std::make_unique would
      delegates_(std::make_unique<DelegateRegistry>(source_, options_.before_xnnpack, options_.after_xnnpack)),
      weight_cache_(open_weight_cache(options_, *source_)),
      compilation_(compile_model(source_, with_weight_cache(options_, weight_cache_), *observer_, *delegates_,
                                 before.compiled_for_npu)),
      origins_(executed_model() == source_ ? std::nullopt : OperatorOrigins::of(*source_, *executed_model())),
      unused_delegates_(delegates_->unused()),
      state_(find_state()),
      runners_(interface().signatures.size()),
      users_(interface().subgraphs.size()),
      lock_(model_->name(), own_threads(options_)) {
  if (options_.custom_operators != nullptr) options_.custom_operators->set_lock(&lock_);
  for (const SignatureDescription& signature : interface().signatures) {
    const CapturedGraph* graph = observer_->graph(signature.subgraph);
    if (graph == nullptr) {
      throw Error(model_->name() + ": the runtime did not show the graph of signature '" + signature.key + "'");
    }
    require_same_graph(*graph, signature.subgraph, interface());
  }
  if (!options_.fallback) require_complete();
}

CompiledModel::MadeBefore CompiledModel::made_for(const CompiledModel& original, const CompileOptions& options) {
  MadeBefore before;
  if (options.weights != original.options_.weights) return before;
  before.source = original.source_;
  // A model that is compiled for the same NPU again need not be.
  const bool was_made = original.executed_model() != original.source_ && options.npu() != nullptr;
  if (was_made && *options.npu() == *original.options_.npu()) before.compiled_for_npu = original.executed_model();
  return before;
}

CompiledModel::~CompiledModel() {
  if (!lock_.is_lost()) return;
  for (std::unique_ptr<SignatureRunner>& runner : runners_) (void)runner.release();
  (void)compilation_.compiled.release();
  (void)delegates_.release();
}

void CompiledModel::prepare() {
  (void)signature(interface().default_signature());
  if (weight_cache_) weight_cache_->store();
  weight_cache_.reset();  // mapped by now, so that the descriptor can go
}

void CompiledModel::require_open() const {
  if (is_closed()) throw Error("the model " + model_->name() + " is closed; load it again to use it");
}

std::optional<Delegation> CompiledModel::delegation(std::size_t subgraph) const {
  require_open();
  RuntimeLibrary::get().require_known("to tell which operators run where");
  const CapturedGraph* graph = observer_->graph(subgraph);
  if (graph == nullptr) return std::nullopt;
  Delegation delegation = Delegation::of(*graph);
  if (origins_) {
    for (Partition& partition : delegation.partitions) {
      partition.operators = origins_->of_operators(subgraph, partition.operators);
    }
    delegation.builtin = origins_->of_operators(subgraph, delegation.builtin);
  }
  return delegation;
}

void CompiledModel::resize(std::size_t index, std::span<const ResizeRequest> requests, EmptyShapes empty_shapes) {
  SignatureRunner& runner = signature(index);
  try {
    runner.resize(requests, empty_shapes);
  } catch (const PreparationError& error) {
    if (!runs_delegated(*observer_, interface().signatures[index].subgraph)) throw;
    throw Error(explain_refusal(error, index, requests, empty_shapes));
  }
}

// XNNPACK says of any shapes that do not fit that it could not "reshape runtime", and names no operator (LiteRT 2.3.0).
std::string CompiledModel::explain_refusal(const PreparationError& error, std::size_t index,
                                           std::span<const ResizeRequest> requests, EmptyShapes empty_shapes) {
  try {
    CompileOptions options;
    options.kernels = CpuKernels::builtin;
    options.weights = options_.weights;
    options.custom_operators = options_.custom_operators;
    CompiledModel plain(*this, options);
    SignatureRunner& runner = plain.signature(index);
    std::vector<ResizeRequest> shapes = runner.resized_in(signature(index));
    for (const ResizeRequest& request : requests) {
      std::erase_if(shapes, [&](const ResizeRequest& other) { return other.input == request.input; });
      shapes.push_back(request);
    }
    runner.resize(shapes, empty_shapes);
  } catch (const PreparationError& reason) {
    return reason.what();
  } catch (const std::exception&) {
    return error.what();  // they can't have the model at all
  }
  // They take the shapes, which is no advice: their FULLY_CONNECTED leaves out numbers that are too many.
  return error.what();
}

RunProfile CompiledModel::profile_run(std::size_t index) {
  RuntimeLibrary::get().require_known("a profile");
  SignatureRunner& runner = signature(index);
  abi::Profiler profiler = nullptr;
  if (options_.profiling) {
    const LogCapture log;
    require_ok(zerolite::runtime().CompiledModelGetProfiler(compilation_.compiled.get(), &profiler),
               "profile the model", log);
  }
  RunProfiler listener(*observer_, profiler, &openvino_steps);
  runner.run_instrumented(*observer_, listener);
  return listener.take();
}

void CompiledModel::require_complete() const {
  std::map<std::string, int> left;
  for (std::size_t subgraph = 0; subgraph < interface().subgraphs.size(); ++subgraph) {
    const std::optional<Delegation> found = delegation(subgraph);
    if (!found) continue;
    const ModelInterface& described = delegated_operators();
    const std::vector<std::uint32_t>& operators = described.subgraphs[subgraph].operators;
    for (const std::size_t index : found->builtin) {
      const OperatorCode& code = described.operator_codes[operators[index]];
      // A kernel that was given for an operator by name is asked for, and no fallback.
      const bool is_given =
          code.is_custom() && options_.custom_operators != nullptr && options_.custom_operators->has(code.custom_code);
      if (!is_given) ++left[name_of(code)];
    }
  }
  if (left.empty()) return;
  std::string names;
  for (const auto& [name, count] : left) {
    if (!names.empty()) names += ", ";
    names += name + (count == 1 ? "" : " (" + std::to_string(count) + ")");
  }
  throw DelegateError(
      model_->name() + ": no delegate takes the operators " + names +
      ", and fallback=False leaves them without kernels; allow the fallback, or choose another delegate");
}

SignatureRunner& CompiledModel::switch_to(std::size_t index) {
  require_open();
  replace_spent_runners();
  // Signatures that are never used are never allocated.
  std::unique_ptr<SignatureRunner>& runner = runners_.at(index);
  SignatureRunner*& user = users_[interface().signatures[index].subgraph];
  if (user == nullptr || user != runner.get()) {
    if (user != nullptr) user->apply_pending();
    // Nobody's, should it come to nothing: who uses the subgraph next takes it over.
    user = nullptr;
    last_runner_ = nullptr;
    if (runner == nullptr) {
      runner = prepare_signature(compilation_.compiled.get(), index, *executed_model(), *observer_,
                                 direct_dispatch_allowed(), options_.custom_operators.get());
    } else {
      // Two signatures may name tensors of one subgraph: what the other one did to them is made good first.
      runner->take_over();
    }
    user = runner.get();
  }
  last_index_ = index;
  last_runner_ = runner.get();
  return *runner;
}

std::vector<std::unique_ptr<SignatureRunner>> CompiledModel::close() {
  std::vector<std::unique_ptr<SignatureRunner>> remains = std::move(runners_);
  runners_.clear();
  std::ranges::fill(users_, nullptr);
  last_runner_ = nullptr;
  closed_.store(true, std::memory_order_release);
  compilation_.compiled.reset();
  delegates_.reset();
  return remains;
}

}  // namespace zerolite
