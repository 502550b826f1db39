// A graph that OpenVINO has compiled for certain shapes, and a request that runs it over memory of others.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "openvino_abi/types.hpp"
#include "zerolite/delegates/openvino/library.hpp"
#include "zerolite/delegates/openvino/settings.hpp"
#include "zerolite/model/model_interface.hpp"
#include "zerolite/model/submodel.hpp"

namespace zerolite::openvino {

// An input or output of a subgraph, or of a part of it.
struct GraphTensor {
  std::int32_t index = 0;
  ElementType type = ElementType::none;
  std::vector<std::int32_t> shape;  // of an output, what the file says, which may not be what comes out
  bool is_used = true;              // an input that no operator reads may have no memory
};

// What the last run took in one of OpenVINO's nodes.
struct NodeCounter {
  std::string name;  // the node's type and kernel, as in "Convolution (brgconv_avx512_f32)"
  std::uint64_t microseconds = 0;
};

class Program {
 public:
  // Throws DelegateError in OpenVINO's words when it can't compile the part, or does it with other types or with
  // outputs whose shapes only a run tells.
  static Program compile(std::span<const std::byte> model, const GraphPart& part, const OpenVinoSettings& settings,
                         std::span<const GraphTensor> inputs, std::span<const GraphTensor> outputs);
  // The same program, of what `serialized` gave for it; nothing when OpenVINO does not take it.
  static std::optional<Program> restore(std::span<const char> content, const OpenVinoSettings& settings,
                                        std::span<const GraphTensor> inputs, std::span<const GraphTensor> outputs);
  // Throws DelegateError and FileError.
  [[nodiscard]] std::vector<char> serialized() const;

  // The shapes that it was compiled for.
  [[nodiscard]] std::vector<std::int32_t> input_shape(std::size_t input) const { return inputs_[input].shape(); }
  [[nodiscard]] std::vector<std::int32_t> output_shape(std::size_t output) const { return outputs_[output].shape(); }

  // Where the next run reads and writes. The memory must last as long.
  void bind_input(std::size_t input, void* memory) { bind(inputs_[input], memory); }
  void bind_output(std::size_t output, void* memory) { bind(outputs_[output], memory); }
  // Throws DelegateError.
  void run();
  // In the order in which the nodes ran. Throws DelegateError unless the settings asked for counters.
  [[nodiscard]] std::vector<NodeCounter> counters() const;

 private:
  struct Port {
    PortHandle handle;
    abi::openvino::ElementType type = abi::openvino::ElementType::dynamic;
    std::vector<std::int64_t> dimensions;
    void* memory = nullptr;

    [[nodiscard]] std::vector<std::int32_t> shape() const { return {dimensions.begin(), dimensions.end()}; }
  };

  Program(CoreHandle core, CompiledModelHandle compiled, std::span<const GraphTensor> inputs,
          std::span<const GraphTensor> outputs);

  static Port open_port(PortHandle handle, const GraphTensor& tensor);
  [[nodiscard]] PortHandle find_input(const GraphTensor& tensor) const;
  [[nodiscard]] PortHandle find_output(const GraphTensor& tensor) const;
  void bind(Port& port, void* memory);

  CoreHandle core_;  // of the program's own; null for the process's
  CompiledModelHandle compiled_;
  InferRequestHandle request_;
  std::vector<Port> inputs_;
  std::vector<Port> outputs_;
};

}  // namespace zerolite::openvino
