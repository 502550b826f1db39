#include "zerolite/guards/xnnpack_guard.hpp"

#include <algorithm>
#include <array>
#include <atomic>
#include <cstddef>
#include <optional>
#include <span>
#include <string_view>

#include "zerolite/guards/kernel_check.hpp"
#include "zerolite/model/operators.hpp"

namespace zerolite {
namespace {

using abi::tflite::AllocationType;
using abi::tflite::Context;
using abi::tflite::DelegateParams;
using abi::tflite::Node;
using abi::tflite::Registration;
using abi::tflite::StablehloCompositeParams;
using abi::tflite::Status;
using abi::tflite::Tensor;

constexpr std::string_view kXnnpack = "TfLiteXNNPackDelegate";
constexpr std::size_t kMostDimensions = 6;
constexpr std::array kOperands = {"query", "key", "value", "mask"};

bool is_attention(const PlannedNode& planned) {
  const char* name = planned.registration->custom_name;
  if (static_cast<Operator>(planned.registration->builtin_code) == Operator::STABLEHLO_COMPOSITE) {
    const auto* params = static_cast<const StablehloCompositeParams*>(planned.node->builtin_data);
    name = params == nullptr ? nullptr : params->name;
  }
  return name != nullptr && name == kAttention && planned.node->inputs->values().size() == kOperands.size();
}

std::span<const int> replaced_by(const Node& node) {
  const auto* params = static_cast<const DelegateParams*>(node.builtin_data);
  return params == nullptr || params->nodes_to_replace == nullptr ? std::span<const int>()
                                                                  : params->nodes_to_replace->values();
}

// Whether the shape of a tensor is known outside of the node that a delegate put in.
bool is_known(const Context& context, const Node& delegated, int tensor) {
  return std::ranges::find(delegated.inputs->values(), tensor) != delegated.inputs->values().end() ||
         context.tensors[static_cast<std::size_t>(tensor)].allocation_type == AllocationType::mmap_read_only;
}

// A node without an input is never told of a shape, and writes to variables for which it has taken no memory.
bool only_assigns(const CapturedGraph& graph, const Node& delegated) {
  return delegated.inputs->values().empty() && std::ranges::any_of(replaced_by(delegated), [&](int index) {
           const std::optional<PlannedNode> replaced = graph.planned_node(static_cast<std::size_t>(index));
           return replaced && static_cast<Operator>(replaced->registration->builtin_code) == Operator::ASSIGN_VARIABLE;
         });
}

class GuardedXnnpack {
 public:
  static void install(const CapturedGraph& graph, Registration& registration) {
    if (registration.prepare == nullptr || registration.prepare == &prepare) return;
    nodes_of = graph.node_lookup();
    Step* known = nullptr;
    // Of another library, which would have the same name, it goes without the check.
    if (original.compare_exchange_strong(known, registration.prepare) || known == registration.prepare) {
      registration.prepare = &prepare;
    }
  }

 private:
  using Step = Status(Context*, Node*);

  static Status prepare(Context* context, Node* node) {
    for (const int input : node->inputs->values()) {
      if (input < 0) continue;
      const Tensor& tensor = context->tensors[static_cast<std::size_t>(input)];
      if (tensor.allocation_type == AllocationType::mmap_read_only) continue;  // of which it knows what it has
      if (tensor.dims == nullptr || tensor.dims->values().size() <= kMostDimensions) continue;
      // NOLINTNEXTLINE(cppcoreguidelines-pro-type-vararg): the runtime's only way to say why
      context->report_error(context, "tensor '%s' has more than six dimensions, which XNNPACK can't compute with",
                            name_of(tensor));
      return Status::error;
    }
    const CapturedGraph graph(context, nodes_of);
    if (only_assigns(graph, *node)) {
      // NOLINTNEXTLINE(cppcoreguidelines-pro-type-vararg): the runtime's only way to say why
      context->report_error(context,
                            "XNNPACK can't run what computes from variables alone and assigns them; load the model "
                            "with its builtin kernels");
      return Status::error;
    }
    for (const int index : replaced_by(*node)) {
      const std::optional<PlannedNode> replaced = graph.planned_node(static_cast<std::size_t>(index));
      if (!replaced || !is_attention(*replaced)) continue;
      const LiveNode attention(*context, *replaced->node);
      const std::span<const int> operands = replaced->node->inputs->values();
      const auto is_operand_known = [&](std::size_t operand) { return is_known(*context, *node, operands[operand]); };
      const std::optional<std::size_t> misfit = misfit_in_attention(attention, is_operand_known);
      if (!misfit) continue;
      // NOLINTNEXTLINE(cppcoreguidelines-pro-type-vararg): the runtime's only way to say why
      context->report_error(context, "tensor '%s' is the %s of an attention, and its shape does not fit the operands",
                            name_of(attention.input(*misfit)), kOperands[*misfit]);
      return Status::error;
    }
    return original.load()(context, node);
  }

  static inline std::atomic<Step*> original = nullptr;
  static inline std::atomic<CapturedGraph::NodeLookup*> nodes_of = nullptr;  // one for all graphs
};

}  // namespace

void guard_xnnpack(const CapturedGraph& graph, const PlannedNode& planned) noexcept {
  if (planned.registration->custom_name == nullptr || planned.registration->custom_name != kXnnpack) return;
  GuardedXnnpack::install(graph, *planned.registration);
}

}  // namespace zerolite
