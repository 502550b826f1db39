// One signature of a compiled model: its tensors, their memory, and how it is run.
#pragma once

#include <cstddef>
#include <cstdint>
#include <limits>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "zerolite/execution/assigned_variables.hpp"
#include "zerolite/execution/direct_plan.hpp"
#include "zerolite/execution/runtime_call.hpp"
#include "zerolite/execution/tensor_binding.hpp"
#include "zerolite/execution/variable_values.hpp"
#include "zerolite/graph/captured_graph.hpp"
#include "zerolite/model/model.hpp"
#include "zerolite/runtime/runtime_log.hpp"

namespace zerolite {

class GraphObserver;
class NodeListener;

struct Dispatch {
  bool direct = false;
  std::string reason;
};

struct ResizeRequest {
  std::size_t input;
  std::vector<std::int32_t> shape;
};

// Whether an input may be given no elements, and a scalar dimensions or the other way round, which kernels need not
// stand.
enum class EmptyShapes { refused, taken };

// How many items of a batch go best through one run, as measured for these shapes with this many items at hand.
struct ChosenChunk {
  std::vector<std::vector<std::int32_t>> item_shapes;
  std::size_t items;
  std::size_t chunk;
};

// Not synchronised: every call needs the compiled model's lock (see CompiledModel::lock).
class SignatureRunner {
 public:
  enum class Side { input, output };

  SignatureRunner(abi::CompiledModel compiled, std::size_t index, const Model& model, const CapturedGraph& graph,
                  bool direct_allowed);

  [[nodiscard]] const SignatureDescription& description() const { return description_; }
  [[nodiscard]] std::size_t count(Side side) const { return slots_of(side).size(); }
  [[nodiscard]] TensorSpec spec(Side side, std::size_t index) const;
  [[nodiscard]] const std::vector<std::int32_t>& shape_in_file(Side side, std::size_t index) const {
    return subgraph_.tensors[static_cast<std::size_t>(slot(side, index).tensor_index())].shape;
  }
  [[nodiscard]] const TensorSlot& slot(Side side, std::size_t index) const { return slots_[slots_of(side)[index]]; }
  // One for each distinct tensor among the inputs and outputs of the subgraph.
  [[nodiscard]] std::span<const TensorSlot> slots() const { return slots_; }

  // To be called after another signature has used the same subgraph, which may have moved or resized its
  // tensors; that one has to catch up before.
  void take_over() { fit_slots(); }
  // Brings the graph to the shapes that the slots have. They differ only when an earlier call failed, for want of
  // memory, both in what it was to do and in taking it back.
  void catch_up();

  // Runs the signature over the slots' memory: nothing is copied and nothing allocated in our code when it is
  // dispatched directly. Throws Error when a kernel fails.
  void run() {
    if (state_ == State::direct) {
      run_direct();
    } else {
      run_and_settle();
    }
  }

  // A run by the runtime's own call, of which `listener` hears every node of every graph. The next run prepares anew.
  void run_observed(const GraphObserver& observer, NodeListener& listener);

  // The next run is a direct one.
  [[nodiscard]] bool is_direct() const { return state_ == State::direct || state_ == State::untimed; }
  // How long the shortest of the first direct runs took, in seconds: a single one may have met cold caches, or another
  // process. Infinite before the first.
  [[nodiscard]] double direct_seconds() const { return direct_seconds_; }
  [[nodiscard]] Dispatch dispatch() const;
  // The shapes of the outputs are known before a run.
  [[nodiscard]] bool knows_output_shapes() const { return !has_dynamic_outputs_ && !has_late_outputs_; }
  // Some output's shape is known only after a run.
  [[nodiscard]] bool has_dynamic_outputs() const { return has_dynamic_outputs_; }
  // Changes whenever the shape or the size of a tensor does.
  [[nodiscard]] std::uint64_t generation() const { return generation_; }

  // All or nothing. Throws ValueError for a shape that can't be, Error when the graph does not allow it, std::bad_alloc
  // where memory runs out; the shapes are then what they were.
  void resize(std::span<const ResizeRequest> requests, EmptyShapes empty_shapes = EmptyShapes::refused);

  // Takes the caller's memory for a tensor, of the tensor's size and 64-byte aligned; `owner` keeps it alive.
  void bind(Side side, std::size_t index, std::byte* data, std::shared_ptr<void> owner);
  // What kept memory alive that was bound before a resize. To be let go without the lock: that may run foreign code.
  [[nodiscard]] std::vector<std::shared_ptr<void>> take_retired() { return std::exchange(retired_, {}); }
  void unbind(Side side, std::size_t index);

