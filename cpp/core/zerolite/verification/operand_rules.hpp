// What kernels rely on in their operands, for an operator of a file and for a node that is about to run alike. Each of
// them has words of its own for what breaks a rule, since a file names shapes and values, and a run takes no memory.
#pragma once

#include <algorithm>
#include <concepts>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <optional>
#include <span>
#include <string_view>

#include "zerolite/tensor/element_type.hpp"

namespace zerolite {

using ShapeView = std::span<const std::int32_t>;

// The inputs of an operator, by position.
template <typename Inputs>
concept Operands = requires(const Inputs& inputs, std::size_t position) {
  { inputs.shape(position) } -> std::convertible_to<ShapeView>;
  { inputs.type(position) } -> std::same_as<ElementType>;
  // The bytes of its values; none where only a run tells.
  { inputs.constant(position) } -> std::same_as<std::span<const std::byte>>;
};

// Values that need not be aligned.
template <typename Number>
class Numbers {
 public:
  explicit Numbers(std::span<const std::byte> bytes) : bytes_(bytes) {}

  [[nodiscard]] std::size_t size() const { return bytes_.size() / sizeof(Number); }
  Number operator[](std::size_t index) const {
    Number number;
    std::memcpy(&number, bytes_.data() + index * sizeof number, sizeof number);
    return number;
  }

  template <typename Predicate>
  [[nodiscard]] bool any_of(const Predicate& holds) const {
    for (std::size_t i = 0; i < size(); ++i) {
      if (holds((*this)[i])) return true;
    }
    return false;
  }

 private:
  std::span<const std::byte> bytes_;
};

// Calls with the values of either type of integer that indices and sizes have, which is that of the first input.
template <Operands Inputs, typename Judge, typename... Positions>
auto judge_integers(const Inputs& inputs, const Judge& judge, std::size_t first, Positions... others) {
  const auto judge_as = [&]<typename Number>(Number /*type*/) {
    return judge(Numbers<Number>(inputs.constant(first)),
                 Numbers<Number>(inputs.constant(static_cast<std::size_t>(others)))...);
  };
  return inputs.type(first) == ElementType::int64 ? judge_as(std::int64_t{}) : judge_as(std::int32_t{});
}

inline bool is_empty(ShapeView shape) { return std::ranges::find(shape, 0) != shape.end(); }

template <Operands Inputs>
bool has_rank(const Inputs& inputs, std::size_t least, std::size_t most) {
  const std::size_t rank = ShapeView(inputs.shape(0)).size();
  return rank >= least && rank <= most;
}

// Of the first two; kernels read as much of the second input as the first one has.
template <Operands Inputs>
bool has_one_shape(const Inputs& inputs) {
  return std::ranges::equal(ShapeView(inputs.shape(0)), ShapeView(inputs.shape(1)));
}

// Kernels that walk along two shapes, or three, that are broadcast have room for so many (LiteRT 2.3.0).
inline constexpr std::size_t kMostBroadcastDimensions = 8;

// As many values are taken from the second input as the matrices of the first have on their diagonals.
template <Operands Inputs>
bool has_diagonals(const Inputs& inputs) {
  const ShapeView matrices = inputs.shape(0);
  const ShapeView diagonals = inputs.shape(1);
  if (matrices.size() < 2 || diagonals.size() != matrices.size() - 1) return false;
  const std::size_t batch = matrices.size() - 2;
  return std::ranges::equal(diagonals.first(batch), matrices.first(batch)) &&
         diagonals.back() == std::min(matrices[batch], matrices[batch + 1]);
}

// The first of the lengths, in the second input, that is negative or past the end of the axis to be reversed. The
// kernel looks at one of them only.
template <Operands Inputs>
std::optional<std::int64_t> impossible_length(const Inputs& inputs, std::size_t axis) {
  const std::int32_t most = ShapeView(inputs.shape(0))[axis];
  const auto find = [&](auto lengths) -> std::optional<std::int64_t> {
    for (std::size_t i = 0; i < lengths.size(); ++i) {
      if (lengths[i] < 0 || lengths[i] > most) return lengths[i];
    }
    return std::nullopt;
  };
  return judge_integers(inputs, find, 1);
}

// Of shapes that are the values of two inputs, of which the last dimensions stand for one another: they are the same,
// or one of them is 1. The kernel ends the process over others, while it is prepared if they are constant.
template <Operands Inputs>
bool can_be_broadcast(const Inputs& inputs) {
  const auto fit = [](auto left, auto right) {
    for (std::size_t i = 1; i <= std::min(left.size(), right.size()); ++i) {
      const auto one = left[left.size() - i];
      const auto other = right[right.size() - i];
      if (one != other && one != 1 && other != 1) return false;
    }
    return true;
  };
  return judge_integers(inputs, fit, 0, 1);
}

// Scaled dot product attention, as the name of a custom operator or of a StableHLO composite.
inline constexpr std::string_view kAttention = "odml.scaled_dot_product_attention";

// The first of its four operands that does not fit those before it: query (batch, time, heads, depth); key and value
// (batch, length, key heads, depth); mask (batch or 1, heads or 1, time or 1, length). `is_known` says of which
// operands the shape is known. XNNPACK believes them.
template <Operands Inputs, typename IsKnown>
std::optional<std::size_t> misfit_in_attention(const Inputs& inputs, const IsKnown& is_known) {
  constexpr std::size_t kQuery = 0;
  constexpr std::size_t kKey = 1;
  constexpr std::size_t kValue = 2;
  constexpr std::size_t kMask = 3;
  const auto shape = [&](std::size_t operand) { return ShapeView(inputs.shape(operand)); };
  const auto are_known = [&](std::size_t one, std::size_t other) { return is_known(one) && is_known(other); };
  const auto is_broadcast = [](std::int32_t size, std::int32_t of) { return size == of || size == 1; };
  for (std::size_t i = kQuery; i <= kMask; ++i) {
    if (is_known(i) && (shape(i).size() != 4 || is_empty(shape(i)))) return i;
  }
  const auto is_for = [&](ShapeView query, ShapeView other) {
    return other[0] == query[0] && other[3] == query[3] && query[2] % other[2] == 0;
  };
  for (const std::size_t operand : {kKey, kValue}) {
    if (are_known(kQuery, operand) && !is_for(shape(kQuery), shape(operand))) return operand;
  }
  if (are_known(kKey, kValue) && !std::ranges::equal(shape(kKey), shape(kValue))) return kValue;
  if (are_known(kQuery, kMask)) {
    const ShapeView query = shape(kQuery);
    const ShapeView mask = shape(kMask);
    if (!is_broadcast(mask[0], query[0]) || !is_broadcast(mask[1], query[2]) || !is_broadcast(mask[2], query[1])) {
      return kMask;
    }
  }
  for (const std::size_t operand : {kKey, kValue}) {
    if (are_known(operand, kMask) && shape(kMask)[3] != shape(operand)[1]) return kMask;
  }
  return std::nullopt;
}

}  // namespace zerolite
