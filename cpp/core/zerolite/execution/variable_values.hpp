// The values of variable tensors, which a stateful model carries from run to run.
#pragma once

#include <cstddef>
#include <cstdint>
#include <utility>
#include <vector>

#include "zerolite/graph/captured_graph.hpp"

namespace zerolite {

class VariableValues {
 public:
  // Whether the graph keeps state, in variable tensors or in resources.
  [[nodiscard]] static bool occur_in(const CapturedGraph& graph);
  // Likewise, in variable tensors alone.
  [[nodiscard]] static bool occur_as_tensors_in(const CapturedGraph& graph);
  // Puts variable tensors back to what they are when a graph is prepared; those without memory are left out.
  static void reset(const CapturedGraph& graph) noexcept;
  static void reset(const abi::tflite::Tensor& variable) noexcept;

  VariableValues() = default;
  // Copies the values as they are.
  explicit VariableValues(const CapturedGraph& graph);
  // Puts the values back.
  void restore(const CapturedGraph& graph) const;

  friend bool operator==(const VariableValues& left, const VariableValues& right) = default;

 private:
  std::vector<std::pair<std::int32_t, std::vector<std::byte>>> values_;  // by their tensor
};

}  // namespace zerolite
