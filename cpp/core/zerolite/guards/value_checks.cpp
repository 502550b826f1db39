#include <algorithm>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <limits>
#include <numeric>
#include <span>

#include "zerolite/guards/kernel_check.hpp"
#include "zerolite/tensor/broadcast.hpp"
#include "zerolite/tensor/element_type.hpp"

namespace zerolite {
namespace {

using abi::tflite::Context;
using abi::tflite::Node;
using abi::tflite::Tensor;

constexpr std::int64_t kMostBytes = std::numeric_limits<std::int32_t>::max();

ElementType type_of(const Tensor& tensor) { return static_cast<ElementType>(tensor.type); }

template <typename Value>
std::span<const Value> values(const Tensor& tensor) {
  const std::span<const int> shape = tensor.dims->values();
  const auto count = std::accumulate(shape.begin(), shape.end(), std::size_t{1}, std::multiplies<>());
  if (tensor.data == nullptr) return {};
  return {static_cast<const Value*>(tensor.data), count};
}

// Calls with the values of either type of integer that indices and sizes have, which is that of the first tensor.
template <typename Judge, typename... Others>
Verdict judge_integers(const Judge& judge, const Tensor& tensor, const Others&... others) {
  return type_of(tensor) == ElementType::int64 ? judge(values<std::int64_t>(tensor), values<std::int64_t>(others)...)
                                               : judge(values<std::int32_t>(tensor), values<std::int32_t>(others)...);
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

}  // namespace

// The quotient is no number of the type, for which processors raise SIGFPE.
Verdict check_floor_mod(const Context& context, const Node& node) {
  const Tensor& numerator = input_of(context, node, 0);
  const Tensor& denominator = input_of(context, node, 1);
  if (type_of(numerator) != ElementType::int32 && type_of(numerator) != ElementType::int64) return {};
  const auto judge = [&](auto numerators, auto denominators) -> Verdict {
    if (!divides_least_by_minus_one(numerators, denominators)) return {};
    return Verdict::refuse(denominator, "holds -1, by which the smallest number of a type can't be divided");
  };
  return judge_integers(judge, numerator, denominator);
}

Verdict check_broadcast_args(const Context& context, const Node& node) {
  const Tensor& left = input_of(context, node, 0);
  const Tensor& right = input_of(context, node, 1);
  const auto judge = [&](auto ours, auto theirs) -> Verdict {
    if (can_be_broadcast(ours, theirs)) return {};
    return Verdict::refuse(right, "holds a shape that can't be broadcast with the one before it");
  };
  return judge_integers(judge, left, right);
}

// The kernel takes an axis that is named twice, and reads past the end.
Verdict check_transpose(const Context& context, const Node& node) {
  const Tensor& permutation = input_of(context, node, 1);
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
  return Verdict::refuse(permutation, "names an axis twice");
}

// The kernel looks at the first few lengths only.
Verdict check_reverse_sequence(const Context& context, const Node& node) {
  const std::span<const int> shape = input_of(context, node, 0).dims->values();
  const int axis = static_cast<const abi::tflite::ReverseSequenceParams*>(node.builtin_data)->seq_dim;
  if (axis < 0 || static_cast<std::size_t>(axis) >= shape.size()) return {};  // the kernel refuses it
  const Tensor& lengths = input_of(context, node, 1);
  const auto judge = [&](auto found) -> Verdict {
    const auto [least, most] = std::ranges::minmax_element(found);
    if (found.empty() || (*least >= 0 && *most <= shape[static_cast<std::size_t>(axis)])) return {};
    return Verdict::refuse(lengths, "holds a length that is negative or past the end of the axis to be reversed");
  };
  return judge_integers(judge, lengths);
}

// The kernel for bytes divides by both.
Verdict check_resize_nearest_neighbor(const Context& context, const Node& node) {
  const Tensor& size = input_of(context, node, 1);
  const std::span<const std::int32_t> found = values<std::int32_t>(size);
  if (std::ranges::all_of(found, [](std::int32_t length) { return length > 0; })) return {};
  return Verdict::refuse(size, "holds a size for images that is not positive");
}

// The kernel writes whether or not the runtime could make the output as large.
Verdict check_random(const Context& context, const Node& node) {
  const Tensor& shape = input_of(context, node, 0);
  std::int64_t bytes = sizeof(float);
  for (const std::int32_t length : values<std::int32_t>(shape)) {
    if (length >= 0) bytes *= length;
    if (length < 0 || bytes > kMostBytes)
      return Verdict::refuse(shape, "holds a shape that is negative, or of more than 2 GiB");
  }
  return {};
}

// The kernel counts bytes in 32 bits.
Verdict check_dilate(const Context& context, const Node& node) {
  const Tensor& data = input_of(context, node, 0);
  const Tensor& dilations = input_of(context, node, 1);
  if (type_of(dilations) != ElementType::int32) return {};  // the kernel refuses it
  const std::span<const int> shape = data.dims->values();
  const std::span<const std::int32_t> found = values<std::int32_t>(dilations);
  if (found.size() != shape.size()) return {};  // likewise
  std::int64_t bytes = static_cast<std::int64_t>(byte_size(type_of(data), {}).value_or(1));
  for (std::size_t i = shape.size(); i-- > 0;) {
    const std::int64_t stride = found[i] * bytes;
    bytes += (shape[i] - std::int64_t{1}) * std::min(stride, kMostBytes);
    if (found[i] < 1 || stride > kMostBytes || bytes < 0 || bytes > kMostBytes) {
      return Verdict::refuse(dilations,
                             "holds dilations that are not positive, or that make an output of more than 2 GiB");
    }
  }
  return {};
}

}  // namespace zerolite
