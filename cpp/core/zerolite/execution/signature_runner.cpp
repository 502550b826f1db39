#include "zerolite/execution/signature_runner.hpp"

#include <algorithm>
#include <chrono>
#include <cstring>
#include <iterator>
#include <utility>

#include "zerolite/execution/deferred_outputs.hpp"
#include "zerolite/platform/error.hpp"
#include "zerolite/runtime/status.hpp"

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

SignatureRunner::SignatureRunner(abi::CompiledModel compiled, std::size_t index, const Model& model,
                                 const CapturedGraph& graph, bool direct_allowed)
    : model_(compiled),
      model_name_(model.name()),
      index_(index),
      description_(model.description().signatures[index]),
      subgraph_(model.description().subgraphs[description_.subgraph]),
      graph_(graph),
      variables_(model, description_.subgraph),
      input_slots_(slots_for(description_.inputs)),
      output_slots_(slots_for(description_.outputs)),
      runtime_call_(compiled, index, graph, slots_for(subgraph_.inputs), slots_for(subgraph_.outputs)),
      direct_allowed_(direct_allowed) {
  std::ranges::copy_if(subgraph_.outputs, std::back_inserter(computed_outputs_), [this](std::int32_t tensor) {
    return std::ranges::find(subgraph_.inputs, tensor) == subgraph_.inputs.end();
  });
  allocate();
  fit_slots();
}

std::size_t SignatureRunner::slot_for(std::int32_t tensor_index) {
  const auto found = std::ranges::find(slots_, tensor_index, &TensorSlot::tensor_index);
  if (found != slots_.end()) return static_cast<std::size_t>(found - slots_.begin());
  const TensorSpec spec = graph_.spec(tensor_index);
  if (!is_supported(spec.type)) {
    throw Error("tensor '" + spec.name + "' has the type " + std::string(name_of(spec.type)) +
                ", which can't be passed in or out of a model");
  }
  slots_.emplace_back(tensor_index, spec.type);
  return slots_.size() - 1;
}

std::vector<std::size_t> SignatureRunner::slots_for(const std::vector<std::int32_t>& tensors) {
  std::vector<std::size_t> slots;
  slots.reserve(tensors.size());
  for (const std::int32_t tensor : tensors) slots.push_back(slot_for(tensor));
  return slots;
}

std::vector<std::size_t> SignatureRunner::slots_for(const std::vector<NamedTensor>& tensors) {
  std::vector<std::size_t> slots;
  slots.reserve(tensors.size());
  for (const NamedTensor& tensor : tensors) slots.push_back(slot_for(tensor.tensor_index));
  return slots;
}

TensorSpec SignatureRunner::spec(Side side, std::size_t index) const {
  TensorSpec spec = graph_.spec(slot(side, index).tensor_index());
  spec.shape = slot(side, index).shape();
  spec.name = (side == Side::input ? description_.inputs : description_.outputs)[index].name;
  return spec;
}

void SignatureRunner::require_done(abi::Status status, const std::string& action, const LogCapture& log) const {
  if (status != abi::Status::ok) throw Error(model_name_ + ": " + failure(status, action, log));
}

void SignatureRunner::allocate() {
  if (runtime_call_.outputs().empty()) {
    is_resized_ = false;
    return;  // the runtime's call refuses a signature without outputs; a run allocates
  }
  // The call writes as many dimensions as a tensor has, past the end of a layout when they are more than 8,
  // so there are layouts to spare (LiteRT 2.3.0).
  constexpr std::size_t kSpareLayouts = 8;
  std::vector<abi::Layout> layouts(runtime_call_.outputs().size() + kSpareLayouts);
  const LogCapture log;
  // Only where the call prepares the graph anew: outputs that are forgotten and get no memory then would be written to
  // where there is none.
  if (is_resized_) DeferredOutputs::forget_buffers(graph_, computed_outputs_);
  const abi::Status status = guarded([&] {
    return runtime().GetCompiledModelOutputTensorLayouts(model_, index_, runtime_call_.outputs().size(), layouts.data(),
                                                         true);
  });
  // Without a signature the runtime looks tensors up by name and throws when two have the same
  // (LiteRT 2.3.0). A run does not, so the graph is then prepared by the first one.
  const bool is_left_to_a_run = status == kThrown && description_.key == kPlaceholderSignature;
  if (status != abi::Status::ok && !is_left_to_a_run) {
    require_done(status, "prepare signature '" + description_.key + "'", log);
  }
  is_resized_ = false;
}

