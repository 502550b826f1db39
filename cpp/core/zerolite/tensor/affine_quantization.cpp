#include "zerolite/tensor/affine_quantization.hpp"

#include <algorithm>
#include <cmath>
#include <limits>
#include <optional>
#include <type_traits>
#include <utility>

namespace zerolite {
namespace {

// Neighbours in memory that have one scale.
struct Run {
  std::size_t first;
  std::size_t count;
  float scale;
  std::int64_t zero_point;
};

// The integers of a type.
struct Limits {
  std::int64_t least;
  std::int64_t most;
};

template <typename Stored>
constexpr Limits limits_of() {
  return {std::numeric_limits<Stored>::min(), std::numeric_limits<Stored>::max()};
}

std::optional<Limits> limits_of(ElementType type) {
  switch (type) {
    case ElementType::int2:
      return Limits{-2, 1};
    case ElementType::int4:
      return Limits{-8, 7};
    case ElementType::uint4:
      return Limits{0, 15};
    case ElementType::int8:
      return limits_of<std::int8_t>();
    case ElementType::uint8:
      return limits_of<std::uint8_t>();
    case ElementType::int16:
      return limits_of<std::int16_t>();
    case ElementType::uint16:
      return limits_of<std::uint16_t>();
    case ElementType::int32:
      return limits_of<std::int32_t>();
    default:
      return std::nullopt;
  }
}

template <typename Visit>
void for_each_run(const Quantization& quantization, std::span<const std::int32_t> shape, std::size_t elements,
                  Visit&& visit) {
  const std::size_t slices = quantization.scales.size();
  if (slices == 1) {
    visit(Run{0, elements, quantization.scales.front(), quantization.zero_points.front()});
    return;
  }
  std::size_t length = 1;
  for (const std::int32_t size : shape.subspan(static_cast<std::size_t>(quantization.axis) + 1)) {
    length *= static_cast<std::size_t>(size);
  }
  for (std::size_t first = 0, slice = 0; first < elements; first += length, slice = (slice + 1) % slices) {
    visit(Run{first, length, quantization.scales[slice], quantization.zero_points[slice]});
  }
}

// To the nearest integer, halves away from zero. The quotient is not so far from the type's range that this overflows,
// and what is lost by cutting it off is exact: a float below 2^23 has the bits for its fraction, and one above has
// none.
template <typename Wide, typename Real>
Wide rounded(Real quotient) {
  const auto whole = static_cast<Wide>(quotient);
  const Real rest = quotient - static_cast<Real>(whole);
  return whole + static_cast<Wide>(rest >= Real(0.5)) - static_cast<Wide>(rest <= Real(-0.5));
}

template <typename Stored>
void quantize_run(const float* real, Stored* stored, const Run& run, Limits limits) {
  // Numbers of 32 bits are enough for narrow types, and several of them are computed at once.
  constexpr bool kNarrow = sizeof(Stored) < 4;
  using Wide = std::conditional_t<kNarrow, std::int32_t, std::int64_t>;
  using Real = std::conditional_t<kNarrow, float, double>;
  const auto zero_point = static_cast<Wide>(run.zero_point);
  const auto least = static_cast<Real>(static_cast<Wide>(limits.least) - zero_point);
  const auto most = static_cast<Real>(static_cast<Wide>(limits.most) - zero_point);
  for (std::size_t i = 0; i < run.count; ++i) {
    const Real quotient = std::min(std::max(static_cast<Real>(real[i] / run.scale), least), most);
    stored[i] = static_cast<Stored>(rounded<Wide>(quotient) + zero_point);
  }
}

template <typename Visit>
void with_type(ElementType type, Visit&& visit) {
  switch (type) {
    case ElementType::int2:
    case ElementType::int4:
    case ElementType::int8:
      return visit(std::int8_t{});
    case ElementType::uint4:
    case ElementType::uint8:
      return visit(std::uint8_t{});
    case ElementType::int16:
      return visit(std::int16_t{});
    case ElementType::uint16:
      return visit(std::uint16_t{});
    default:
      return visit(std::int32_t{});
  }
}

bool holds_nan(std::span<const float> real) {
  bool nan = false;
  for (const float value : real) nan |= value != value;
  return nan;
}

}  // namespace

bool can_be_quantized(ElementType type, const Quantization& quantization, std::span<const std::int32_t> shape) {
  if (!limits_of(type)) return false;
  const std::size_t slices = quantization.scales.size();
  const auto is_scale = [](float scale) { return std::isfinite(scale) && scale > 0; };
  const auto is_zero_point = [](std::int64_t zero_point) {
    return zero_point >= std::numeric_limits<std::int32_t>::min() / 2 &&
           zero_point <= std::numeric_limits<std::int32_t>::max() / 2;
  };
  if (slices == 0 || quantization.zero_points.size() != slices || !std::ranges::all_of(quantization.scales, is_scale) ||
      !std::ranges::all_of(quantization.zero_points, is_zero_point)) {
    return false;
  }
  const auto axis = static_cast<std::size_t>(quantization.axis);
  return slices == 1 || (quantization.axis >= 0 && axis < shape.size() && std::cmp_equal(shape[axis], slices));
}

bool quantize(std::span<const float> real, ElementType type, const Quantization& quantization,
              std::span<const std::int32_t> shape, std::span<std::byte> stored) {
  const std::optional<Limits> limits = limits_of(type);
  if (!limits || holds_nan(real)) return false;
  with_type(type, [&]<typename Stored>(Stored) {
    auto* const to = reinterpret_cast<Stored*>(stored.data());
    for_each_run(quantization, shape, std::min(real.size(), stored.size() / sizeof(Stored)),
                 [&](const Run& run) { quantize_run(real.data() + run.first, to + run.first, run, *limits); });
  });
  return true;
}

void dequantize(std::span<const std::byte> stored, ElementType type, const Quantization& quantization,
                std::span<const std::int32_t> shape, std::span<float> real) {
  with_type(type, [&]<typename Stored>(Stored) {
    const auto* const from = reinterpret_cast<const Stored*>(stored.data());
    for_each_run(quantization, shape, std::min(real.size(), stored.size() / sizeof(Stored)), [&](const Run& run) {
      const auto scale = static_cast<double>(run.scale);
      for (std::size_t i = run.first; i < run.first + run.count; ++i) {
        real[i] = static_cast<float>(scale * static_cast<double>(static_cast<std::int64_t>(from[i]) - run.zero_point));
      }
    });
  });
}

}  // namespace zerolite
