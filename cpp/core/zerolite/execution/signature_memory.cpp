#include "zerolite/execution/signature_memory.hpp"

#include <algorithm>
#include <cstring>
#include <iterator>
#include <optional>
#include <string>

#include "zerolite/platform/error.hpp"

namespace zerolite {
namespace {

using abi::tflite::AllocationType;
using abi::tflite::Tensor;

[[noreturn]] void throw_impossible_shape(const Tensor& tensor, const std::vector<std::int32_t>& shape) {
  throw Error("tensor '" + std::string(name_of(tensor)) + "' has the shape " + to_string(shape) +
              ", which is no possible size");
}

bool is_supported(ElementType type) { return type == ElementType::string || bits_of(type).has_value(); }

}  // namespace

SignatureMemory::SignatureMemory(const CompiledSignature& signature)
    : signature_(signature), inputs_(add(signature.description.inputs)), outputs_(add(signature.description.outputs)) {
  const std::vector<std::int32_t>& inputs = signature.subgraph.inputs;
  for (const std::int32_t tensor : inputs) (void)add(tensor);
  for (const std::int32_t tensor : signature.subgraph.outputs) (void)add(tensor);
  std::ranges::copy_if(signature.subgraph.outputs, std::back_inserter(computed_outputs_),
                       [&](std::int32_t tensor) { return std::ranges::find(inputs, tensor) == inputs.end(); });
}

std::size_t SignatureMemory::position_of(std::int32_t tensor) const {
  const auto found = std::ranges::find(bindings_, tensor, &TensorBinding::tensor_index);
  return static_cast<std::size_t>(found - bindings_.begin());
}

std::vector<std::size_t> SignatureMemory::positions(const std::vector<std::int32_t>& tensors) const {
  std::vector<std::size_t> positions;
  positions.reserve(tensors.size());
  for (const std::int32_t tensor : tensors) positions.push_back(position_of(tensor));
  return positions;
}

std::size_t SignatureMemory::add(std::int32_t tensor) {
  const std::size_t known = position_of(tensor);
  if (known < bindings_.size()) return known;
  const TensorSpec spec = signature_.graph.spec(tensor);
  if (!is_supported(spec.type)) {
    throw Error("tensor '" + spec.name + "' has the type " + std::string(name_of(spec.type)) +
                ", which can't be passed in or out of a model");
  }
  bindings_.emplace_back(tensor, spec.type);
  return bindings_.size() - 1;
}

std::vector<std::size_t> SignatureMemory::add(const std::vector<NamedTensor>& tensors) {
  std::vector<std::size_t> positions;
  positions.reserve(tensors.size());
  for (const NamedTensor& tensor : tensors) positions.push_back(add(tensor.tensor_index));
  return positions;
}

TensorSpec SignatureMemory::spec(Side side, std::size_t index) const {
  const SignatureDescription& description = signature_.description;
  TensorSpec spec = signature_.graph.spec(binding(side, index).tensor_index());
  spec.shape = binding(side, index).shape();
  spec.name = (side == Side::input ? description.inputs : description.outputs)[index].name;
  return spec;
}

// A kernel sets the type of its output, whatever the file says. Memory for the file's type could be too small.
void SignatureMemory::require_type(const Tensor& tensor, ElementType type) const {
  const auto given = static_cast<ElementType>(tensor.type);
  if (given == type) return;
  throw InvalidModelError(signature_.model_name + " is not a sound TensorFlow Lite model: its tensor '" +
                          name_of(tensor) + "' has the type " + std::string(name_of(type)) +
                          ", and its operator gives " + std::string(name_of(given)) + "; convert or download it again");
}

TensorBinding::Fitting SignatureMemory::fitting_of(const TensorBinding& binding) const {
  const Tensor& tensor = signature_.graph.tensor(binding.tensor_index());
  require_type(tensor, binding.type());
  std::vector<std::int32_t> shape = signature_.graph.shape(binding.tensor_index());
  if (binding.type() == ElementType::string) {
    // Inputs get their size when they are set, outputs when they turn out larger.
    constexpr std::size_t kEmptyStringTensor = 4096;
    return binding.fitting(std::move(shape), binding.owner() == nullptr ? kEmptyStringTensor : binding.size());
  }
  // The dimensions of a dynamic tensor may be negative, or those of an earlier run.
  const std::optional<std::size_t> size = byte_size(binding.type(), shape);
  if (!size && tensor.allocation_type != AllocationType::dynamic) throw_impossible_shape(tensor, shape);
  return binding.fitting(std::move(shape), size.value_or(0));
}

std::vector<TensorBinding::Fitting> SignatureMemory::fittings(std::span<const TensorBinding> bindings) const {
  std::vector<TensorBinding::Fitting> fittings;
  fittings.reserve(bindings.size());
  for (const TensorBinding& binding : bindings) fittings.push_back(fitting_of(binding));
  return fittings;
}

void SignatureMemory::use(TensorBinding& binding, TensorBinding::Fitting fitting) noexcept {
  if (fitting.shape != binding.shape() || fitting.size != binding.size()) ++generation_;
  // The callers have reserved room for it.
  if (binding.is_bound() && fitting.size != binding.size()) retired_.push_back(binding.owner());
  binding.fit(std::move(fitting));
}

void SignatureMemory::fit(TensorBinding& binding, std::size_t size) {
  TensorBinding::Fitting fitting = binding.fitting(signature_.graph.shape(binding.tensor_index()), size);
  retired_.reserve(retired_.size() + 1);
  use(binding, std::move(fitting));
}

void SignatureMemory::fit() {
  // All memory first, so that either every binding fits the graph or none has changed.
  std::vector<TensorBinding::Fitting> prepared = fittings(bindings_);
  retired_.reserve(retired_.size() + bindings_.size());
  for (std::size_t i = 0; i < bindings_.size(); ++i) use(bindings_[i], std::move(prepared[i]));
}

void SignatureMemory::set_strings(std::size_t input, std::span<const std::byte> encoded) {
  TensorBinding& binding = bindings_[inputs_[input]];
  fit(binding, encoded.size());
  std::memcpy(binding.data(), encoded.data(), encoded.size());
}

bool SignatureMemory::grow(Outputs outputs) {
  bool grown = false;
  for (const std::int32_t output : signature_.subgraph.outputs) {
    TensorBinding& binding = bindings_[position_of(output)];
    const Tensor& tensor = signature_.graph.tensor(output);
    const bool is_string = binding.type() == ElementType::string;
    if (tensor.bytes <= binding.size() || (outputs == Outputs::strings && !is_string)) continue;
    fit(binding, is_string ? 2 * tensor.bytes : tensor.bytes);
    grown = true;
  }
  return grown;
}

void SignatureMemory::part_with_given_away() {
  for (TensorBinding& binding : bindings_) {
    if (!binding.is_given_away()) continue;
    // Of no size, as long as there is no value; the rank stays.
    use(binding, binding.fitting(std::vector<std::int32_t>(binding.shape().size(), 0), 0));
  }
}

std::shared_ptr<void> SignatureMemory::give_away(std::size_t position) {
  TensorBinding& binding = bindings_[position];
  const bool is_computed = std::ranges::find(computed_outputs_, binding.tensor_index()) != computed_outputs_.end();
  const bool is_elsewhere = signature_.graph.tensor(binding.tensor_index()).data != binding.data();
  // Below this size, in bytes, a copy costs less than memory that is taken anew for every run.
  constexpr std::size_t kWorthGivingAway = std::size_t{64} << 10U;
  const bool is_worth_it = binding.size() >= kWorthGivingAway;
  return is_computed && is_elsewhere && is_worth_it ? binding.give_away() : nullptr;
}

void SignatureMemory::collect_again(std::size_t position) {
  TensorBinding& binding = bindings_[position];
  if (!binding.is_given_away()) return;
  const Tensor& tensor = signature_.graph.tensor(binding.tensor_index());
  const std::shared_ptr<void> given_away = binding.owner();
  const std::byte* value = binding.data();  // which its new owner may have changed
  const std::size_t size = binding.size();
  if (tensor.data != nullptr && tensor.bytes == size) value = static_cast<const std::byte*>(tensor.data);
  use(binding, binding.fitting(binding.shape(), size));
  std::memcpy(binding.data(), value, size);
}

void SignatureMemory::collect_outputs() {
  for (const std::int32_t output : computed_outputs_) {
    TensorBinding& binding = bindings_[position_of(output)];
    const Tensor& tensor = signature_.graph.tensor(output);
    if (binding.type() == ElementType::string) {
      fit(binding, binding.size());
      continue;
    }
    if (tensor.data == binding.data()) continue;
    // The runtime put it elsewhere: it is dynamic or late, or was computed when the graph was prepared.
    const std::vector<std::int32_t> shape = signature_.graph.shape(output);
    const std::optional<std::size_t> size = byte_size(binding.type(), shape);
    // The runtime takes any other dimensions where one is 0, and an array does not.
    if (!size && std::ranges::find(shape, 0) != shape.end()) throw_impossible_shape(tensor, shape);
    fit(binding, size.value_or(0));
    if (size && *size > 0 && tensor.data != nullptr) {
      std::memcpy(binding.data(), tensor.data, std::min(*size, tensor.bytes));
    }
  }
}

SignatureMemory::OverwrittenInputs::OverwrittenInputs(const SignatureMemory& memory) {
  for (const std::int32_t tensor : memory.signature_.subgraph.inputs) {
    const TensorBinding& input = memory.bindings_[memory.position_of(tensor)];
    const bool is_overwritten = std::ranges::any_of(memory.computed_outputs_, [&](std::int32_t output) {
      return memory.bindings_[memory.position_of(output)].data() == input.data();
    });
    if (is_overwritten) values_.emplace_back(input.bytes(), std::vector(input.data(), input.data() + input.size()));
  }
}

void SignatureMemory::OverwrittenInputs::restore() const {
  for (const auto& [bytes, values] : values_) std::ranges::copy(values, bytes.begin());
}

void SignatureMemory::bind(Side side, std::size_t index, std::byte* data, std::shared_ptr<void> owner) {
  bindings_[position(side, index)].bind(data, std::move(owner));
}

void SignatureMemory::unbind(Side side, std::size_t index) { bindings_[position(side, index)].unbind(); }

void SignatureMemory::borrow(Side side, std::size_t index, std::byte* data) {
  TensorBinding& own = bindings_[position(side, index)];
  TensorBinding borrowed(own.tensor_index(), own.type());
  borrowed.use_without_owning(data, own);
  set_aside_.reserve(set_aside_.size() + 1);  // before the binding's memory is on its way
  set_aside_.emplace_back(position(side, index), std::exchange(own, std::move(borrowed)));
}

std::vector<TensorBinding> SignatureMemory::swap_out() {
  std::vector<TensorBinding> others;
  others.reserve(bindings_.size());
  for (const TensorBinding& binding : bindings_) others.emplace_back(binding.tensor_index(), binding.type());
  std::vector<TensorBinding::Fitting> prepared = fittings(others);
  for (std::size_t i = 0; i < others.size(); ++i) others[i].fit(std::move(prepared[i]));
  bindings_.swap(others);
  return others;
}

void SignatureMemory::swap_in(std::vector<TensorBinding> bindings) noexcept { bindings_ = std::move(bindings); }

void SignatureMemory::exchange(SignatureMemory& other) noexcept {
  bindings_.swap(other.bindings_);
  retired_.swap(other.retired_);
  // Whoever remembers a generation of one must not take the other's for it.
  generation_ = other.generation_ = std::max(generation_, other.generation_) + 1;
}

}  // namespace zerolite
