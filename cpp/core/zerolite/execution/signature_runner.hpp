// One signature of a compiled model: its tensors, their memory, and how it is run.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "zerolite/execution/carried_tensors.hpp"
#include "zerolite/execution/compiled_signature.hpp"
#include "zerolite/execution/dispatcher.hpp"
#include "zerolite/execution/input_shapes.hpp"
#include "zerolite/execution/signature_memory.hpp"
#include "zerolite/execution/variable_values.hpp"

namespace zerolite {

// How many items of a batch go best through one run, as measured for these shapes with this many items at hand.
struct ChosenChunk {
  std::vector<std::vector<std::int32_t>> item_shapes;
  std::size_t items;
  std::size_t chunk;
};

// Not synchronised: every call needs the compiled model's lock (see CompiledModel::lock).
class SignatureRunner {
 public:
  SignatureRunner(abi::CompiledModel compiled, std::size_t index, const Model& model, const CapturedGraph& graph,
                  bool direct_allowed, const CustomOperators* custom_operators = nullptr);
  ~SignatureRunner() = default;
  SignatureRunner(const SignatureRunner&) = delete;
  SignatureRunner& operator=(const SignatureRunner&) = delete;

  [[nodiscard]] const SignatureDescription& description() const { return signature_.description; }
  [[nodiscard]] std::size_t count(Side side) const { return memory_.count(side); }
  [[nodiscard]] TensorSpec spec(Side side, std::size_t index) const { return memory_.spec(side, index); }
  [[nodiscard]] const std::vector<std::int32_t>& shape_in_file(Side side, std::size_t index) const {
    return signature_.subgraph.tensors[static_cast<std::size_t>(binding(side, index).tensor_index())].shape;
  }
  [[nodiscard]] const TensorBinding& binding(Side side, std::size_t index) const {
    return memory_.binding(side, index);
  }
  // One for each distinct tensor among the inputs and outputs of the subgraph.
  [[nodiscard]] std::span<const TensorBinding> bindings() const { return memory_.bindings(); }
  // Changes whenever the shape or the size of a tensor does.
  [[nodiscard]] std::uint64_t generation() const { return memory_.generation(); }

  // To be called after another signature has used the same subgraph, which may have moved or resized its
  // tensors; that one has to apply what is pending before.
  void take_over();
  void apply_pending() { shapes_.apply_pending(); }

  // See InputShapes.
  [[nodiscard]] bool awaits_resize() const { return shapes_.awaits_resize(); }
  void require_prepared() const { shapes_.require_prepared(); }
  [[nodiscard]] bool is_spent() const { return shapes_.is_spent(); }

  // Runs the signature over the tensors' memory: nothing is copied and nothing allocated in our code when it is
  // dispatched directly. Throws Error when a kernel fails.
  void run() {
    if (dispatcher_.is_settled_direct() && carried_.empty()) {
      dispatcher_.run_direct();  // nothing is pending: a resize that is makes it unsettled
    } else {
      run_regularly([this] { dispatcher_.run(); });
    }
  }
  // The same, between two operators or partitions of which the interruption may end it with an Error. What is left then
  // are the values of a run that did not come to its end, variables included; the next run is as any other.
  void run(Interruption& interruption) {
    run_regularly([&] { dispatcher_.run(interruption); });
  }
  // See Dispatcher, down to has_dynamic_outputs().
  void run_instrumented(const GraphObserver& observer, NodeListener& listener) {
    run_regularly([&] { dispatcher_.run_instrumented(observer, listener); });
  }
  [[nodiscard]] bool is_direct() const { return dispatcher_.is_direct(); }
  [[nodiscard]] double direct_seconds() const { return dispatcher_.direct_seconds(); }
  [[nodiscard]] Dispatch dispatch() const {
    return shapes_.awaits_resize() ? Dispatch{false, shapes_.required_resize()} : dispatcher_.dispatch();
  }
  [[nodiscard]] bool knows_output_shapes() const { return dispatcher_.knows_output_shapes(); }
  [[nodiscard]] bool has_dynamic_outputs() const { return dispatcher_.has_dynamic_outputs(); }

  // See InputShapes.
  void resize(std::span<const ResizeRequest> requests, EmptyShapes empty_shapes = EmptyShapes::refused) {
    shapes_.resize(requests, empty_shapes);
  }

  // See SignatureMemory.
  void bind(Side side, std::size_t index, std::byte* data, std::shared_ptr<void> owner);
  void unbind(Side side, std::size_t index);
  // See CarriedTensors.
  [[nodiscard]] std::string in_place_obstacle(const std::vector<std::size_t>& inputs, std::size_t output);
  [[nodiscard]] bool is_carried(Side side, std::size_t index) const { return carried_.is_carried(side, index); }
  std::shared_ptr<void> carry(std::size_t input, std::size_t output);
  std::shared_ptr<void> stop_carrying(std::size_t input) { return carried_.stop(input); }
  // To be let go without the lock: that may run foreign code.
  [[nodiscard]] std::vector<std::shared_ptr<void>> take_retired() { return memory_.take_retired(); }
  // See SignatureMemory; by the position among bindings(). Nothing is given away where a run writes into the memory
  // of outputs itself, because it knows their shapes.
  [[nodiscard]] std::shared_ptr<void> give_away(std::size_t position) {
    return has_dynamic_outputs() ? memory_.give_away(position) : nullptr;
  }
  void collect_again(std::size_t position) { memory_.collect_again(position); }
  [[nodiscard]] std::size_t position(Side side, std::size_t index) const { return memory_.position(side, index); }
  // Fills a string input; its memory grows as needed.
  void set_strings(std::size_t input, std::span<const std::byte> encoded) { memory_.set_strings(input, encoded); }

  // Lets the next run use other memory than a tensor's, until end_borrowing(). For runs in a loop, which must not touch
  // what the tensors are bound to.
  void borrow(Side side, std::size_t index, std::byte* data);
  void end_borrowing();
  // Takes the tensors' memory out, leaving fresh memory in its place, and puts it back; between, the signature may be
  // resized. `resized` are the inputs that were, with the shapes that belong to the memory.
  [[nodiscard]] std::vector<TensorBinding> swap_out();
  void swap_in(std::vector<TensorBinding> bindings, std::vector<ResizeRequest> resized) noexcept;
  // Takes the memory and the shapes of the same signature of another compilation of the model, whose runner is of no
  // use afterwards. `resized` are the inputs whose shapes are others there.
  void replace(SignatureRunner& former, std::vector<ResizeRequest> resized) noexcept;
  [[nodiscard]] std::vector<ResizeRequest> resized_in(const SignatureRunner& former) const;

  [[nodiscard]] std::optional<ChosenChunk>& chosen_chunk() { return chosen_chunk_; }
  // Variable tensors carry values from run to run.
  [[nodiscard]] bool keeps_state() const { return VariableValues::occur_in(signature_.graph); }

 private:
  template <typename Run>
  void run_regularly(const Run& run) {
    make_ready();
    carried_.require_in_place();
    CarriedTensors::Turn turn(carried_);
    try {
      run();
      turn.commit();
    } catch (const Error& error) {
      shapes_.note_failed_run(error.what());
      throw;
    }
  }
  void make_ready() {
    shapes_.require_prepared();
    shapes_.apply_pending();
  }
  void follow_shapes(std::vector<ResizeRequest> resized) noexcept;

  CompiledSignature signature_;
  SignatureMemory memory_;
  Dispatcher dispatcher_;
  InputShapes shapes_;
  CarriedTensors carried_;
  std::optional<ChosenChunk> chosen_chunk_;
};

}  // namespace zerolite
