#include "zerolite/value_guard.hpp"

#include <algorithm>
#include <atomic>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <limits>
#include <numeric>
#include <span>

#include "zerolite/element_type.hpp"
#include "zerolite/operator_numbers.hpp"

namespace zerolite {
namespace {

using abi::tflite::Context;
using abi::tflite::Node;
using abi::tflite::Registration;
using abi::tflite::Status;
using abi::tflite::Tensor;
using builtin::Operator;

// What is wrong with the values of a tensor; no words where nothing is.
struct Fault {
  const char* words = nullptr;
  const Tensor* tensor = nullptr;
};

using Check = Fault (*)(const Context&, const Node&);

constexpr std::int64_t kMostBytes = std::numeric_limits<std::int32_t>::max();

const Tensor& input(const Context& context, const Node& node, std::size_t position) {
  return context.tensors[static_cast<std::size_t>(node.inputs->values()[position])];
}

ElementType type_of(const Tensor& tensor) { return static_cast<ElementType>(tensor.type); }

template <typename Value>
std::span<const Value> values(const Tensor& tensor) {
  const std::span<const int> shape = tensor.dims->values();
  const auto count = std::accumulate(shape.begin(), shape.end(), std::size_t{1}, std::multiplies<>());
  if (tensor.data == nullptr) return {};
  return {static_cast<const Value*>(tensor.data), count};
}

// Calls with the values of either type of integer that indices and sizes have.
template <typename Judge>
Fault judge_integers(const Tensor& tensor, const Judge& judge) {
  return type_of(tensor) == ElementType::int64 ? judge(values<std::int64_t>(tensor))
                                               : judge(values<std::int32_t>(tensor));
}

template <typename Value>
bool divides_least_by_minus_one(std::span<const Value> numerators, std::span<const Value> denominators) {
  constexpr Value kLeast = std::numeric_limits<Value>::min();
  // Where one of both is broadcast, some pairs that are asked about here do not meet.
  if (numerators.size() != denominators.size()) {
    return std::ranges::find(numerators, kLeast) != numerators.end() &&
           std::ranges::find(denominators, Value{-1}) != denominators.end();
  }
  return !std::ranges::equal(numerators, denominators, [](Value numerator, Value denominator) {
    return numerator != kLeast || denominator != Value{-1};
  });
}

// The quotient is no number of the type, for which processors raise SIGFPE.
Fault check_floor_mod(const Context& context, const Node& node) {
  const Tensor& numerator = input(context, node, 0);
  const Tensor& denominator = input(context, node, 1);
  bool found = false;
  if (type_of(numerator) == ElementType::int32) {
    found = divides_least_by_minus_one(values<std::int32_t>(numerator), values<std::int32_t>(denominator));
  } else if (type_of(numerator) == ElementType::int64) {
    found = divides_least_by_minus_one(values<std::int64_t>(numerator), values<std::int64_t>(denominator));
  }
  if (!found) return {};
  return {"holds -1, by which the smallest number of a type can't be divided", &denominator};
}

template <typename Value>
bool can_be_broadcast(std::span<const Value> left, std::span<const Value> right) {
  const std::size_t common = std::min(left.size(), right.size());
  return std::ranges::equal(left.last(common), right.last(common),
                            [](Value one, Value other) { return one == other || one == 1 || other == 1; });
}

Fault check_broadcast_args(const Context& context, const Node& node) {
  const Tensor& left = input(context, node, 0);
  const Tensor& right = input(context, node, 1);
  const bool fits = type_of(left) == ElementType::int64
                        ? can_be_broadcast(values<std::int64_t>(left), values<std::int64_t>(right))
                        : can_be_broadcast(values<std::int32_t>(left), values<std::int32_t>(right));
  if (fits) return {};
  return {"holds a shape that can't be broadcast with the one before it", &right};
}

// The kernel takes an axis that is named twice, and reads past the end.
Fault check_transpose(const Context& context, const Node& node) {
  const Tensor& permutation = input(context, node, 1);
  if (type_of(permutation) != ElementType::int32) return {};
  const std::span<const std::int32_t> axes = values<std::int32_t>(permutation);
  const auto rank = static_cast<std::int64_t>(axes.size());
  std::uint64_t seen = 0;
  for (const std::int32_t axis : axes) {
    const std::int64_t place = axis < 0 ? axis + rank : axis;
    if (place < 0 || place >= std::min<std::int64_t>(rank, 64)) return {};  // the kernel refuses it
    seen |= std::uint64_t{1} << static_cast<unsigned>(place);
  }
  if (std::popcount(seen) == rank) return {};
  return {"names an axis twice", &permutation};
}

// The kernel looks at the first few lengths only.
Fault check_reverse_sequence(const Context& context, const Node& node) {
  const std::span<const int> shape = input(context, node, 0).dims->values();
  const int axis = static_cast<const abi::tflite::ReverseSequenceParams*>(node.builtin_data)->seq_dim;
  if (axis < 0 || static_cast<std::size_t>(axis) >= shape.size()) return {};  // the kernel refuses it
  const Tensor& lengths = input(context, node, 1);
  return judge_integers(lengths, [&](auto found) -> Fault {
    const auto [least, most] = std::ranges::minmax_element(found);
    if (found.empty() || (*least >= 0 && *most <= shape[static_cast<std::size_t>(axis)])) return {};
    return {"holds a length that is negative or past the end of the axis to be reversed", &lengths};
  });
}

// The kernel for bytes divides by both.
Fault check_resize_nearest_neighbor(const Context& context, const Node& node) {
  const Tensor& size = input(context, node, 1);
  const std::span<const std::int32_t> found = values<std::int32_t>(size);
  if (std::ranges::all_of(found, [](std::int32_t length) { return length > 0; })) return {};
  return {"holds a size for images that is not positive", &size};
}

// The kernel writes whether or not the runtime could make the output as large.
Fault check_random(const Context& context, const Node& node) {
  const Tensor& shape = input(context, node, 0);
  std::int64_t bytes = sizeof(float);
  for (const std::int32_t length : values<std::int32_t>(shape)) {
    if (length >= 0) bytes *= length;
    if (length < 0 || bytes > kMostBytes) return {"holds a shape that is negative, or of more than 2 GiB", &shape};
  }
  return {};
}

// The kernel counts bytes in 32 bits.
Fault check_dilate(const Context& context, const Node& node) {
  const Tensor& data = input(context, node, 0);
  const Tensor& dilations = input(context, node, 1);
  if (type_of(dilations) != ElementType::int32) return {};  // the kernel refuses it
  const std::span<const int> shape = data.dims->values();
  const std::span<const std::int32_t> found = values<std::int32_t>(dilations);
  if (found.size() != shape.size()) return {};  // likewise
  std::int64_t bytes = static_cast<std::int64_t>(byte_size(type_of(data), {}).value_or(1));
  for (std::size_t i = shape.size(); i-- > 0;) {
    const std::int64_t stride = found[i] * bytes;
    bytes += (shape[i] - std::int64_t{1}) * std::min(stride, kMostBytes);
    if (found[i] < 1 || stride > kMostBytes || bytes < 0 || bytes > kMostBytes) {
      return {"holds dilations that are not positive, or that make an output of more than 2 GiB", &dilations};
    }
  }
  return {};
}

template <Operator operation, Check check>
class GuardedKernel {
 public:
  static void replace(Registration& registration) {
    // The runtime has one kernel for an operator; any other one, of a kind that is not known, goes without the check.
    abi::tflite::Invoke* known = nullptr;
    if (registration.invoke == &invoke) return;
    if (kernel.compare_exchange_strong(known, registration.invoke) || known == registration.invoke) {
      registration.invoke = &invoke;
    }
  }