void SignatureRunner::use(TensorSlot& slot, TensorSlot::Fitting fitting) noexcept {
  if (fitting.shape != slot.shape() || fitting.size != slot.size()) ++generation_;
  // There is room for it: see the callers.
  if (slot.is_bound() && fitting.size != slot.size()) retired_.push_back(slot.owner());
  slot.fit(std::move(fitting));
}

void SignatureRunner::fit(TensorSlot& slot, std::size_t size) {
  TensorSlot::Fitting fitting = slot.fitting(graph_.shape(slot.tensor_index()), size);
  retired_.reserve(retired_.size() + 1);
  use(slot, std::move(fitting));
}

void SignatureRunner::note_allocation() noexcept {
  state_ = State::unprepared;
  ++generation_;
  has_dynamic_outputs_ = DeferredOutputs::has_dynamic(graph_);
  has_late_outputs_ = DeferredOutputs::has_late(graph_, computed_outputs_);
}

// Kernels set the type of what they write, whatever stands in the file. Memory for the file's type could be too small.
void SignatureRunner::require_type(const Tensor& tensor, ElementType type) const {
  const auto given = static_cast<ElementType>(tensor.type);
  if (given == type) return;
  throw InvalidModelError(model_name_ + " is not a sound TensorFlow Lite model: its tensor '" + name_of(tensor) +
                          "' has the type " + std::string(name_of(type)) + ", and its operator gives " +
                          std::string(name_of(given)) + "; convert or download it again");
}

TensorSlot::Fitting SignatureRunner::fitting_of(const TensorSlot& slot) const {
  const Tensor& tensor = graph_.tensor(slot.tensor_index());
  require_type(tensor, slot.type());
  std::vector<std::int32_t> shape = graph_.shape(slot.tensor_index());
  if (slot.type() == ElementType::string) {
    // Inputs get their size when they are set, outputs when they turn out larger.
    constexpr std::size_t kEmptyStringTensor = 4096;
    return slot.fitting(std::move(shape), slot.owner() == nullptr ? kEmptyStringTensor : slot.size());
  }
  // A dynamic tensor's dimensions may still be negative or its old ones.
  const std::optional<std::size_t> size = byte_size(slot.type(), shape);
  if (!size && tensor.allocation_type != AllocationType::dynamic) throw_impossible_shape(tensor, shape);
  return slot.fitting(std::move(shape), size.value_or(0));
}

std::vector<TensorSlot::Fitting> SignatureRunner::fittings(std::span<const TensorSlot> slots) const {
  std::vector<TensorSlot::Fitting> fittings;
  fittings.reserve(slots.size());
  for (const TensorSlot& slot : slots) fittings.push_back(fitting_of(slot));
  return fittings;
}

void SignatureRunner::fit_slots() {
  state_ = State::unprepared;
  // All memory first, so that either every slot fits the graph or none has changed.
  std::vector<TensorSlot::Fitting> prepared = fittings(slots_);
  retired_.reserve(retired_.size() + slots_.size());
  note_allocation();
  for (std::size_t i = 0; i < slots_.size(); ++i) use(slots_[i], std::move(prepared[i]));
}

void SignatureRunner::bind(Side side, std::size_t index, std::byte* data, std::shared_ptr<void> owner) {
  const std::size_t slot = slots_of(side)[index];
  slots_[slot].bind(data, std::move(owner));
  if (is_direct()) plan_.point(slot, data);
}

void SignatureRunner::unbind(Side side, std::size_t index) {
  const std::size_t slot = slots_of(side)[index];
  slots_[slot].unbind();
  if (is_direct()) plan_.point(slot, slots_[slot].data());
}

