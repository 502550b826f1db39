#include "zerolite/inference/interpreter_state.hpp"

#include <algorithm>
#include <cstring>
#include <utility>

#include "zerolite/platform/error.hpp"

namespace zerolite {
namespace {

using abi::tflite::AllocationType;
using abi::tflite::Tensor;

std::optional<std::size_t> signature_of(const ModelInterface& model, std::size_t subgraph) {
  const auto found = std::ranges::find(model.signatures, subgraph, &SignatureDescription::subgraph);
  if (found == model.signatures.end()) return std::nullopt;
  return static_cast<std::size_t>(found - model.signatures.begin());
}

bool may_be_written(const Tensor& tensor) {
  return tensor.allocation_type != AllocationType::mmap_read_only &&
         tensor.allocation_type != AllocationType::persistent_read_only;
}

}  // namespace

InterpreterState::InterpreterState(const Model& model, const ModelContents& details, std::size_t subgraph,
                                   CompiledModel* compiled)
    : description_(model.interface().subgraphs[subgraph]),
      details_(details.subgraphs[subgraph]),
      subgraph_(subgraph),
      compiled_(compiled),
      signature_(signature_of(model.interface(), subgraph)) {}

const CapturedGraph* InterpreterState::graph() const {
  return !has_runner_ && !prepared_ ? nullptr : compiled_->observer().graph(subgraph_);
}

bool InterpreterState::has_shape(std::size_t index) const {
  return described(index) != nullptr || graph()->tensor(static_cast<std::int32_t>(index)).dims != nullptr;
}

std::optional<PreparedQuantization> InterpreterState::prepared_quantization(std::size_t index) const {
  if (graph() == nullptr) return std::nullopt;
  const Tensor& tensor = graph()->tensor(static_cast<std::int32_t>(index));
  PreparedQuantization prepared;
  prepared.scale = tensor.params.scale;
  prepared.zero_point = tensor.params.zero_point;
  if (tensor.quantization.type != abi::tflite::QuantizationType::affine || tensor.quantization.params == nullptr) {
    return prepared;
  }
  const auto& params = *static_cast<const abi::tflite::AffineQuantization*>(tensor.quantization.params);
  if (params.scale != nullptr) {
    const std::span<const float> scales = params.scale->values();
    prepared.scales.assign(scales.begin(), scales.end());
  }
  prepared.zero_points = values_of(params.zero_point);
  prepared.axis = params.quantized_dimension;
  return prepared;
}

const TensorDescription* InterpreterState::described(std::size_t index) const {
  return index < description_.tensors.size() ? &description_.tensors[index] : nullptr;
}

const TensorDetails* InterpreterState::details(std::size_t index) const {
  return index < details_.tensors.size() ? &details_.tensors[index] : nullptr;
}

std::size_t InterpreterState::count() const {
  return graph() == nullptr ? description_.tensors.size() : graph()->tensor_count();
}

ElementType InterpreterState::type(std::size_t index) const {
  // Kernels may give their outputs the type that they compute.
  if (graph() != nullptr) return static_cast<ElementType>(graph()->tensor(static_cast<std::int32_t>(index)).type);
  return description_.tensors[index].type;
}

std::string InterpreterState::name(std::size_t index) const {
  if (const TensorDescription* tensor = described(index)) return tensor->name;
  return name_of(graph()->tensor(static_cast<std::int32_t>(index)));
}

std::vector<std::int32_t> InterpreterState::shape(std::size_t index) const {
  if (const auto pending = pending_shapes_.find(index); pending != pending_shapes_.end()) return pending->second;
  if (graph() != nullptr) return graph()->shape(static_cast<std::int32_t>(index));
  return description_.tensors[index].shape;
}

std::vector<std::int32_t> InterpreterState::shape_signature(std::size_t index) const {
  const TensorDetails* tensor = details(index);
  return tensor == nullptr || tensor->shape_signature.empty() ? shape(index) : tensor->shape_signature;
}

std::optional<std::size_t> InterpreterState::binding(std::size_t index) const {
  const SignatureRunner* runner = known_runner();
  if (runner == nullptr) return std::nullopt;
  const std::span<const TensorBinding> bindings = runner->bindings();
  const auto found = std::ranges::find(bindings, static_cast<std::int32_t>(index), &TensorBinding::tensor_index);
  if (found == bindings.end()) return std::nullopt;
  return static_cast<std::size_t>(found - bindings.begin());
}

std::optional<std::size_t> InterpreterState::input(std::size_t index) const {
  if (!signature_ || compiled_ == nullptr) return std::nullopt;
  const std::vector<NamedTensor>& inputs = compiled_->interface().signatures[*signature_].inputs;
  const auto found = std::ranges::find(inputs, static_cast<std::int32_t>(index), &NamedTensor::tensor_index);
  if (found == inputs.end()) return std::nullopt;
  return static_cast<std::size_t>(found - inputs.begin());
}

std::optional<TensorMemory> InterpreterState::memory(std::size_t index) const {
  if (const TensorDetails* tensor = details(index); tensor != nullptr && !tensor->constant.empty()) {
    // Not to be written: replicas and later allocations read the same bytes.
    // NOLINTNEXTLINE(cppcoreguidelines-pro-type-const-cast)
    return TensorMemory{const_cast<std::byte*>(tensor->constant.data()), tensor->constant.size(), false, nullptr};
  }
  if (const auto pending = pending_strings_.find(index); pending != pending_strings_.end()) {
    // Only read: what is set goes through set_strings.
    // NOLINTNEXTLINE(cppcoreguidelines-pro-type-const-cast)
    return TensorMemory{const_cast<std::byte*>(pending->second.data()), pending->second.size(), false, nullptr};
  }
  if (graph() == nullptr || pending_shapes_.contains(index)) return std::nullopt;
  if (awaits_run(index)) return std::nullopt;
  if (const std::optional<std::size_t> position = binding(index)) {
    SignatureRunner& runner = *known_runner();
    runner.collect_again(*position);
    const TensorBinding& binding = runner.bindings()[*position];
    return TensorMemory{binding.data(), binding.size(), true, binding.owner()};
  }
  const Tensor& tensor = graph()->tensor(static_cast<std::int32_t>(index));
  if (tensor.data == nullptr && tensor.bytes > 0) return std::nullopt;
  return TensorMemory{static_cast<std::byte*>(tensor.data), tensor.bytes, may_be_written(tensor), nullptr};
}

bool InterpreterState::awaits_run(std::size_t index) const {
  const auto tensor_index = static_cast<std::int32_t>(index);
  const bool is_input = std::ranges::find(description_.inputs, tensor_index) != description_.inputs.end();
  const Tensor& tensor = graph()->tensor(tensor_index);
  return !has_run_ && !is_input && tensor.data == nullptr && tensor.bytes > 0;
}

void InterpreterState::set_strings(std::size_t index, std::span<const std::byte> encoded) {
  const std::optional<std::size_t> position = input(index);
  if (allocated_ && position) {
    known_runner()->set_strings(*position, encoded);
  } else {
    pending_strings_[index].assign(encoded.begin(), encoded.end());
  }
}

void InterpreterState::resize(std::size_t index, const std::vector<std::int32_t>& shape) {
  const TensorDetails* tensor = details(index);
  const std::string refusal = "tensor " + std::to_string(index) + " can't have the shape " + to_string(shape) + ": ";
  if (tensor == nullptr || !tensor->constant.empty()) throw Error(refusal + "it is a constant, whose size is fixed");
  const bool same = shape == this->shape(index);
  if (same && memory(index)) return;
  allocated_ = false;
  if (!same && !input(index)) throw Error(refusal + "only inputs of a signature can be resized");
  const bool negative = std::ranges::any_of(shape, [](std::int32_t dimension) { return dimension < 0; });
  if (negative || (type(index) != ElementType::string && !byte_size(type(index), shape))) {
    throw Error(refusal + "its size does not fit into memory");
  }
  pending_shapes_[index] = shape;
  pending_strings_.erase(index);
}

bool InterpreterState::quantizes_activations() const {
  const auto is_small = [](ElementType type) { return type == ElementType::int8 || is_packed(type); };
  return std::ranges::any_of(details_.operators, [&](const OperatorDetails& operation) {
    if (operation.inputs.size() < 2 || operation.inputs[0] < 0 || operation.inputs[1] < 0) return false;
    const auto weights = static_cast<std::size_t>(operation.inputs[1]);
    return description_.tensors[static_cast<std::size_t>(operation.inputs[0])].type == ElementType::float32 &&
           is_small(description_.tensors[weights].type) && !details_.tensors[weights].constant.empty();
  });
}

SignatureRunner& InterpreterState::unchecked_runner() {
  if (compiled_ == nullptr) throw Error("the runtime could not compile the model");
  if (!signature_) {
    throw Error("subgraph " + std::to_string(subgraph_) +
                " belongs to no signature, and the runtime runs signatures only; use one of the model's signatures");
  }
  return compiled_->signature(*signature_);
}

SignatureRunner& InterpreterState::runner() {
  if (!allocated_) throw Error("Invoke called on model that is not ready; call allocate_tensors() first");
  return unchecked_runner();
}

void InterpreterState::allocate() {
  if (allocated_) return;
  (void)unchecked_runner();
  std::vector<ResizeRequest> requests;
  for (const auto& [index, shape] : pending_shapes_) {
    if (std::ranges::find(shape, 0) != shape.end() && quantizes_activations()) {
      throw Error("tensor " + std::to_string(index) + " can't have the shape " + to_string(shape) +
                  ": operators of the model quantize what they are given, and can't do so with nothing");
    }
    if (const std::optional<std::size_t> position = input(index)) requests.push_back({*position, shape});
  }
  try {
    if (signature_) compiled_->resize(*signature_, requests, EmptyShapes::taken);  // there is one, or no runner
    unchecked_runner().require_prepared();
  } catch (const ValueError& error) {
    throw Error(error.what());
  }
  has_runner_ = true;
  pending_shapes_.clear();
  allocated_ = true;
  has_run_ = false;
  for (const auto& [index, strings] : std::exchange(pending_strings_, {})) set_strings(index, strings);
}

std::vector<std::int32_t> InterpreterState::operator_outputs(std::size_t index) const {
  const abi::tflite::Node* node = graph() == nullptr ? nullptr : graph()->node(index);
  return node == nullptr ? details_.operators[index].outputs : values_of(node->outputs);
}

std::vector<DelegatedNode> InterpreterState::delegated_nodes() const {
  std::vector<DelegatedNode> nodes;
  if (graph() == nullptr) return nodes;
  for (const PlannedNode& planned : graph()->plan()) {
    if (planned.node->delegate == nullptr) continue;
    const char* name = planned.registration->custom_name;
    nodes.push_back({name == nullptr ? "" : name, values_of(planned.node->inputs), values_of(planned.node->outputs)});
  }
  return nodes;
}

void InterpreterState::reset_variables() {
  const CapturedGraph* captured = compiled_ == nullptr ? nullptr : compiled_->observer().graph(subgraph_);
  if (captured == nullptr) return;
  for (std::size_t i = 0; i < captured->tensor_count(); ++i) {
    const Tensor& tensor = captured->tensor(static_cast<std::int32_t>(i));
    if (!tensor.is_variable || tensor.allocation_type != AllocationType::arena_persistent) continue;
    if (graph() == nullptr || tensor.data == nullptr) {
      throw Error("a variable tensor has no memory yet; call allocate_tensors() first");
    }
    VariableValues::reset(tensor);
  }
}

}  // namespace zerolite