  // Lets the next run use other memory than a slot's, until end_lending(). For runs in a loop, which must not touch
  // what the slots are bound to.
  void lend(Side side, std::size_t index, std::byte* data);
  void end_lending();
  // Takes the slots' memory out, leaving others with fresh memory, and puts it back; between, the signature may be
  // resized. `resized` are the inputs that were, with the shapes that belong to the slots.
  [[nodiscard]] std::vector<TensorSlot> take_slots();
  void put_slots(std::vector<TensorSlot> slots, std::vector<ResizeRequest> resized) noexcept;
  [[nodiscard]] std::optional<ChosenChunk>& chosen_chunk() { return chosen_chunk_; }
  // Variable tensors carry values from run to run.
  [[nodiscard]] bool keeps_state() const { return VariableValues::occur_in(graph_); }

  // Fills a string input; its memory grows as needed.
  void set_strings(std::size_t input, std::span<const std::byte> encoded);

 private:
  enum class State {
    unprepared,  // the next run is a regular one, after which the plan is read anew
    untimed,     // runs are direct, and are timed, the first few
    direct,
    runtime,
  };

  [[nodiscard]] const std::vector<std::size_t>& slots_of(Side side) const {
    return side == Side::input ? input_slots_ : output_slots_;
  }
  std::size_t slot_for(std::int32_t tensor_index);
  std::vector<std::size_t> slots_for(const std::vector<std::int32_t>& tensors);
  std::vector<std::size_t> slots_for(const std::vector<NamedTensor>& tensors);
  void allocate();
  void note_allocation() noexcept;
  [[nodiscard]] std::vector<TensorSlot::Fitting> fittings(std::span<const TensorSlot> slots) const;
  void require_type(const abi::tflite::Tensor& tensor, ElementType type) const;
  [[nodiscard]] TensorSlot::Fitting fitting_of(const TensorSlot& slot) const;
  void fit_slots();
  void require_done(abi::Status status, const std::string& action, const LogCapture& log) const;
  void require_resizable(std::size_t input, const std::string& refusal) const;
  void require_possible(const ResizeRequest& request, EmptyShapes empty_shapes) const;
  void resize_input(std::size_t input, const std::vector<std::int32_t>& shape);
  void apply(std::span<const ResizeRequest> requests);
  void return_to(std::vector<ResizeRequest> shapes) noexcept;

  void fit(TensorSlot& slot, std::size_t size);
  void use(TensorSlot& slot, TensorSlot::Fitting fitting) noexcept;
  void run_direct() {
    const LogCapture log;
    if (!plan_.run()) throw_kernel_failure(log.message());
  }
  void run_timed();
  void run_and_settle();
  void run_regular();
  void invoke_and_grow();
  void invoke_runtime();
  void collect_outputs();
  bool grow_outputs();
  [[nodiscard]] State settle();
  bool direct_run_agrees(const VariableValues& variables_before);
  [[noreturn]] void throw_kernel_failure(const std::string& words) const;

  abi::CompiledModel model_;
  const std::string& model_name_;
  std::size_t index_;
  const SignatureDescription& description_;
  const SubgraphDescription& subgraph_;
  const CapturedGraph& graph_;
  AssignedVariables variables_;

  std::vector<ResizeRequest> owed_;  // see catch_up()
  bool is_resized_ = false;          // the graph has to be prepared anew
  std::vector<std::shared_ptr<void>> retired_;
  std::vector<std::pair<std::size_t, TensorSlot>> lent_;  // slots as they were before lending
  std::vector<TensorSlot> slots_;                         // one for each distinct tensor
  std::vector<std::size_t> input_slots_;                  // by the signature's names
  std::vector<std::size_t> output_slots_;
  RuntimeCall runtime_call_;
  std::vector<std::int32_t> computed_outputs_;  // tensors of the subgraph's outputs that are no inputs

  State state_ = State::unprepared;
  DirectPlan plan_;
  std::string obstacle_;  // why runs are not direct
  bool direct_allowed_;
  bool compared_ = false;
  bool has_dynamic_outputs_ = false;
  bool has_late_outputs_ = false;
  static constexpr int kTimedRuns = 3;
  int timed_runs_ = 0;
  double direct_seconds_ = std::numeric_limits<double>::infinity();
  std::optional<ChosenChunk> chosen_chunk_;
  std::uint64_t generation_ = 0;
};

}  // namespace zerolite
