#include "zerolite/guards/kernel_guard.hpp"

#include <array>
#include <atomic>
#include <string_view>

#include "zerolite/guards/shape_checks.hpp"
#include "zerolite/guards/value_checks.hpp"
#include "zerolite/guards/xnnpack_guard.hpp"
#include "zerolite/model/operators.hpp"

namespace zerolite {
namespace {

using abi::tflite::Context;
using abi::tflite::Invoke;
using abi::tflite::Node;
using abi::tflite::Registration;
using abi::tflite::Status;

// A kernel's run or its preparation, with a check before it.
template <Invoke* Registration::*step, Operator operation, KernelCheck* check>
class Guarded {
 public:
  static void install(Registration& registration) {
    // The runtime has one kernel for an operator; any other one, of a kind that is not known, goes without the check.
    Invoke* known = nullptr;
    if (registration.*step == nullptr || registration.*step == &call) return;
    if (original.compare_exchange_strong(known, registration.*step) || known == registration.*step) {
      registration.*step = &call;
    }
  }

 private:
  static Status call(Context* context, Node* node) {
    const CheckResult result = check(LiveNode(*context, *node));
    if (result.action == CheckResult::Action::run) return original.load()(context, node);
    if (result.action == CheckResult::Action::skip) return Status::ok;
    // NOLINTNEXTLINE(cppcoreguidelines-pro-type-vararg): the runtime's only way to say why
    context->report_error(context, "tensor '%s' %s", name_of(*result.tensor), result.reason);
    return Status::error;
  }

  static inline std::atomic<Invoke*> original = nullptr;
};

// A kernel computes while it is prepared if all of its inputs have their values by then.
template <KernelCheck* check>
CheckResult check_constants(const LiveNode& node) {
  return node.has_constant_inputs() ? check(node) : CheckResult();
}

struct Guard {
  Operator operation;
  void (*install)(Registration&);
};

template <Operator operation, KernelCheck* check>
constexpr Guard before_run() {
  return {operation, &Guarded<&Registration::invoke, operation, check>::install};
}

template <Operator operation, KernelCheck* check>
constexpr Guard before_preparation() {
  return {operation, &Guarded<&Registration::prepare, operation, &check_constants<check>>::install};
}

constexpr auto kGuards = std::to_array<Guard>({
    before_run<Operator::ADD, check_elementwise_broadcast>(),
    before_run<Operator::ATAN2, check_same_shapes>(),
    before_run<Operator::BIDIRECTIONAL_SEQUENCE_LSTM, check_lstm>(),
    before_run<Operator::BITWISE_XOR, check_broadcast>(),
    before_preparation<Operator::BROADCAST_ARGS, check_broadcast_args>(),
    before_run<Operator::BROADCAST_ARGS, check_broadcast_args>(),
    before_run<Operator::CUSTOM, check_numeric_verify>(),
    before_run<Operator::DEQUANTIZE, check_dequantize>(),
    before_run<Operator::DILATE, check_dilate>(),
    before_run<Operator::DIV, check_division>(),
    before_run<Operator::EMBEDDING_LOOKUP_SPARSE, check_sparse_lookup>(),
    before_run<Operator::EQUAL, check_broadcast>(),
    before_run<Operator::FLOOR_DIV, check_broadcast>(),
    before_run<Operator::FLOOR_MOD, check_modulus>(),
    before_run<Operator::GREATER, check_broadcast>(),
    before_run<Operator::GREATER_EQUAL, check_broadcast>(),
    before_run<Operator::LESS, check_broadcast>(),
    before_run<Operator::LESS_EQUAL, check_broadcast>(),
    before_run<Operator::LOGICAL_AND, check_broadcast>(),
    before_run<Operator::LOGICAL_OR, check_broadcast>(),
    before_run<Operator::LOG_SOFTMAX, check_softmax>(),
    before_run<Operator::LSTM, check_lstm>(),
    before_run<Operator::MATRIX_SET_DIAG, check_diagonal>(),
    before_run<Operator::MAXIMUM, check_broadcast>(),
    before_run<Operator::MINIMUM, check_broadcast>(),
    before_preparation<Operator::MUL, check_broadcast>(),
    before_run<Operator::MUL, check_elementwise_broadcast>(),
    before_run<Operator::NOT_EQUAL, check_broadcast>(),
    before_run<Operator::POW, check_broadcast>(),
    before_run<Operator::PRELU, check_elementwise_broadcast>(),
    before_run<Operator::QUANTIZE, check_quantize>(),
    before_run<Operator::RANDOM_STANDARD_NORMAL, check_random>(),
    before_run<Operator::RANDOM_UNIFORM, check_random>(),
    before_run<Operator::RESIZE_NEAREST_NEIGHBOR, check_resize_nearest_neighbor>(),
    before_run<Operator::REVERSE_SEQUENCE, check_reverse_sequence>(),
    before_run<Operator::REVERSE_V2, check_axis_of_reverse>(),
    before_run<Operator::RIGHT_SHIFT, check_broadcast>(),
    before_run<Operator::SELECT, check_select>(),
    before_run<Operator::SOFTMAX, check_softmax>(),
    before_run<Operator::SPLIT, check_axis_of_split>(),
    before_run<Operator::SPLIT_V, check_axis_of_split_v>(),
    before_run<Operator::SQUARED_DIFFERENCE, check_broadcast>(),
    before_run<Operator::STABLEHLO_SHIFT_LEFT, check_same_shapes>(),
    before_run<Operator::SUB, check_broadcast>(),
    before_run<Operator::TRANSPOSE, check_transpose>(),
    before_run<Operator::UNIDIRECTIONAL_SEQUENCE_LSTM, check_lstm>(),
});

// Of custom operators, the only one whose kernel is the runtime's and takes any shapes.
bool is_numeric_verify(const Registration& registration) {
  return registration.custom_name != nullptr && std::string_view(registration.custom_name) == "NumericVerify";
}

void guard(Registration& registration) {
  const auto kind = static_cast<Operator>(registration.builtin_code);
  if (kind == Operator::CUSTOM && !is_numeric_verify(registration)) return;
  for (const auto& [operation, install] : kGuards) {
    if (operation == kind) install(registration);
  }
}

}  // namespace

void guard_kernels(const CapturedGraph& graph) noexcept {
  graph.for_each_planned([&graph](const PlannedNode& planned) {
    Registration& registration = *planned.registration;
    if (planned.node->delegate != nullptr) return guard_xnnpack(graph, planned);
    // The runtime calls kernels of the newer interface without looking at these members.
    const bool has_kernel = registration.invoke != nullptr && registration.registration_external == nullptr;
    if (has_kernel) guard(registration);
  });
}

}  // namespace zerolite