void SignatureRunner::lend(Side side, std::size_t index, std::byte* data) {
  const std::size_t slot = slots_of(side)[index];
  TensorSlot& own = slots_[slot];
  TensorSlot lent(own.tensor_index(), own.type());
  lent.use_without_owning(data, own);
  lent_.reserve(lent_.size() + 1);  // before the slot's memory is on its way
  lent_.emplace_back(slot, std::exchange(own, std::move(lent)));
  if (is_direct()) plan_.point(slot, data);
}

void SignatureRunner::end_lending() {
  for (auto& [slot, own] : lent_) {
    slots_[slot] = std::move(own);
    if (is_direct()) plan_.point(slot, slots_[slot].data());
  }
  lent_.clear();
}

std::vector<TensorSlot> SignatureRunner::take_slots() {
  catch_up();
  std::vector<TensorSlot> others;
  others.reserve(slots_.size());
  for (const TensorSlot& slot : slots_) others.emplace_back(slot.tensor_index(), slot.type());
  std::vector<TensorSlot::Fitting> prepared = fittings(others);
  for (std::size_t i = 0; i < others.size(); ++i) others[i].fit(std::move(prepared[i]));
  slots_.swap(others);
  note_allocation();
  return others;
}

void SignatureRunner::put_slots(std::vector<TensorSlot> slots, std::vector<ResizeRequest> resized) noexcept {
  // The shapes are those of when the slots were taken, also where the graph will know that only after a run.
  slots_ = std::move(slots);
  if (resized.empty()) {
    note_allocation();
  } else {
    return_to(std::move(resized));
  }
}

void SignatureRunner::set_strings(std::size_t input, std::span<const std::byte> encoded) {
  TensorSlot& slot = slots_[input_slots_[input]];
  fit(slot, encoded.size());
  std::memcpy(slot.data(), encoded.data(), encoded.size());
}

Dispatch SignatureRunner::dispatch() const {
  if (!direct_allowed_) return {false, "ZEROLITE_DISPATCH=runtime asks for the runtime's own call"};
  switch (state_) {
    case State::untimed:
    case State::direct:
      return {true, "the prepared plan is called without the runtime"};
    case State::runtime:
      return {false, obstacle_};
    case State::unprepared:
      break;
  }
  return {false, "the next run prepares the plan"};
}

void SignatureRunner::throw_kernel_failure(const std::string& words) const {
  throw Error(model_name_ + ": running signature '" + description_.key + "' failed" +
              (words.empty() ? "" : ": " + words));
}

void SignatureRunner::run_timed() {
  const auto begin = std::chrono::steady_clock::now();
  run_direct();
  const std::chrono::duration<double> taken = std::chrono::steady_clock::now() - begin;
  direct_seconds_ = std::min(direct_seconds_, taken.count());
  if (++timed_runs_ == kTimedRuns) state_ = State::direct;
}

void SignatureRunner::invoke_runtime() {
  const LogCapture log;
  abi::Status status = abi::Status::ok;
  if (has_dynamic_outputs_ || has_late_outputs_) {
    using Kind = DeferredOutputs::Kind;
    DeferredOutputs outputs(graph_, computed_outputs_, has_dynamic_outputs_ ? Kind::dynamic : Kind::late);
    status = runtime_call_.run(slots_, NodeHook{&DeferredOutputs::before_node, &outputs});
  } else {
    status = runtime_call_.run(slots_, std::nullopt);
  }
  if (status != abi::Status::ok) throw_kernel_failure(log.message());
}

void SignatureRunner::run_regular() {
  // Some shapes turn out to be unknown only when a kernel runs, also in a run that fails.
  const auto note_dynamic_outputs = [this] {
    has_dynamic_outputs_ = has_dynamic_outputs_ || DeferredOutputs::has_dynamic(graph_);
  };
  try {
    invoke_and_grow();
  } catch (...) {
    note_dynamic_outputs();
    throw;
  }
  note_dynamic_outputs();
  collect_outputs();
}