 private:
  static Status invoke(Context* context, Node* node) {
    const Fault fault = check(*context, *node);
    if (fault.words == nullptr) return kernel.load()(context, node);
    const char* const name = fault.tensor->name == nullptr ? "" : fault.tensor->name;
    // NOLINTNEXTLINE(cppcoreguidelines-pro-type-vararg): the runtime's only way to say why
    context->report_error(context, "tensor '%s' %s", name, fault.words);
    return Status::error;
  }

  static inline std::atomic<abi::tflite::Invoke*> kernel = nullptr;
};

void guard(Registration& registration) {
  switch (static_cast<Operator>(registration.builtin_code)) {
    case Operator::transpose:
      return GuardedKernel<Operator::transpose, &check_transpose>::replace(registration);
    case Operator::floor_mod:
      return GuardedKernel<Operator::floor_mod, &check_floor_mod>::replace(registration);
    case Operator::broadcast_args:
      return GuardedKernel<Operator::broadcast_args, &check_broadcast_args>::replace(registration);
    case Operator::reverse_sequence:
      return GuardedKernel<Operator::reverse_sequence, &check_reverse_sequence>::replace(registration);
    case Operator::resize_nearest_neighbor:
      return GuardedKernel<Operator::resize_nearest_neighbor, &check_resize_nearest_neighbor>::replace(registration);
    case Operator::random_uniform:
      return GuardedKernel<Operator::random_uniform, &check_random>::replace(registration);
    case Operator::random_standard_normal:
      return GuardedKernel<Operator::random_standard_normal, &check_random>::replace(registration);
    case Operator::dilate:
      return GuardedKernel<Operator::dilate, &check_dilate>::replace(registration);
    default:
      return;
  }
}

}  // namespace

void guard_values(const CapturedGraph& graph) noexcept {
  graph.for_each_planned([](const PlannedNode& planned) {
    Registration& registration = *planned.registration;
    // The runtime calls kernels of the newer interface without looking at `invoke`.
    const bool has_kernel = registration.invoke != nullptr && registration.registration_external == nullptr;
    if (planned.node->delegate == nullptr && has_kernel) guard(registration);
  });
}

}  // namespace zerolite
