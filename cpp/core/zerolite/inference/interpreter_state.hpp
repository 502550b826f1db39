// Every tensor of one subgraph by its index, with the states that tf.lite.Interpreter gives a graph: allocated or not,
// and with inputs that have been given another shape for the next allocation.
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "zerolite/inference/compiled_model.hpp"
#include "zerolite/instrumentation/tensor_trace.hpp"
#include "zerolite/model/model_contents.hpp"
#include "zerolite/tensor/element_type.hpp"
#include "zerolite/tensor/tensor_spec.hpp"

namespace zerolite {

// Where a tensor's values are. Without an owner the memory is the runtime's or the model's, and good until the next
// call.
struct TensorMemory {
  std::byte* data = nullptr;
  std::size_t size = 0;
  bool writable = false;
  std::shared_ptr<void> owner;
};

// How a tensor of an allocated graph stands for real numbers: kernels may have changed what the file says.
struct PreparedQuantization {
  std::vector<float> scales;
  std::vector<std::int32_t> zero_points;
  std::int32_t axis = 0;
  // Of the whole tensor, as TensorFlow Lite had it before there were scales by channel; 0 and 0 for none.
  float scale = 0;
  std::int32_t zero_point = 0;
};

// A part of the graph that a delegate runs as one node.
struct DelegatedNode {
  std::string name;
  std::vector<std::int32_t> inputs;
  std::vector<std::int32_t> outputs;
};

class InterpreterState {
 public:
  // `compiled` is null for a model that the runtime could not compile, of which only the file's facts can be had.
  InterpreterState(const Model& model, const ModelContents& details, std::size_t subgraph, CompiledModel* compiled);

  [[nodiscard]] bool is_allocated() const { return allocated_; }
  // Kernels add tensors of their own behind the model's when the graph is allocated.
  [[nodiscard]] std::size_t count() const;
  [[nodiscard]] ElementType type(std::size_t index) const;
  [[nodiscard]] std::string name(std::size_t index) const;
  [[nodiscard]] std::vector<std::int32_t> shape(std::size_t index) const;
  [[nodiscard]] std::vector<std::int32_t> shape_signature(std::size_t index) const;
  // A kernel may have added a tensor that it does not use.
  [[nodiscard]] bool has_shape(std::size_t index) const;
  // Null for tensors that kernels added.
  [[nodiscard]] const TensorDetails* details(std::size_t index) const;

  // Empty for a tensor that has no memory: the graph is not allocated, or a delegate keeps the values to itself.
  [[nodiscard]] std::optional<TensorMemory> memory(std::size_t index) const;
  // The position among the runner's bindings of an input or output of an allocated graph.
  [[nodiscard]] std::optional<std::size_t> binding(std::size_t index) const;
  // The position among the signature's inputs.
  [[nodiscard]] std::optional<std::size_t> input(std::size_t index) const;
  // Fills an input of strings, which may be done before the allocation.
  void set_strings(std::size_t index, std::span<const std::byte> encoded);

  // Takes the shape for the next allocation. Throws Error for a tensor that can't have it.
  void resize(std::size_t index, const std::vector<std::int32_t>& shape);
  // Throws Error when the graph can't be prepared; the shapes that were asked for are kept for another try.
  void allocate();

  // The graph has run since it was allocated, so its outputs have values.
  void note_run() { has_run_ = true; }
  [[nodiscard]] bool has_run() const { return has_run_; }
  // For a graph that no signature runs, after another one's allocation has prepared it.
  void note_prepared() { prepared_ = !signature_.has_value(); }
  // Nothing before the graph is allocated; the file tells then.
  [[nodiscard]] std::optional<PreparedQuantization> prepared_quantization(std::size_t index) const;

  // Throws Error when the graph is not allocated or no signature runs it.
  [[nodiscard]] SignatureRunner& runner();
  // The same one without using it; null before the first allocation. The model may make another one.
  [[nodiscard]] SignatureRunner* known_runner() const {
    return has_runner_ && signature_ ? compiled_->known_runner(*signature_) : nullptr;
  }
  // Of an operator of the file. A kernel may drop outputs that nobody uses, which are then -1.
  [[nodiscard]] std::vector<std::int32_t> operator_outputs(std::size_t index) const;
  // Of an allocated graph, in the order of execution.
  [[nodiscard]] std::vector<DelegatedNode> delegated_nodes() const;
  // Sets variable tensors to zero.
  void reset_variables();

 private:
  [[nodiscard]] const CapturedGraph* graph() const;
  [[nodiscard]] const TensorDescription* described(std::size_t index) const;
  [[nodiscard]] SignatureRunner& unchecked_runner();
  // An operator of real inputs and 8-bit weights. XNNPACK writes past its memory when such an input turns out empty
  // (LiteRT 2.3.0).
  [[nodiscard]] bool quantizes_activations() const;
  // An output that gets its memory from a run, and has none yet.
  [[nodiscard]] bool awaits_run(std::size_t index) const;

  const SubgraphDescription& description_;
  const SubgraphDetails& details_;
  std::size_t subgraph_;
  CompiledModel* compiled_;
  std::optional<std::size_t> signature_;  // one that runs the subgraph
  bool has_runner_ = false;               // once it was allocated
  bool allocated_ = false;
  bool prepared_ = false;
  bool has_run_ = false;
  std::map<std::size_t, std::vector<std::int32_t>> pending_shapes_;
  std::map<std::size_t, std::vector<std::byte>> pending_strings_;
};

}  // namespace zerolite
