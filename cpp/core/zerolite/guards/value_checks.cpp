#include "zerolite/guards/value_checks.hpp"

#include <algorithm>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <span>

#include "zerolite/guards/shape_checks.hpp"

namespace zerolite {
namespace {

constexpr std::int64_t kMostBytes = std::numeric_limits<std::int32_t>::max();

template <typename Value>
bool divides_least_by_minus_one(Numbers<Value> numerators, Numbers<Value> denominators) {
  const auto is_least = [](Value value) { return value == std::numeric_limits<Value>::min(); };
  const auto is_minus_one = [](Value value) { return value == Value{-1}; };
  // Where one of both is broadcast, some pairs that are asked about here do not meet.
  if (numerators.size() != denominators.size()) return numerators.any_of(is_least) && denominators.any_of(is_minus_one);
  for (std::size_t i = 0; i < numerators.size(); ++i) {
    if (is_least(numerators[i]) && is_minus_one(denominators[i])) return true;
  }
  return false;
}

// The quotient is no number of the type, for which processors raise SIGFPE.
CheckResult check_remainder(const LiveNode& node) {
  if (node.type(0) != ElementType::int32 && node.type(0) != ElementType::int64) return {};
  const auto divides = [](auto left, auto right) { return divides_least_by_minus_one(left, right); };
  return CheckResult::refuse_unless(!judge_integers(node, divides, 0, 1), node.input(1),
                                    "holds -1, by which the smallest number of a type can't be divided");
}

}  // namespace

// That of two shapes does not look for zeros in all it divides by.
CheckResult check_division(const LiveNode& node) {
  if (node.computes_nothing()) return {};
  const CheckResult broadcast = check_broadcast(node);
  if (broadcast.action != CheckResult::Action::run) return broadcast;
  if (node.type(0) == ElementType::int32 || node.type(0) == ElementType::int64) {
    const auto holds_zero = [](auto divisors) { return divisors.any_of([](auto value) { return value == 0; }); };
    if (judge_integers(node, holds_zero, 1)) {
      return CheckResult::refuse(node.input(1), "holds 0, by which integers can't be divided");
    }
  }
  return check_remainder(node);
}

CheckResult check_modulus(const LiveNode& node) {
  const CheckResult broadcast = check_broadcast(node);
  return broadcast.action == CheckResult::Action::run ? check_remainder(node) : broadcast;
}

CheckResult check_broadcast_args(const LiveNode& node) {
  return CheckResult::refuse_unless(can_be_broadcast(node), node.input(1),
                                    "holds a shape that can't be broadcast with the one before it");
}

// The kernel takes an axis that is named twice, and reads past the end.
CheckResult check_transpose(const LiveNode& node) {
  if (node.type(1) != ElementType::int32) return {};
  const Numbers<std::int32_t> axes(node.constant(1));
  const auto rank = static_cast<std::int64_t>(axes.size());
  std::uint64_t seen = 0;
  for (std::size_t i = 0; i < axes.size(); ++i) {
    const std::int64_t place = axes[i] < 0 ? axes[i] + rank : axes[i];
    if (place < 0 || place >= std::min<std::int64_t>(rank, 64)) return {};  // the kernel refuses it
    seen |= std::uint64_t{1} << static_cast<unsigned>(place);
  }
  return CheckResult::refuse_unless(std::popcount(seen) == rank, node.input(1), "names an axis twice");
}

CheckResult check_reverse_sequence(const LiveNode& node) {
  const int axis = node.parameters<abi::tflite::ReverseSequenceParams>().seq_dim;
  if (axis < 0 || static_cast<std::size_t>(axis) >= node.shape(0).size()) return {};  // the kernel refuses it
  return CheckResult::refuse_unless(!impossible_length(node, static_cast<std::size_t>(axis)), node.input(1),
                                    "holds a length that is negative or past the end of the axis to be reversed");
}

// The kernel for bytes divides by both.
CheckResult check_resize_nearest_neighbor(const LiveNode& node) {
  const Numbers<std::int32_t> size(node.constant(1));
  const bool has_none = size.any_of([](std::int32_t length) { return length <= 0; });
  return CheckResult::refuse_unless(!has_none, node.input(1), "holds a size for images that is not positive");
}

// The kernel writes whether or not the runtime could make the output as large.
CheckResult check_random(const LiveNode& node) {
  const Numbers<std::int32_t> shape(node.constant(0));
  std::int64_t bytes = sizeof(float);
  for (std::size_t i = 0; i < shape.size(); ++i) {
    if (shape[i] >= 0) bytes *= shape[i];
    if (shape[i] < 0 || bytes > kMostBytes) {
      return CheckResult::refuse(node.input(0), "holds a shape that is negative, or of more than 2 GiB");
    }
  }
  return {};
}

// The kernel weighs the sum of a row wherever its place is. The last number of a place is not used.
CheckResult check_sparse_lookup(const LiveNode& node) {
  const std::span<const int> shape = node.shape(1);
  const std::size_t rank = shape.size() == 2 ? static_cast<std::size_t>(shape[1]) : 0;
  if (rank == 0) return CheckResult::refuse(node.input(1), "holds no places, and one for each index is expected");
  const Numbers<std::int32_t> places(node.constant(1));
  const Numbers<std::int32_t> sizes(node.constant(2));
  if (sizes.size() != rank) return {};  // the kernel refuses it
  for (std::size_t i = 0; i < places.size(); ++i) {
    const std::size_t axis = i % rank;
    if (axis + 1 == rank || (places[i] >= 0 && places[i] < sizes[axis])) continue;
    return CheckResult::refuse(node.input(1), "holds a place outside of the shape after it");
  }
  return {};
}

// The kernel counts bytes in 32 bits.
CheckResult check_dilate(const LiveNode& node) {
  if (node.type(1) != ElementType::int32) return {};  // the kernel refuses it
  const std::span<const int> shape = node.shape(0);
  const Numbers<std::int32_t> dilations(node.constant(1));
  if (dilations.size() != shape.size()) return {};  // likewise
  if (is_empty(shape)) return CheckResult::refuse(node.input(0), "is empty, and values to move apart are expected");
  std::int64_t bytes = static_cast<std::int64_t>(byte_size(node.type(0), {}).value_or(1));
  for (std::size_t i = shape.size(); i-- > 0;) {
    const std::int64_t stride = dilations[i] * bytes;
    bytes += (shape[i] - std::int64_t{1}) * std::min(stride, kMostBytes);
    if (dilations[i] < 1 || stride > kMostBytes || bytes < 0 || bytes > kMostBytes) {
      return CheckResult::refuse(node.input(1),
                                 "holds dilations that are not positive, or that make an output of more than 2 GiB");
    }
  }
  return {};
}

}  // namespace zerolite
