#include "zerolite/execution/in_place.hpp"

#include <algorithm>
#include <cstddef>
#include <string_view>
#include <vector>

#include "zerolite/graph/delegation.hpp"
#include "zerolite/model/operators.hpp"

namespace zerolite {
namespace {

using abi::tflite::IntArray;

constexpr std::string_view kXnnpackKernel = "TfLiteXNNPackDelegate";

bool contains(const IntArray* list, std::int32_t tensor) {
  return list != nullptr && std::ranges::find(list->values(), tensor) != list->values().end();
}

bool reads(const PlannedNode& planned, std::span<const std::int32_t> inputs) {
  return std::ranges::any_of(inputs, [&](std::int32_t input) { return contains(planned.node->inputs, input); });
}

std::string name_of(const CapturedGraph& graph, const PlannedNode& planned) {
  if (planned.node->delegate != nullptr) {
    const std::string name = kernel_name(graph, planned);
    return name.empty() ? "a delegate" : name;
  }
  const abi::tflite::Registration& registration = *planned.registration;
  return "operator " +
         name_of(OperatorCode{registration.builtin_code,
                              registration.custom_name == nullptr ? std::string() : registration.custom_name});
}

// What the kernel's registration says of it (TfLiteInPlaceOp of tflite/core/c/common.h): input N may lie where the
// first output does, if both are of one size. The planner relies on the same for the tensors between inputs and
// outputs.
bool works_in_place(const PlannedNode& planned, std::span<const std::int32_t> inputs, std::int32_t output) {
  constexpr std::uint64_t kFirstInputShared = 4;
  constexpr std::size_t kShareableInputs = 3;
  const std::span<const int> operands = planned.node->inputs->values();
  const auto is_shared = [&](int operand) { return std::ranges::find(inputs, operand) != inputs.end(); };
  if (std::ranges::count_if(operands, is_shared) != 1 || planned.node->outputs->values().front() != output)
    return false;
  const auto operand = static_cast<std::size_t>(std::ranges::find_if(operands, is_shared) - operands.begin());
  return operand < kShareableInputs && (planned.registration->inplace_operator & (kFirstInputShared << operand)) != 0;
}

}  // namespace

std::string in_place_obstacle(const CapturedGraph& graph, std::span<const std::int32_t> inputs, std::int32_t output) {
  const std::vector<PlannedNode> plan = graph.plan();
  const auto writer =
      std::ranges::find_if(plan, [&](const PlannedNode& planned) { return contains(planned.node->outputs, output); });
  if (writer == plan.end()) return "no operator of the plan writes the output";
  const auto is_foreign = [&](const PlannedNode& planned) {
    return planned.node->delegate != nullptr && kernel_name(graph, planned) != kXnnpackKernel &&
           (reads(planned, inputs) || contains(planned.node->outputs, output));
  };
  if (const auto foreign = std::ranges::find_if(plan, is_foreign); foreign != plan.end()) {
    return name_of(graph, *foreign) + " may have the values elsewhere, and does not tell when it reads and writes them";
  }
  const auto late_reader =
      std::find_if(writer + 1, plan.end(), [&](const PlannedNode& planned) { return reads(planned, inputs); });
  if (late_reader != plan.end()) {
    return name_of(graph, *late_reader) + " reads the input after " + name_of(graph, *writer) + " wrote the output";
  }
  if (!reads(*writer, inputs)) return {};
  if (writer->node->delegate != nullptr) {
    return name_of(graph, *writer) +
           " runs what reads the input and what writes the output as one, and does not tell " + "in which order";
  }
  if (works_in_place(*writer, inputs, output)) return {};
  return name_of(graph, *writer) + " reads the input while it writes the output";
}

}  // namespace zerolite
