#include "zerolite/value_guard.hpp"

#include <algorithm>
#include <atomic>
#include <cstddef>

#include "zerolite/kernel_checks.hpp"
#include "zerolite/operator_numbers.hpp"

namespace zerolite {
namespace {

using abi::tflite::AllocationType;
using abi::tflite::Context;
using abi::tflite::Invoke;
using abi::tflite::Node;
using abi::tflite::Registration;
using abi::tflite::Status;
using builtin::Operator;

// A kernel's run or its preparation, with a check before it.
template <Invoke* Registration::*step, Operator operation, KernelCheck* check>
class Guarded {
 public:
  static void replace(Registration& registration) {
    // The runtime has one kernel for an operator; any other one, of a kind that is not known, goes without the check.
    Invoke* known = nullptr;
    if (registration.*step == nullptr || registration.*step == &call) return;
    if (original.compare_exchange_strong(known, registration.*step) || known == registration.*step) {
      registration.*step = &call;
    }
  }

 private:
  static Status call(Context* context, Node* node) {
    const Verdict verdict = check(*context, *node);
    if (verdict.action == Verdict::Action::run) return original.load()(context, node);
    if (verdict.action == Verdict::Action::skip) return Status::ok;
    const char* const name = verdict.tensor->name == nullptr ? "" : verdict.tensor->name;
    // NOLINTNEXTLINE(cppcoreguidelines-pro-type-vararg): the runtime's only way to say why
    context->report_error(context, "tensor '%s' %s", name, verdict.words);
    return Status::error;
  }

  static inline std::atomic<Invoke*> original = nullptr;
};

template <Operator operation, KernelCheck* check>
void guard_run(Registration& registration) {
  Guarded<&Registration::invoke, operation, check>::replace(registration);
}

// A kernel computes while it is prepared if all of its inputs have their values by then.
template <KernelCheck* check>
Verdict check_constants(const Context& context, const Node& node) {
  const bool constant = std::ranges::all_of(node.inputs->values(), [&](int index) {
    const AllocationType type = context.tensors[static_cast<std::size_t>(index)].allocation_type;
    return type == AllocationType::mmap_read_only || type == AllocationType::persistent_read_only;
  });
  return constant ? check(context, node) : Verdict();
}

template <Operator operation, KernelCheck* check>
void guard_preparation(Registration& registration) {
  Guarded<&Registration::prepare, operation, &check_constants<check>>::replace(registration);
}

void guard(Registration& registration) {
  switch (static_cast<Operator>(registration.builtin_code)) {
    case Operator::add:
      return guard_run<Operator::add, check_elementwise>(registration);
    case Operator::atan2:
      return guard_run<Operator::atan2, check_same_shapes>(registration);
    case Operator::bidirectional_sequence_lstm:
      return guard_run<Operator::bidirectional_sequence_lstm, check_lstm>(registration);
    case Operator::broadcast_args:
      guard_preparation<Operator::broadcast_args, check_broadcast_args>(registration);
      return guard_run<Operator::broadcast_args, check_broadcast_args>(registration);
    case Operator::dequantize:
      return guard_run<Operator::dequantize, check_dequantize>(registration);
    case Operator::dilate:
      return guard_run<Operator::dilate, check_dilate>(registration);
    case Operator::floor_mod:
      return guard_run<Operator::floor_mod, check_floor_mod>(registration);
    case Operator::log_softmax:
      return guard_run<Operator::log_softmax, check_softmax>(registration);
    case Operator::lstm:
      return guard_run<Operator::lstm, check_lstm>(registration);
    case Operator::matrix_set_diag:
      return guard_run<Operator::matrix_set_diag, check_diagonal>(registration);
    case Operator::mul:
      return guard_run<Operator::mul, check_elementwise>(registration);
    case Operator::prelu:
      return guard_run<Operator::prelu, check_elementwise>(registration);
    case Operator::quantize:
      return guard_run<Operator::quantize, check_quantize>(registration);
    case Operator::random_standard_normal:
      return guard_run<Operator::random_standard_normal, check_random>(registration);
    case Operator::random_uniform:
      return guard_run<Operator::random_uniform, check_random>(registration);
    case Operator::resize_nearest_neighbor:
      return guard_run<Operator::resize_nearest_neighbor, check_resize_nearest_neighbor>(registration);
    case Operator::reverse_sequence:
      return guard_run<Operator::reverse_sequence, check_reverse_sequence>(registration);
    case Operator::reverse_v2:
      return guard_run<Operator::reverse_v2, check_axis_of_reverse>(registration);
    case Operator::softmax:
      return guard_run<Operator::softmax, check_softmax>(registration);
    case Operator::split:
      return guard_run<Operator::split, check_axis_of_split>(registration);
    case Operator::split_v:
      return guard_run<Operator::split_v, check_axis_of_split_v>(registration);
    case Operator::stablehlo_shift_left:
      return guard_run<Operator::stablehlo_shift_left, check_same_shapes>(registration);
    case Operator::transpose:
      return guard_run<Operator::transpose, check_transpose>(registration);
    case Operator::unidirectional_sequence_lstm:
      return guard_run<Operator::unidirectional_sequence_lstm, check_lstm>(registration);
    default:
      return;
  }
}

}  // namespace

void guard_values(const CapturedGraph& graph) noexcept {
  graph.for_each_planned([](const PlannedNode& planned) {
    Registration& registration = *planned.registration;
    // The runtime calls kernels of the newer interface without looking at these members.
    const bool has_kernel = registration.invoke != nullptr && registration.registration_external == nullptr;
    if (planned.node->delegate == nullptr && has_kernel) guard(registration);
  });
}

}  // namespace zerolite
