#include "zerolite/execution/carried_tensors.hpp"

#include <algorithm>
#include <span>
#include <utility>

#include "zerolite/execution/in_place.hpp"
#include "zerolite/platform/aligned_buffer.hpp"
#include "zerolite/platform/error.hpp"

namespace zerolite {
namespace {

bool overlap(std::span<const std::byte> one, std::span<const std::byte> other) {
  return one.data() < other.data() + other.size() && other.data() < one.data() + one.size();
}

bool are_alike(const std::optional<Quantization>& one, const std::optional<Quantization>& other) {
  if (!one || !other) return one.has_value() == other.has_value();
  return one->scales == other->scales && one->zero_points == other->zero_points && one->axis == other->axis;
}

}  // namespace

CarriedTensors::CarriedTensors(const CompiledSignature& signature, SignatureMemory& memory, Dispatcher& dispatcher)
    : signature_(signature), memory_(memory), dispatcher_(dispatcher) {}

std::string CarriedTensors::in_place_obstacle(const std::vector<std::size_t>& inputs, std::size_t output) const {
  // Where an output turns out larger than its memory, the run is made once more.
  const bool may_run_twice =
      !dispatcher_.knows_output_shapes() || std::ranges::any_of(memory_.computed_outputs(), [&](std::int32_t tensor) {
        return static_cast<ElementType>(signature_.graph.tensor(tensor).type) == ElementType::string;
      });
  if (may_run_twice) return "the size of an output is known only after a run, which then has to be made once more";
  std::vector<std::int32_t> tensors;
  tensors.reserve(inputs.size());
  for (const std::size_t input : inputs) tensors.push_back(memory_.bindings()[input].tensor_index());
  return zerolite::in_place_obstacle(signature_.graph, tensors, memory_.bindings()[output].tensor_index());
}

std::vector<std::size_t> CarriedTensors::inputs_sharing_with(std::size_t output) const {
  std::vector<std::size_t> inputs;
  const std::span<const std::byte> bytes = memory_.bindings()[output].bytes();
  for (const std::int32_t tensor : signature_.subgraph.inputs) {
    const std::size_t input = memory_.positions({tensor}).front();
    if (input != output && overlap(memory_.bindings()[input].bytes(), bytes)) inputs.push_back(input);
  }
  return inputs;
}

void CarriedTensors::require_in_place() {
  if (proven_generation_ == memory_.generation()) return;
  for (const std::size_t output : memory_.positions(memory_.computed_outputs())) {
    const std::vector<std::size_t> inputs = inputs_sharing_with(output);
    if (inputs.empty()) continue;
    if (std::ranges::any_of(pairs_, [&](const Pair& pair) { return pair.output == output; }))
      continue;  // see establish
    if (const std::string obstacle = in_place_obstacle(inputs, output); !obstacle.empty()) {
      throw Error(signature_.model_name + ": output '" +
                  signature_.graph.spec(memory_.bindings()[output].tensor_index()).name +
                  "' is bound to memory that an input uses too, which the graph does not allow any more: " + obstacle +
                  "; bind another array");
    }
  }
  for (Pair& pair : pairs_) establish(pair);
  proven_generation_ = memory_.generation();
}

CarriedTensors::Memory CarriedTensors::memory_of(std::size_t position) const {
  const TensorBinding& binding = memory_.bindings()[position];
  return {binding.data(), binding.owner()};
}

void CarriedTensors::use(std::size_t position, Memory memory) noexcept {
  memory_.bindings()[position].bind(memory.data, std::move(memory.owner));
  dispatcher_.follow(position);
}

void CarriedTensors::establish(Pair& pair) {
  const TensorBinding& input = memory_.bindings()[pair.input];
  const TensorBinding& output = memory_.bindings()[pair.output];
  if (input.size() != output.size()) {
    throw Error(signature_.model_name + ": input '" + signature_.graph.spec(input.tensor_index()).name +
                "' is carried over from an output that has another size since the resize: " + to_string(input.shape()) +
                " and " + to_string(output.shape()) + "; resize it again, or end it with carry(name=None)");
  }
  std::optional<Memory> other = std::move(pair.other);
  if (pair.size != output.size()) other.reset();
  pair.other.reset();
  pair.size = output.size();
  if (!in_place_obstacle({pair.input}, pair.output).empty()) {
    if (!other) {
      // Padded, since the next but one run reads it as an input. The output's own memory is: nobody bound it.
      const bool is_own = !output.is_bound() && output.data() != input.data();
      if (is_own) {
        other = memory_of(pair.output);
      } else {
        std::shared_ptr<AlignedBuffer> buffer = AlignedBuffer::allocate(pair.size);
        std::byte* const data = buffer->data();
        other = Memory{data, std::move(buffer)};
      }
    }
    pair.other = std::move(other);
  }
  use(pair.output, memory_of(pair.input));
}

std::shared_ptr<void> CarriedTensors::carry(std::size_t input, std::size_t output) {
  const TensorSpec from = memory_.spec(Side::output, output);
  const TensorSpec to = memory_.spec(Side::input, input);
  const std::string refusal = "input '" + to.name + "' can't be carried over from output '" + from.name + "': ";
  if (dispatcher_.has_dynamic_outputs()) {
    throw ValueError(refusal + "the runtime allocates the outputs of this model anew in each run; copy it");
  }
  if (from.type == ElementType::string || from.type != to.type) {
    throw ValueError(refusal + "their types are " + std::string(name_of(to.type)) + " and " +
                     std::string(name_of(from.type)) + ", and must be one type of numbers; convert and copy it");
  }
  if (from.shape != to.shape) {
    throw ValueError(refusal + "their shapes are " + to_string(to.shape) + " and " + to_string(from.shape) +
                     ", and must be the same; resize the input, or copy it");
  }
  if (!are_alike(from.quantization, to.quantization)) {
    throw ValueError(refusal + "they are quantized in different ways, so that the same integers stand for other " +
                     "numbers; dequantize and quantize it");
  }
  Pair pair{memory_.position(Side::input, input), memory_.position(Side::output, output), 0, std::nullopt};
  if (pair.input == pair.output) throw ValueError(refusal + "they are one tensor, which needs no carrying");
  if (const auto known = std::ranges::find(pairs_, pair.output, &Pair::output); known != pairs_.end()) {
    if (known->input == pair.input) return nullptr;
    throw ValueError(refusal + "it goes to input '" +
                     signature_.graph.spec(memory_.bindings()[known->input].tensor_index()).name +
                     "' already; end that first");
  }
  pairs_.reserve(pairs_.size() + 1);
  establish(pair);
  std::shared_ptr<void> released = stop(input);
  pairs_.push_back(std::move(pair));
  return released;
}

std::shared_ptr<void> CarriedTensors::stop(std::size_t input) {
  const auto found = std::ranges::find(pairs_, memory_.position(Side::input, input), &Pair::input);
  if (found == pairs_.end()) return nullptr;
  memory_.bindings()[found->output].unbind();
  dispatcher_.follow(found->output);
  std::shared_ptr<void> released = found->other ? std::move(found->other->owner) : nullptr;
  pairs_.erase(found);
  return released;
}

bool CarriedTensors::is_carried(Side side, std::size_t index) const {
  const std::size_t position = memory_.position(side, index);
  return std::ranges::any_of(
      pairs_, [&](const Pair& pair) { return (side == Side::input ? pair.input : pair.output) == position; });
}

void CarriedTensors::begin_run() {
  for (Pair& pair : pairs_) {
    if (pair.other) use(pair.output, *pair.other);
  }
}

void CarriedTensors::end_run(bool is_done) noexcept {
  for (Pair& pair : pairs_) {
    if (!pair.other) continue;
    if (!is_done) {
      use(pair.output, memory_of(pair.input));
      continue;
    }
    pair.other = memory_of(pair.input);
    use(pair.input, memory_of(pair.output));
  }
}

}  // namespace zerolite
