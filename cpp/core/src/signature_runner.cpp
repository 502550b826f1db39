#include "zerolite/signature_runner.hpp"

#include <algorithm>
#include <chrono>
#include <cstring>
#include <iterator>
#include <utility>

#include "zerolite/dynamic_outputs.hpp"
#include "zerolite/error.hpp"
#include "zerolite/late_outputs.hpp"
#include "zerolite/status.hpp"
#include "zerolite/suppress_denormals.hpp"

namespace zerolite {
namespace {

using abi::tflite::AllocationType;
using abi::tflite::Tensor;

// What `guarded` makes of an exception that the runtime let out of its C interface.
constexpr abi::Status kThrown = abi::Status::unknown;

template <typename Call>
abi::Status guarded(Call&& call) {
  try {
    return call();
  } catch (const std::exception&) {
    return kThrown;
  }
}

bool is_supported(ElementType type) { return type == ElementType::string || bits_of(type).has_value(); }

}  // namespace

SignatureRunner::SignatureRunner(abi::CompiledModel model, std::size_t index, const ModelDescription& description,
                                 const CapturedGraph& graph, bool direct_allowed)
    : model_(model),
      index_(index),
      description_(description.signatures[index]),
      subgraph_(description.subgraphs[description_.subgraph]),
      graph_(graph),
      direct_allowed_(direct_allowed) {
  for (const NamedTensor& tensor : description_.inputs) input_slots_.push_back(slot_for(tensor.tensor_index));
  for (const NamedTensor& tensor : description_.outputs) output_slots_.push_back(slot_for(tensor.tensor_index));
  for (const std::int32_t tensor : subgraph_.inputs) subgraph_inputs_.push_back(slot_for(tensor));
  for (const std::int32_t tensor : subgraph_.outputs) subgraph_outputs_.push_back(slot_for(tensor));
  std::ranges::copy_if(subgraph_.outputs, std::back_inserter(computed_outputs_), [this](std::int32_t tensor) {
    return std::ranges::find(subgraph_.inputs, tensor) == subgraph_.inputs.end();
  });
  input_buffers_.resize(subgraph_inputs_.size());
  output_buffers_.resize(subgraph_outputs_.size());
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

TensorSpec SignatureRunner::spec(Side side, std::size_t index) const {
  TensorSpec spec = graph_.spec(slot(side, index).tensor_index());
  spec.shape = slot(side, index).shape();
  spec.name = (side == Side::input ? description_.inputs : description_.outputs)[index].name;
  return spec;
}

void SignatureRunner::allocate() {
  if (subgraph_outputs_.empty()) return;  // the runtime's call refuses a signature without outputs; a run allocates
  // The call writes as many dimensions as a tensor has, past the end of a layout when they are more than 8,
  // so there are layouts to spare (LiteRT 2.3.0).
  constexpr std::size_t kSpareLayouts = 8;
  std::vector<abi::Layout> layouts(subgraph_outputs_.size() + kSpareLayouts);
  const LogCapture log;
  const abi::Status status = guarded([&] {
    return runtime().GetCompiledModelOutputTensorLayouts(model_, index_, subgraph_outputs_.size(), layouts.data(),
                                                         true);
  });
  // Without a signature the runtime looks tensors up by name and throws when two have the same
  // (LiteRT 2.3.0). A run does not, so the graph is then prepared by the first one.
  if (status == kThrown && description_.key == kPlaceholderSignature) return;
  require_ok(status, "prepare signature '" + description_.key + "'", log);
}

void SignatureRunner::fit(TensorSlot& slot, std::size_t size) {
  const std::vector<std::int32_t> shape = graph_.shape(slot.tensor_index());
  if (shape != slot.shape() || size != slot.size()) ++generation_;
  slot.fit(shape, size);
}

void SignatureRunner::note_allocation() {
  state_ = State::unprepared;
  ++generation_;
  has_dynamic_outputs_ = DynamicOutputs::occur_in(graph_);
  has_late_outputs_ = LateOutputs::occur_in(graph_, computed_outputs_);
}

void SignatureRunner::fit_slots() {
  note_allocation();
  for (TensorSlot& slot : slots_) {
    const Tensor& tensor = graph_.tensor(slot.tensor_index());
    if (slot.type() == ElementType::string) {
      // Inputs get their size when they are set, outputs when they turn out larger.
      constexpr std::size_t kEmptyStringTensor = 4096;
      fit(slot, slot.owner() == nullptr ? kEmptyStringTensor : slot.size());
      continue;
    }
    const std::vector<std::int32_t> shape = graph_.shape(slot.tensor_index());
    // A dynamic tensor's dimensions may still be negative or its old ones.
    const std::optional<std::size_t> size = byte_size(slot.type(), shape);
    if (!size && tensor.allocation_type != AllocationType::dynamic) {
      throw Error("tensor '" + std::string(tensor.name == nullptr ? "" : tensor.name) + "' has the shape " +
                  to_string(shape) + ", which is no possible size");
    }
    fit(slot, size.value_or(0));
  }
}

void SignatureRunner::resize_input(std::size_t input, const std::vector<std::int32_t>& shape) {
  const auto position =
      static_cast<std::size_t>(std::ranges::find(subgraph_inputs_, input_slots_[input]) - subgraph_inputs_.begin());
  const LogCapture log;
  require_ok(guarded([&] {
               return runtime().CompiledModelResizeInputTensorNonStrict(model_, index_, position, shape.data(),
                                                                        shape.size());
             }),
             "resize input '" + description_.inputs[input].name + "' to " + to_string(shape), log);
}

void SignatureRunner::apply(std::span<const ResizeRequest> requests) {
  LateOutputs::forget_buffers(graph_, computed_outputs_);
  for (const ResizeRequest& request : requests) resize_input(request.input, request.shape);
  allocate();
}

void SignatureRunner::resize(std::span<const ResizeRequest> requests) {
  std::vector<ResizeRequest> previous;
  for (const ResizeRequest& request : requests) {
    const std::string& name = description_.inputs[request.input].name;
    const bool positive = std::ranges::all_of(request.shape, [](std::int32_t dimension) { return dimension > 0; });
    if (!positive || request.shape.size() > abi::kTensorMaxRank) {
      throw ValueError("input '" + name + "' can't have the shape " + to_string(request.shape) +
                       ": the runtime takes up to 8 dimensions of at least 1");
    }
    const TensorSlot& slot = slots_[input_slots_[request.input]];
    if (slot.type() != ElementType::string && !byte_size(slot.type(), request.shape)) {
      throw ValueError("input '" + name + "' can't have the shape " + to_string(request.shape) +
                       ": its size does not fit into memory");
    }
    if (slot.shape().empty() && !request.shape.empty()) {
      throw ValueError("input '" + name + "' is a scalar and can't be resized to " + to_string(request.shape));
    }
    previous.push_back({request.input, slot.shape()});
  }
  const auto has_the_shape = [this](const ResizeRequest& request) {
    return slots_[input_slots_[request.input]].shape() == request.shape;
  };
  if (std::ranges::all_of(requests, has_the_shape)) return;  // the runtime would not allocate anew either
  try {
    apply(requests);
  } catch (const Error& error) {
    apply(previous);
    fit_slots();
    throw Error(std::string(error.what()) + "; the previous shapes are kept");
  }
  fit_slots();
}

void SignatureRunner::bind(Side side, std::size_t index, std::byte* data, std::shared_ptr<void> owner) {
  const std::size_t slot = slots_of(side)[index];
  slots_[slot].bind(data, std::move(owner));
  if (is_planned()) plan_.point(slot, data);
}

void SignatureRunner::unbind(Side side, std::size_t index) {
  const std::size_t slot = slots_of(side)[index];
  slots_[slot].unbind();
  if (is_planned()) plan_.point(slot, slots_[slot].data());
}

void SignatureRunner::lend(Side side, std::size_t index, std::byte* data) {
  const std::size_t slot = slots_of(side)[index];
  TensorSlot& own = slots_[slot];
  TensorSlot lent(own.tensor_index(), own.type());
  lent.use_without_owning(data, own);
  lent_.emplace_back(slot, std::exchange(own, std::move(lent)));
  if (is_planned()) plan_.point(slot, data);
}

void SignatureRunner::end_lending() {
  for (auto& [slot, own] : lent_) {
    slots_[slot] = std::move(own);
    if (is_planned()) plan_.point(slot, slots_[slot].data());
  }
  lent_.clear();
}

std::vector<TensorSlot> SignatureRunner::take_slots() {
  std::vector<TensorSlot> without_memory;
  for (const TensorSlot& slot : slots_) without_memory.emplace_back(slot.tensor_index(), slot.type());
  slots_.swap(without_memory);
  fit_slots();
  return without_memory;
}

void SignatureRunner::put_slots(std::vector<TensorSlot> slots) {
  // The shapes are those of when the slots were taken, also where the graph will know that only after a run.
  slots_ = std::move(slots);
  note_allocation();
}

bool SignatureRunner::keeps_state() const {
  for (std::size_t i = 0; i < graph_.tensor_count(); ++i) {
    const Tensor& tensor = graph_.tensor(static_cast<std::int32_t>(i));
    const auto type = static_cast<ElementType>(tensor.type);
    if (tensor.is_variable || type == ElementType::resource || type == ElementType::variant) return true;
  }
  return false;
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
  throw Error("running signature '" + description_.key + "' failed" + (words.empty() ? "" : ": " + words));
}

void SignatureRunner::run_direct() {
  const SuppressDenormals suppress;
  const LogCapture log;
  if (!plan_.run()) throw_kernel_failure(log.message());
}

void SignatureRunner::fill_unregistered_inputs() const {
  for (std::size_t i = 0; i < subgraph_inputs_.size(); ++i) {
    const TensorSlot& slot = slots_[subgraph_inputs_[i]];
    const Tensor& tensor = graph_.tensor(slot.tensor_index());
    if (input_buffers_[i] != nullptr || slot.size() == 0 || tensor.data == nullptr) continue;
    std::memcpy(tensor.data, slot.data(), std::min(slot.size(), tensor.bytes));
  }
}

void SignatureRunner::run_timed() {
  const auto begin = std::chrono::steady_clock::now();
  run_direct();
  direct_seconds_ = std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count();
  state_ = State::direct;
}

template <typename Call>
abi::Status SignatureRunner::with_node_hook(bool (*before_node)(void*), void* data, Call&& call) {
  abi::Status status = runtime().SetCompiledModelCancellationFunction(model_, data, before_node);
  if (status == abi::Status::ok) status = call();
  (void)runtime().SetCompiledModelCancellationFunction(model_, nullptr, before_node);
  return status;
}

void SignatureRunner::invoke_runtime() {
  std::ranges::transform(subgraph_inputs_, input_buffers_.begin(),
                         [this](std::size_t slot) { return slots_[slot].registration(); });
  std::ranges::transform(subgraph_outputs_, output_buffers_.begin(),
                         [this](std::size_t slot) { return slots_[slot].output_registration(); });
  fill_unregistered_inputs();
  const LogCapture log;
  const auto invoke = [&] {
    const SuppressDenormals suppress;
    return guarded([&] {
      return runtime().RunCompiledModel(model_, index_, input_buffers_.size(), input_buffers_.data(),
                                        output_buffers_.size(), output_buffers_.data());
    });
  };
  abi::Status status = abi::Status::ok;
  if (has_dynamic_outputs_) {
    DynamicOutputs dynamic(graph_, computed_outputs_);
    status = with_node_hook(&DynamicOutputs::before_node, &dynamic, invoke);
  } else if (has_late_outputs_) {
    LateOutputs late(graph_, computed_outputs_);
    status = with_node_hook(&LateOutputs::before_node, &late, invoke);
  } else {
    status = invoke();
  }
  if (status != abi::Status::ok) throw_kernel_failure(log.message());
}

void SignatureRunner::run_regular() {
  try {
    invoke_runtime();
  } catch (const Error&) {
    // The runtime fails when an output does not fit into its buffer, and only then is the size of strings
    // known, and of outputs of a graph that could not be prepared before (LiteRT 2.3.0).
    if (!grow_outputs()) throw;
    invoke_runtime();
  }
  // Some shapes turn out to be unknown only when a kernel runs.
  has_dynamic_outputs_ = has_dynamic_outputs_ || DynamicOutputs::occur_in(graph_);
  collect_outputs();
}

bool SignatureRunner::grow_outputs() {
  bool grown = false;
  for (const std::size_t output : subgraph_outputs_) {
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
    const std::size_t size = byte_size(slot.type(), graph_.shape(index)).value_or(0);
    fit(slot, size);
    if (size > 0 && tensor.data != nullptr) std::memcpy(slot.data(), tensor.data, std::min(size, tensor.bytes));
  }
}

void SignatureRunner::run_and_settle() {
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
  const std::vector<std::vector<std::byte>> variables =
      compare ? save_variables() : std::vector<std::vector<std::byte>>();
  run_regular();
  settle();
  if (state_ == State::untimed && compare) {
    compared_ = true;
    if (!direct_run_agrees(variables)) {
      state_ = State::runtime;
      obstacle_ = "a direct run gave other results than the runtime's own call";
    }
  }
}

void SignatureRunner::settle() {
  state_ = State::runtime;
  if (!direct_allowed_) return;
  const std::vector<PlannedNode> nodes = graph_.plan();
  obstacle_ = DirectPlan::obstacle(graph_, nodes, slots_);
  if (!obstacle_.empty()) return;
  plan_ = DirectPlan(graph_, nodes, slots_);
  state_ = State::untimed;
}

std::vector<std::vector<std::byte>> SignatureRunner::save_variables() const {
  std::vector<std::vector<std::byte>> saved;
  for (std::size_t i = 0; i < graph_.tensor_count(); ++i) {
    const Tensor& tensor = graph_.tensor(static_cast<std::int32_t>(i));
    if (!tensor.is_variable || tensor.data == nullptr) continue;
    const auto* data = static_cast<const std::byte*>(tensor.data);
    saved.emplace_back(data, data + tensor.bytes);
  }
  return saved;
}

void SignatureRunner::restore_variables(std::span<const std::vector<std::byte>> saved) const {
  std::size_t next = 0;
  for (std::size_t i = 0; i < graph_.tensor_count() && next < saved.size(); ++i) {
    const Tensor& tensor = graph_.tensor(static_cast<std::int32_t>(i));
    if (!tensor.is_variable || tensor.data == nullptr) continue;
    std::memcpy(tensor.data, saved[next].data(), std::min(saved[next].size(), tensor.bytes));
    ++next;
  }
}

bool SignatureRunner::direct_run_agrees(std::span<const std::vector<std::byte>> variables_before) {
  const std::vector<std::vector<std::byte>> variables_after = save_variables();
  if (variables_after.size() != variables_before.size()) return false;
  std::vector<std::vector<std::byte>> expected;
  for (const std::size_t output : output_slots_) {
    const std::span<const std::byte> bytes = slots_[output].bytes();
    expected.emplace_back(bytes.begin(), bytes.end());
  }
  restore_variables(variables_before);
  bool agrees = true;
  {
    const SuppressDenormals suppress;
    const LogCapture log;
    agrees = plan_.run();
  }
  agrees = agrees && save_variables() == variables_after;
  for (std::size_t i = 0; i < output_slots_.size() && agrees; ++i) {
    agrees = std::ranges::equal(expected[i], slots_[output_slots_[i]].bytes());
  }
  if (!agrees) {
    restore_variables(variables_after);
    for (std::size_t i = 0; i < output_slots_.size(); ++i) {
      std::memcpy(slots_[output_slots_[i]].data(), expected[i].data(), expected[i].size());
    }
  }
  return agrees;
}

}  // namespace zerolite
