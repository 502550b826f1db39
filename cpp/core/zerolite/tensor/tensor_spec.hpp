// What there is to know about a tensor besides its values.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "zerolite/tensor/element_type.hpp"

namespace zerolite {

// real value = scale * (stored value - zero point), per tensor or per slice along `axis`.
struct Quantization {
  std::vector<float> scales;
  std::vector<std::int64_t> zero_points;
  std::int32_t axis = 0;
};

struct TensorSpec {
  std::string name;
  ElementType type = ElementType::none;
  std::vector<std::int32_t> shape;
  // The shape as the model was converted, with -1 for each dimension that may be resized.
  std::vector<std::int32_t> shape_signature;
  std::optional<Quantization> quantization;
};

// "(1, 28, 28, 1)", as Python writes a shape.
std::string to_string(const std::vector<std::int32_t>& shape);

}  // namespace zerolite
