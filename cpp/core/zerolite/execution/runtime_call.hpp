// The runtime's own run call, with buffers registered for every input and output.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "zerolite/execution/tensor_binding.hpp"
#include "zerolite/graph/captured_graph.hpp"
#include "zerolite/platform/interruption.hpp"

namespace zerolite {

// What is called before each node of a run: LiteRT asks there whether the run was cancelled.
struct NodeHook {
  bool (*before_node)(void* data);
  void* data;
};

class RuntimeCall {
 public:
  // `inputs` and `outputs` are positions of bindings, in the order of the subgraph's inputs and outputs.
  RuntimeCall(abi::CompiledModel model, std::size_t signature, const CapturedGraph& graph,
              std::vector<std::size_t> inputs, std::vector<std::size_t> outputs);

  [[nodiscard]] const std::vector<std::size_t>& inputs() const { return inputs_; }
  [[nodiscard]] const std::vector<std::size_t>& outputs() const { return outputs_; }

  abi::Status run(std::span<TensorBinding> bindings, std::optional<NodeHook> hook);

 private:
  // What a string tensor had before it was lent a binding's memory.
  struct OwnStrings {
    std::int32_t tensor;
    void* data;
    std::size_t bytes;
    abi::tflite::AllocationType allocation_type;
  };

  abi::Status run_with_inputs(std::optional<NodeHook> hook);
  void fill_unregistered_inputs(std::span<const TensorBinding> bindings);
  void lend_strings(const TensorBinding& binding);
  void take_strings_back() noexcept;
  abi::Status invoke();

  abi::CompiledModel model_;
  std::size_t signature_;
  const CapturedGraph& graph_;
  std::vector<std::size_t> inputs_;
  std::vector<std::size_t> outputs_;
  std::vector<abi::TensorBuffer> input_buffers_;
  std::vector<abi::TensorBuffer> output_buffers_;
  std::vector<OwnStrings> own_strings_;  // during a run
};

}  // namespace zerolite