void SignatureRunner::invoke_and_grow() {
  try {
    invoke_runtime();
  } catch (const Error&) {
    // The runtime fails when an output does not fit into its buffer, and only then is the size of strings
    // known, and of outputs of a graph that could not be prepared before (LiteRT 2.3.0).
    if (!grow_outputs()) throw;
    invoke_runtime();
  }
}

bool SignatureRunner::grow_outputs() {
  bool grown = false;
  for (const std::size_t output : runtime_call_.outputs()) {
    TensorSlot& slot = slots_[output];
    const Tensor& tensor = graph_.tensor(slot.tensor_index());
    if (tensor.bytes <= slot.size()) continue;
    fit(slot, slot.type() == ElementType::string ? 2 * tensor.bytes : tensor.bytes);
    grown = true;
  }
  return grown;
}

void SignatureRunner::collect_outputs() {
  for (const std::int32_t index : computed_outputs_) {
    TensorSlot& slot = slots_[slot_for(index)];
    const Tensor& tensor = graph_.tensor(index);
    if (slot.type() == ElementType::string) {
      fit(slot, slot.size());
      continue;
    }
    if (tensor.data == slot.data()) continue;
    // The runtime put it elsewhere: it is dynamic or late, or was computed when the graph was prepared.
    const std::vector<std::int32_t> shape = graph_.shape(index);
    const std::optional<std::size_t> size = byte_size(slot.type(), shape);
    // The runtime takes any dimensions beside one that is 0; an array does not.
    if (!size && std::ranges::find(shape, 0) != shape.end()) throw_impossible_shape(tensor, shape);
    fit(slot, size.value_or(0));
    if (size && *size > 0 && tensor.data != nullptr) {
      std::memcpy(slot.data(), tensor.data, std::min(*size, tensor.bytes));
    }
  }
}

void SignatureRunner::run_and_settle() {
  catch_up();
  if (state_ == State::runtime) {
    run_regular();
    return;
  }
  if (state_ == State::untimed) {
    run_timed();
    return;
  }
  if (has_late_outputs_) {
    // Now the sizes are known; the next run registers buffers for good.
    run_regular();
    has_late_outputs_ = false;
    return;
  }
  const bool compare = direct_allowed_ && !compared_;
  const VariableValues variables = compare ? VariableValues(graph_) : VariableValues();
  run_regular();
  // What fails here, for want of memory, is done again after the next run.
  State settled = settle();
  if (settled == State::untimed && compare) {
    if (!direct_run_agrees(variables)) {
      obstacle_ = "a direct run gave other results than the runtime's own call";
      settled = State::runtime;
    }
    compared_ = true;
  }
  state_ = settled;
}

SignatureRunner::State SignatureRunner::settle() {
  if (!direct_allowed_) return State::runtime;
  const std::vector<PlannedNode> nodes = graph_.plan();
  obstacle_ = DirectPlan::obstacle(graph_, nodes, slots_);
  if (!obstacle_.empty()) return State::runtime;
  plan_ = DirectPlan(graph_, nodes, slots_);
  timed_runs_ = 0;
  direct_seconds_ = std::numeric_limits<double>::infinity();
  return State::untimed;
}

bool SignatureRunner::direct_run_agrees(const VariableValues& variables_before) {
  const VariableValues variables_after(graph_);
  std::vector<std::vector<std::byte>> expected;
  for (const std::size_t output : output_slots_) {
    const std::span<const std::byte> bytes = slots_[output].bytes();
    expected.emplace_back(bytes.begin(), bytes.end());
  }
  variables_before.restore(graph_);
  bool agrees = true;
  {
    const LogCapture log;
    agrees = plan_.run();
  }
  agrees = agrees && VariableValues(graph_) == variables_after;
  for (std::size_t i = 0; i < output_slots_.size() && agrees; ++i) {
    agrees = std::ranges::equal(expected[i], slots_[output_slots_[i]].bytes());
  }
  if (!agrees) {
    variables_after.restore(graph_);
    for (std::size_t i = 0; i < output_slots_.size(); ++i) {
      std::memcpy(slots_[output_slots_[i]].data(), expected[i].data(), expected[i].size());
    }
  }
  return agrees;
}

}  // namespace zerolite
