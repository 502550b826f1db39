// The smallest and the largest value that each tensor takes in a run, over all turns of loops, as calibration needs it.
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <utility>

#include "zerolite/instrumentation/node_interception.hpp"

namespace zerolite {

struct ValueRange {
  float smallest = 0;
  float largest = 0;
};

class ValueRanges : public NodeListener {
 public:
  // What a node is given is looked at before it runs: it may take the memory for its output.
  void before_node(std::size_t subgraph, const CapturedGraph& graph, const abi::tflite::Node& node) override;
  void after_node(std::size_t subgraph, const CapturedGraph& graph, const abi::tflite::Node& node) override;

  // By subgraph and tensor, for real numbers and 32-bit integers that are no constants.
  [[nodiscard]] const std::map<std::pair<std::size_t, std::int32_t>, ValueRange>& ranges() const { return ranges_; }

 private:
  void add(std::size_t subgraph, const CapturedGraph& graph, const abi::tflite::IntArray* tensors);

  std::map<std::pair<std::size_t, std::int32_t>, ValueRange> ranges_;
};

}  // namespace zerolite
