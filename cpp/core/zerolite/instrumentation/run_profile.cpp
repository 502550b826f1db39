#include "zerolite/instrumentation/run_profile.hpp"

#include "zerolite/runtime/runtime_library.hpp"

namespace zerolite {

RunProfiler::RunProfiler(const GraphObserver& observer, abi::Profiler profiler, TellSteps tell_steps)
    : profiler_(profiler), tell_steps_(tell_steps) {
  for (std::size_t subgraph = 0; subgraph < observer.subgraph_count(); ++subgraph) {
    const CapturedGraph* graph = observer.graph(subgraph);
    if (graph == nullptr) continue;
    for (const PlannedNode& planned : graph->plan()) indices_[planned.node] = planned.index;
  }
}

RunProfiler::~RunProfiler() {
  if (profiler_ != nullptr) (void)runtime().StopProfiler(profiler_);  // a run may have failed inside of a node
}

void RunProfiler::begin_run() {
  running_.clear();
  profile_ = {};
  begin_ = Clock::now();
}

void RunProfiler::end_run() { profile_.elapsed = Clock::now() - begin_; }

void RunProfiler::before_node(std::size_t /*subgraph*/, const CapturedGraph& /*graph*/, const abi::tflite::Node& node) {
  // Nodes of a graph that the run has prepared anew are not told apart any more.
  const auto index = indices_.find(&node);
  running_.push_back(profile_.nodes.size());
  NodeTime& time = profile_.nodes.emplace_back();
  time.node = index == indices_.end() ? 0 : index->second;
  // Only for nodes that have something to tell: at every event of its own the runtime asks for the memory of the
  // process, which takes longer than many a model (LiteRT 2.3.0).
  if (profiler_ != nullptr && node.delegate != nullptr) (void)runtime().StartProfiler(profiler_);
  time.begin = Clock::now() - begin_;
}

void RunProfiler::after_node(std::size_t subgraph, const CapturedGraph& /*graph*/, const abi::tflite::Node& node) {
  const std::chrono::nanoseconds now = Clock::now() - begin_;
  NodeTime& time = profile_.nodes[running_.back()];
  running_.pop_back();
  time.subgraph = subgraph;
  time.elapsed = now - time.begin;
  if (node.delegate == nullptr) return;
  if (profiler_ != nullptr) {
    (void)runtime().StopProfiler(profiler_);
    collect_steps(time);
  }
  if (tell_steps_ == nullptr) return;
  for (StepTime& step : tell_steps_(node)) time.steps.push_back(std::move(step));
}

void RunProfiler::collect_steps(NodeTime& time) const {
  constexpr int kDelegateOperator = 1 << 3;
  int count = 0;
  if (runtime().GetNumProfilerEvents(profiler_, &count) != abi::Status::ok || count < 1) return;
  std::vector<abi::ProfilerEvent> events(static_cast<std::size_t>(count));
  if (runtime().GetProfilerEvents(profiler_, count, events.data()) != abi::Status::ok) return;
  for (const abi::ProfilerEvent& event : events) {
    if (event.type == kDelegateOperator) time.steps.push_back({event.tag, event.elapsed_us});
  }
}

}  // namespace zerolite
