// Where the time of a run goes: node by node, and inside XNNPACK's nodes operator by operator.
//
// Nodes are timed by our own clock, in nanoseconds, for the runtime's profiler leaves out the nodes of XNNPACK
// (LiteRT 2.3.0). What XNNPACK does inside of one only that profiler tells, in whole microseconds, rounded down; other
// delegates may tell of theirs.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <string>
#include <unordered_map>
#include <utility>
#include <vector>

#include "litert_abi/types.hpp"
#include "zerolite/instrumentation/node_interception.hpp"

namespace zerolite {

struct StepTime {
  std::string name;  // as in "Fully Connected (NC, F32) GEMM"
  std::uint64_t microseconds = 0;
};

struct NodeTime {
  std::size_t subgraph = 0;
  std::size_t node = 0;  // as PlannedNode::index
  // Since the run began. Times of nodes that run other subgraphs hold those of the nodes in there.
  std::chrono::nanoseconds begin{};
  std::chrono::nanoseconds elapsed{};
  std::vector<StepTime> steps;
};

struct RunProfile {
  std::chrono::nanoseconds elapsed{};
  std::vector<NodeTime> nodes;  // in the order in which they began
};

class RunProfiler : public NodeListener {
 public:
  // What a delegate tells of a node that has just run; nothing for a node of another.
  using TellSteps = std::vector<StepTime> (*)(const abi::tflite::Node& node);

  // `profiler` is null for a model that was compiled without one, whose nodes then have no steps but those that
  // `tell_steps` has, if it is given.
  RunProfiler(const GraphObserver& observer, abi::Profiler profiler, TellSteps tell_steps = nullptr);
  ~RunProfiler() override;
  RunProfiler(const RunProfiler&) = delete;
  RunProfiler& operator=(const RunProfiler&) = delete;

  void begin_run() override;
  void end_run() override;
  void before_node(std::size_t subgraph, const CapturedGraph& graph, const abi::tflite::Node& node) override;
  void after_node(std::size_t subgraph, const CapturedGraph& graph, const abi::tflite::Node& node) override;

  // What the last run took.
  [[nodiscard]] RunProfile take() { return std::move(profile_); }

 private:
  using Clock = std::chrono::steady_clock;

  void collect_steps(NodeTime& time) const;

  abi::Profiler profiler_;
  TellSteps tell_steps_;
  std::unordered_map<const abi::tflite::Node*, std::size_t> indices_;
  Clock::time_point begin_;
  std::vector<std::size_t> running_;  // positions among the profile's nodes, the innermost last
  RunProfile profile_;
};

}  // namespace zerolite
