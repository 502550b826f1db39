// The values of all tensors that a run computes, in every subgraph, each as it was right after its node had run.
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <utility>
#include <vector>

#include "zerolite/instrumentation/node_interception.hpp"
#include "zerolite/tensor/element_type.hpp"

namespace zerolite {

struct TracedTensor {
  ElementType type = ElementType::none;
  std::vector<std::int32_t> shape;
  std::vector<std::byte> bytes;
  // How often the run computed it; the values are the last ones.
  std::size_t times = 0;
};

class TensorTrace : public NodeListener {
 public:
  // By subgraph and tensor.
  using Tensors = std::map<std::pair<std::size_t, std::int32_t>, TracedTensor>;

  void after_node(std::size_t subgraph, const CapturedGraph& graph, const abi::tflite::Node& node) override;

  [[nodiscard]] const Tensors& tensors() const { return tensors_; }
  // Null for a tensor that the run did not compute.
  [[nodiscard]] const TracedTensor* find(std::size_t subgraph, std::int32_t tensor) const;
  void clear() { tensors_.clear(); }

 private:
  Tensors tensors_;
};

}  // namespace zerolite
