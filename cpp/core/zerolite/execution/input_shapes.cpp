#include "zerolite/execution/input_shapes.hpp"

#include <algorithm>
#include <cstdint>
#include <iterator>
#include <new>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "zerolite/delegates/gpu_delegate.hpp"
#include "zerolite/delegates/npu_delegate.hpp"
#include "zerolite/execution/deferred_outputs.hpp"
#include "zerolite/model/dependent_shapes.hpp"
#include "zerolite/model/model_contents.hpp"
#include "zerolite/model/operators.hpp"
#include "zerolite/platform/error.hpp"
#include "zerolite/runtime/status.hpp"

namespace zerolite {
namespace {

constexpr std::string_view kKept = "; the previous shapes are kept";

bool is_sized(const std::vector<std::int32_t>& shape) {
  return !shape.empty() && std::ranges::all_of(shape, [](std::int32_t dimension) { return dimension > 0; });
}

// Kernels read a scale for each channel, and at least one element, without checking (LiteRT 2.3.0).
void require_channels(const Quantization& quantization, const std::vector<std::int32_t>& shape,
                      const std::string& refusal) {
  const auto axis = static_cast<std::size_t>(quantization.axis);
  if (axis < shape.size() && std::cmp_equal(shape[axis], quantization.scales.size()) && is_sized(shape)) return;
  throw ValueError(refusal + "it is quantized by channel, with " + std::to_string(quantization.scales.size()) +
                   " scales along axis " + std::to_string(axis));
}

// In the runtime's words for a node that failed.
bool tells_of_preparation(std::string_view message) {
  return message.find("failed to prepare") != std::string_view::npos;
}

bool tells_of_xnnpack(std::string_view message) {
  return message.find("(TfLiteXNNPackDelegate) failed to prepare") != std::string_view::npos;
}

// The operator's kernel gives the subgraphs that it runs pointers to memory of the graph, which they keep when one of
// them could not be prepared, and write to in a later run although it is freed by then (LiteRT 2.3.0).
bool runs_subgraphs(const PlannedNode& planned) {
  return !callees(static_cast<Operator>(planned.registration->builtin_code)).empty();
}

bool contains(const std::vector<ResizeRequest>& requests, std::size_t input) {
  return std::ranges::find(requests, input, &ResizeRequest::input) != requests.end();
}

bool prepares_late(const Model& model, std::size_t subgraph) {
  const ModelInterface& interface = model.interface();
  const ModelContents contents = ModelContents::read(model.bytes().span());
  const SubgraphView view{interface, interface.subgraphs[subgraph], contents.subgraphs[subgraph]};
  return !tensors_of_dependent_shape(view, ShapeSources::shapes_too).empty();
}

void require_done(abi::Status status, const CompiledSignature& signature, const std::string& action,
                  const LogCapture& log) {
  if (status != abi::Status::ok) throw Error(signature.model_name + ": " + failure(status, action, log));
}

}  // namespace

InputShapes::InputShapes(const CompiledSignature& signature, const Model& model, SignatureMemory& memory,
                         Dispatcher& dispatcher)
    : signature_(signature),
      memory_(memory),
      dispatcher_(dispatcher),
      variables_(model, signature.description.subgraph),
      prepares_late_(signature.graph.is_declared() && prepares_late(model, signature.description.subgraph)) {}

std::string InputShapes::required_resize() const {
  std::string names;
  for (std::size_t i = 0; i < signature_.description.inputs.size(); ++i) {
    const TensorSpec spec = memory_.spec(Side::input, i);
    if (std::ranges::find(spec.shape_signature, -1) == spec.shape_signature.end()) continue;
    names += (names.empty() ? "'" : ", '") + signature_.description.inputs[i].name + "', which is open as " +
             to_string(spec.shape_signature);
  }
  return names.empty() ? "" : "the shapes in the file can't be prepared; before the first run resize " + names;
}

void InputShapes::allocate_as_stored() {
  try {
    allocate();
  } catch (const Error& error) {
    // Such shapes are often placeholders, of files whose programs resize before the first run.
    if (required_resize().empty()) throw;
    preparation_failure_ = error.what();
  }
}

void InputShapes::allocate() {
  if (signature_.subgraph.outputs.empty()) {
    is_resized_ = false;
    return;  // the runtime's call refuses a signature without outputs; a run allocates
  }
  OutputLayouts layouts(signature_);
  const LogCapture log;
  // Only before a call that prepares the graph anew. Any other gives these outputs no memory, and kernels would write
  // to a null pointer.
  if (is_resized_) DeferredOutputs::forget_buffers(signature_.graph, memory_.computed_outputs());
  const abi::Status status = layouts.ask(true);
  // In a model without signatures the runtime looks tensors up by name, and throws when two have the same name
  // (LiteRT 2.3.0). A run does not, so the first run prepares such a graph.
  const bool is_left_to_a_run = status == kThrown && signature_.description.is_placeholder;
  if (status != abi::Status::ok && !is_left_to_a_run) {
    const std::string reason = failure(status, "prepare signature '" + signature_.description.key + "'", log);
    // Memory that was never taken is taken for all sizes that were noted.
    is_spent_ = is_spent_ || (was_prepared_ && may_be_spent(reason));
    throw PreparationError(signature_.model_name + ": " + reason);
  }
  if (signature_.graph.is_declared() && is_resized_) declare(layouts);
  is_resized_ = false;
  was_prepared_ = true;
  preparation_failure_.clear();
}

void InputShapes::declare(const OutputLayouts& layouts) {
  const std::vector<std::int32_t>& outputs = signature_.subgraph.outputs;
  for (std::size_t i = 0; i < outputs.size(); ++i) {
    if (!signature_.graph.resize(outputs[i], layouts.shape(i))) throw std::bad_alloc();
  }
}

// How a library that is not known words it can't be told.
bool InputShapes::may_be_spent(std::string_view message) const noexcept {
  return signature_.graph.is_declared() || tells_of_xnnpack(message) ||
         (tells_of_preparation(message) && signature_.graph.any_planned(&runs_subgraphs));
}

void InputShapes::note_failed_run(std::string_view message) noexcept { is_spent_ = is_spent_ || may_be_spent(message); }

void InputShapes::resize_input(std::size_t input, const std::vector<std::int32_t>& shape) {
  const std::int32_t tensor = memory_.binding(Side::input, input).tensor_index();
  const std::vector<std::int32_t>& inputs = signature_.subgraph.inputs;
  const auto position = static_cast<std::size_t>(std::ranges::find(inputs, tensor) - inputs.begin());
  const LogCapture log;
  const std::string action = "resize input '" + signature_.description.inputs[input].name + "' to " + to_string(shape);
  const auto resize_to = [&](const std::vector<std::int32_t>& size) {
    is_resized_ = true;
    require_done(guarded([&] {
                   return runtime().CompiledModelResizeInputTensorNonStrict(signature_.compiled, signature_.index,
                                                                            position, size.data(), size.size());
                 }),
                 signature_, action, log);
  };
  const std::vector<std::int32_t> namesakes = namesakes_of(tensor);
  if (is_sized(shape) && namesakes.empty()) {
    resize_to(shape);
    if (signature_.graph.is_declared() && !signature_.graph.resize(tensor, shape)) throw std::bad_alloc();
    return;
  }
  // The runtime refuses a shape without elements, though the graph takes it, and where inputs share a name it resizes
  // the one that it finds first (LiteRT 2.3.0). So the runtime gets any other shape, which makes it prepare the graph
  // anew, and the graph gets the right ones.
  std::vector<std::pair<std::int32_t, std::vector<std::int32_t>>> wanted = {{tensor, shape}};
  for (const std::int32_t namesake : namesakes) wanted.emplace_back(namesake, signature_.graph.shape(namesake));
  const auto is_taken = [&](const std::vector<std::int32_t>& size) {
    return signature_.graph.shape(tensor) == size ||
           std::ranges::any_of(namesakes, [&](std::int32_t one) { return signature_.graph.shape(one) == size; });
  };
  std::vector<std::int32_t> stand_in(std::max<std::size_t>(shape.size(), 1), 1);
  while (is_taken(stand_in)) ++stand_in[0];
  resize_to(stand_in);
  for (const auto& [index, size] : wanted) {
    if (signature_.graph.shape(index) != size && !signature_.graph.resize(index, size))
      throw Error(signature_.model_name + ": could not " + action + ": " + log.message());
  }
}

std::vector<std::int32_t> InputShapes::namesakes_of(std::int32_t tensor) const {
  const std::string_view name = name_of(signature_.graph.tensor(tensor));
  std::vector<std::int32_t> namesakes;
  std::ranges::copy_if(signature_.subgraph.inputs, std::back_inserter(namesakes), [&](std::int32_t other) {
    return other != tensor && name_of(signature_.graph.tensor(other)) == name;
  });
  return namesakes;
}

void InputShapes::apply(std::span<const ResizeRequest> requests) {
  dispatcher_.forget_plan();
  for (const ResizeRequest& request : requests) {
    if (signature_.graph.shape(memory_.binding(Side::input, request.input).tensor_index()) != request.shape) {
      resize_input(request.input, request.shape);
    }
  }
  if (is_resized_) allocate();
}

void InputShapes::require_resizable(std::size_t input, const std::string& refusal) const {
  if (GpuDelegate::runs_in(signature_.graph)) {
    throw Error(refusal + "a part runs on the GPU, which computes the file's shapes only; load it without zl.Gpu");
  }
  if (NpuDelegate::runs_in(signature_.graph)) {
    throw Error(refusal + "a part runs on the NPU, which computes the file's shapes only; load it without zl.Npu");
  }
  if (variables_.are_delegated(signature_.graph)) {
    throw Error(refusal +
                "a delegate has its variables, and may keep them at the size that they have; load it without that "
                "delegate");
  }
  if (signature_.graph.is_declared()) require_resizable_in_public(refusal);
  const TensorBinding& binding = memory_.binding(Side::input, input);
  if (binding.shape().size() > abi::kTensorMaxRank) {
    throw Error(refusal + "it has " + std::to_string(binding.shape().size()) +
                " dimensions, and the runtime resizes inputs of 1 to 8");
  }
  // It finds the first of those without a name, but none of those that share one (LiteRT 2.3.0), which here are left
  // over where a file has one string for the names of several tensors.
  const std::string_view name = name_of(signature_.graph.tensor(binding.tensor_index()));
  if (!name.empty() && !namesakes_of(binding.tensor_index()).empty()) {
    throw Error(refusal + "another input has the name '" + std::string(name) +
                "' too, and the runtime resizes inputs by name");
  }
}

// Where the runtime prepares operators only in the middle of a run, it does not compare the memory that it was given
// with the sizes that come of new shapes (LiteRT 2.3.0), and only its own graph tells that.
void InputShapes::require_resizable_in_public(const std::string& refusal) const {
  if (!variables_.empty() || prepares_late_) {
    RuntimeLibrary::get().require_known(refusal + "the model computes shapes while it runs, or has variables; that");
  }
}

void InputShapes::require_possible(const ResizeRequest& request, EmptyShapes empty_shapes) const {
  const TensorBinding& binding = memory_.binding(Side::input, request.input);
  const std::string refusal = signature_.model_name + ": input '" + signature_.description.inputs[request.input].name +
                              "' can't have the shape " + to_string(request.shape) + ": ";
  require_resizable(request.input, refusal);
  if (empty_shapes == EmptyShapes::refused || signature_.graph.is_declared()) {
    if (binding.shape().empty()) throw ValueError(refusal + "it is a scalar, which can't be resized");
    if (!is_sized(request.shape)) throw ValueError(refusal + "the runtime takes 1 to 8 dimensions of at least 1");
  }
  const bool negative = std::ranges::any_of(request.shape, [](std::int32_t dimension) { return dimension < 0; });
  if (negative || request.shape.size() > abi::kTensorMaxRank) {
    throw ValueError(refusal + "the runtime takes 1 to 8 dimensions of at least 1");
  }
  if (binding.type() != ElementType::string && !byte_size(binding.type(), request.shape)) {
    throw ValueError(refusal + "its size does not fit into memory");
  }
  const std::optional<Quantization> quantization = signature_.graph.spec(binding.tensor_index()).quantization;
  if (empty_shapes == EmptyShapes::taken && quantization && quantization->scales.size() > 1) {
    require_channels(*quantization, request.shape, refusal);
  }
}

void InputShapes::resize(std::span<const ResizeRequest> requests, EmptyShapes empty_shapes) {
  // The new shapes replace pending ones of the same inputs: applied alone, the pending ones might fit no others.
  std::vector<ResizeRequest> changes;
  std::vector<ResizeRequest> previous = pending_resize_;
  for (const ResizeRequest& request : requests) {
    const std::vector<std::int32_t>& shape = memory_.binding(Side::input, request.input).shape();
    if (request.shape == shape) continue;
    require_possible(request, empty_shapes);
    changes.push_back(request);
    if (!contains(pending_resize_, request.input)) previous.push_back({request.input, shape});
  }
  if (changes.empty()) {
    apply_pending();
    return;
  }
  if (is_spent_) {
    throw Error(signature_.model_name +
                ": the runtime could not take the shapes of an earlier resize, and takes no others " +
                "after that; load the model again");
  }
  std::ranges::copy_if(pending_resize_, std::back_inserter(changes),
                       [&](const ResizeRequest& pending) { return !contains(changes, pending.input); });
  try {
    apply(changes);
    variables_.require_what_is_read(signature_.graph, signature_.model_name);
    memory_.fit();
    dispatcher_.note_allocation();
    pending_resize_.clear();
  } catch (const PreparationError& error) {
    return_to(std::move(previous));
    throw PreparationError(std::string(error.what()).append(kKept));
  } catch (const Error& error) {
    return_to(std::move(previous));
    throw Error(std::string(error.what()).append(kKept));
  } catch (...) {
    return_to(std::move(previous));
    throw;
  }
}

void InputShapes::return_to(std::vector<ResizeRequest> shapes) noexcept {
  try {
    apply(shapes);
    pending_resize_.clear();
  } catch (...) {
    pending_resize_ = std::move(shapes);
  }
  dispatcher_.note_allocation();
}

void InputShapes::apply_pending() {
  if (pending_resize_.empty() || awaits_resize()) return;
  apply(pending_resize_);
  dispatcher_.note_allocation();
  pending_resize_.clear();
}

}  // namespace zerolite
