#include "zerolite/verification/tensor_check.hpp"

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <limits>
#include <optional>
#include <sstream>
#include <string>
#include <utility>

#include "zerolite/platform/error.hpp"
#include "zerolite/tensor/string_tensor.hpp"
#include "zerolite/tensor/tensor_spec.hpp"
#include "zerolite/verification/refusal.hpp"
#include "zerolite/verification/sparsity_check.hpp"

namespace zerolite {
namespace {

// The values that a quantized tensor of this type can hold, where the runtime relies on zero points being among them.
std::optional<std::pair<std::int32_t, std::int32_t>> range_of(ElementType type) {
  switch (type) {
    case ElementType::int2:
      return {{-2, 1}};
    case ElementType::int4:
      return {{-8, 7}};
    case ElementType::uint4:
      return {{0, 15}};
    case ElementType::int8:
      return {{-128, 127}};
    case ElementType::uint8:
      return {{0, 255}};
    case ElementType::int16:
      return {{std::numeric_limits<std::int16_t>::min(), std::numeric_limits<std::int16_t>::max()}};
    case ElementType::uint16:
      return {{0, std::numeric_limits<std::uint16_t>::max()}};
    default:
      return std::nullopt;
  }
}

std::string in_words(float number) {
  std::ostringstream words;
  words << number;
  return words.str();
}

class TensorCheck : public Refusing<TensorCheck> {
 public:
  TensorCheck(const SubgraphView& graph, std::size_t index)
      : graph_(graph),
        index_(index),
        tensor_(graph.description.tensors[index]),
        details_(graph.details.tensors[index]) {}

  void run() const {
    check_shape();
    check_values();
    if (details_.blockwise) check_blocks(*details_.blockwise);
    // The runtime takes the first scale when there is a zero point, whether or not there is one (2.3.0).
    if (!details_.scales.empty() || !details_.zero_points.empty()) check_scales();
  }

  [[nodiscard]] std::string who() const { return graph_.name_of_tensor(index_) + " "; }

 private:
  void check_shape() const {
    const bool negative = std::ranges::any_of(tensor_.shape, [](std::int32_t dimension) { return dimension < 0; });
    require(!negative, "has a negative dimension in its shape ", tensor_.shape);
    // What has no size of its own takes at least the memory of a reference.
    const ElementType type = bits_of(tensor_.type) ? tensor_.type : ElementType::int64;
    require(byte_size(type, tensor_.shape).has_value(), "has the shape ", tensor_.shape, ", which is no possible size");
  }

  void check_values() const {
    require(details_.external_buffer == 0,
            "keeps its values in another file, and a model is loaded from one file; store them in the model");
    if (details_.constant.empty()) return;
    require(!details_.is_variable, "is a variable and has constant values; it can be one of them");
    if (tensor_.type == ElementType::string) {
      check_strings();
    } else if (const std::optional<std::size_t> size = stored_size(); size && details_.constant.size() < *size) {
      refuse("takes ", *size, " bytes, and its buffer holds ", details_.constant.size());
    }
  }

  [[nodiscard]] std::optional<std::size_t> stored_size() const {
    if (!details_.sparsity) return byte_size(tensor_.type, tensor_.shape);
    const std::size_t values = count_stored_values(*details_.sparsity, tensor_.shape, who());
    const std::optional<std::size_t> bits = bits_of(tensor_.type);
    if (!bits) refuse("is sparse, and its type has no such form");
    return (values * *bits + 7) / 8;
  }

  void check_strings() const {
    std::size_t count = 0;
    try {
      count = string_tensor::decode(details_.constant).size();
    } catch (const InvalidModelError&) {
      throw;
    } catch (const Error& error) {
      refuse("has strings that can't be read: ", error.what());
    }
    const std::size_t expected = byte_size(ElementType::int8, tensor_.shape).value_or(0);
    require(count == expected, "has ", expected, " strings by its shape, and stores ", count);
  }

  void check_scales() const {
    const std::size_t scales = details_.scales.size();
    require(details_.zero_points.size() == scales, "has ", scales, " scales and ", details_.zero_points.size(),
            " zero points, and as many are expected");
    const std::int32_t axis = details_.quantized_dimension;
    require(axis >= 0 && (tensor_.shape.empty() || static_cast<std::size_t>(axis) < tensor_.shape.size()),
            "is quantized along axis ", axis, " of its shape ", tensor_.shape);
    if (scales > 1) {
      const std::size_t expected =
          tensor_.shape.empty() ? 1 : static_cast<std::size_t>(tensor_.shape[static_cast<std::size_t>(axis)]);
      require(scales == expected, "has ", scales, " scales, and 1 or ", expected, " are expected, the size of axis ",
              axis);
    }
    const auto range = range_of(tensor_.type);
    if (!range) return;
    // Converters give constants that are zero throughout a scale of zero. Beyond the limits kernels divide by what has
    // become zero, or multiply to infinity.
    const bool may_be_zero = !details_.constant.empty();
    constexpr float kLargest = 1e30F;
    for (const float scale : details_.scales) {
      const bool sound = scale == 0 ? may_be_zero : std::isnormal(scale) && scale > 0 && scale <= kLargest;
      if (!sound) refuse("has the scale ", in_words(scale), ", and a positive number is expected (1.2e-38 to 1e30)");
    }
    for (const std::int32_t zero_point : details_.zero_points) {
      require(zero_point >= range->first && zero_point <= range->second, "has the zero point ", zero_point,
              ", which is no ", tensor_.type);
    }
  }

  void check_blocks(const BlockwiseQuantization& blocks) const {
    require(blocks.block_size > 0, "is quantized in blocks of ", blocks.block_size,
            " values, and at least 1 is expected");
    require(graph_.has_tensor(blocks.scales), "has its scales in a tensor that does not exist");
    require(blocks.zero_points == -1 || graph_.has_tensor(blocks.zero_points),
            "has its zero points in a tensor that does not exist");
    const auto elements = [](const TensorDescription& tensor) { return byte_size(ElementType::int8, tensor.shape); };
    const std::size_t values = elements(tensor_).value_or(0);
    const std::size_t scales = elements(graph_.tensor(blocks.scales)).value_or(0);
    require(!graph_.tensor_details(blocks.scales).constant.empty() &&
                scales * static_cast<std::size_t>(blocks.block_size) >= values,
            "has ", values, " values in blocks of ", blocks.block_size, ", and too few scales for them");
  }

  const SubgraphView& graph_;
  std::size_t index_;
  const TensorDescription& tensor_;
  const TensorDetails& details_;
};

}  // namespace

void check_tensor(const SubgraphView& graph, std::size_t index) { TensorCheck(graph, index).run(); }

}  // namespace zerolite
