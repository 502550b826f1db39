#include "zerolite/verification/named_operator_check.hpp"

#include <algorithm>
#include <array>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "zerolite/verification/flexbuffer_check.hpp"
#include "zerolite/verification/operand_rules.hpp"

namespace zerolite {
namespace {

using Shape = std::vector<std::int32_t>;

// Kernels multiply two of them in 32 bits.
std::int64_t setting(const CheckedOperator& operation, const char* name) {
  constexpr std::int64_t kMost = 1 << 15;
  const std::optional<std::int64_t> value = flexbuffer::integer_setting(operation.details().custom_options, name);
  if (!value || *value < 1 || *value > kMost) {
    operation.refuse("has ", value ? std::to_string(*value) : std::string("nothing"), " for its setting ", name,
                     ", and 1 to ", kMost, " is expected");
  }
  return *value;
}

const Shape& shape_of(const CheckedOperator& operation, std::size_t input, std::size_t rank) {
  operation.require(operation.has_input(input), "leaves out input ", input, ", which it needs");
  const Shape& shape = operation.shape(input);
  operation.require(shape.size() == rank, "has input ", input, " of the shape ", shape, ", and ", rank,
                    " dimensions are expected");
  return shape;
}

// Boxes are read along with an anchor and the scores of each class, before which there may be one of the background.
void check_detection_shapes(const CheckedOperator& operation, std::int64_t classes) {
  const Shape& boxes = shape_of(operation, 0, 3);
  const Shape& scores = shape_of(operation, 1, 3);
  const Shape& anchors = shape_of(operation, 2, 2);
  constexpr std::int32_t kCoordinates = 4;
  const bool fits = boxes[0] == 1 && scores[0] == 1 && boxes[1] == scores[1] && boxes[2] >= kCoordinates &&
                    (scores[2] == classes || scores[2] == classes + 1) && anchors[0] >= boxes[1] &&
                    anchors[1] == kCoordinates;
  operation.require(fits, "has boxes, scores and anchors of the shapes ", boxes, ", ", scores, " and ", anchors,
                    ", which don't fit one another and ", classes, " classes");
}

void check_detection(const CheckedOperator& operation) {
  const OperatorDetails& details = operation.details();
  operation.require(details.inputs.size() == 3 && details.outputs.size() == 4, "has ", details.inputs.size(),
                    " inputs and ", details.outputs.size(), " outputs, and 3 and 4 are expected");
  const std::int64_t classes = setting(operation, "num_classes");
  (void)setting(operation, "max_classes_per_detection");
  (void)setting(operation, "max_detections");
  if (flexbuffer::integer_setting(details.custom_options, "detections_per_class")) {
    (void)setting(operation, "detections_per_class");
  }
  check_detection_shapes(operation, classes);
  for (std::size_t i = 0; i < details.outputs.size(); ++i) {
    const ElementType type = operation.output(i).type();
    operation.require(type == ElementType::float32, "has an output of ", type, ", and float32 is expected");
  }
}

// The kernel divides by the size, reads two or three dimensions, and writes as much as it reads into memory for floats.
void check_rotation(const CheckedOperator& operation) {
  const OperatorDetails& details = operation.details();
  operation.require(details.inputs.size() == 1 && details.outputs.size() == 1 && operation.has_input(0), "has ",
                    details.inputs.size(), " inputs and ", details.outputs.size(),
                    " outputs, and one each is expected");
  const Shape& shape = operation.shape(0);
  const Operand output = operation.output();
  operation.require(operation.type(0) == ElementType::float32 && output.type() == ElementType::float32,
                    "has an input of ", operation.type(0), " and an output of ", output.type(),
                    ", and float32 is expected");
  operation.require((shape.size() == 2 || shape.size() == 3) && output.shape() == shape, "has an input of the shape ",
                    shape, " and an output of the shape ", output.shape(),
                    ", and one shape of two or three dimensions is expected");
  const std::int64_t size = setting(operation, "hadamard_size");
  operation.require(std::has_single_bit(static_cast<std::uint64_t>(size)) && shape.back() % size == 0,
                    "has a hadamard_size of ", size, " for the shape ", shape,
                    ", and a power of two that divides the last dimension is expected");
}

// The kernel reads as many floats as there are values to verify.
void check_numeric_verify(const CheckedOperator& operation) {
  const OperatorDetails& details = operation.details();
  operation.require(details.inputs.size() == 2 && operation.has_input(0) && operation.has_input(1), "has ",
                    details.inputs.size(), " inputs, and 2 are expected");
  operation.require(has_one_shape(operation) && operation.type(1) == ElementType::float32,
                    "verifies an input of the shape ", operation.shape(0), " by one of ", operation.type(1),
                    " of the shape ", operation.shape(1), ", and float32 of the same shape is expected");
}

// The runtime reads both settings before it looks at the operands.
void check_spectrogram(const CheckedOperator& operation) {
  const OperatorDetails& details = operation.details();
  operation.require(details.inputs.size() == 1 && details.outputs.size() == 1 && operation.has_input(0), "has ",
                    details.inputs.size(), " inputs and ", details.outputs.size(),
                    " outputs, and one each is expected");
  (void)setting(operation, "window_size");
  (void)setting(operation, "stride");
}

constexpr std::string_view kPooling = "MaxPoolingWithArgmax2D";
constexpr std::string_view kUnpooling = "MaxUnpooling2D";

// Of both operators, the product of the sides: the fourth and fifth number of their settings, which XNNPACK takes for
// zeros where they are missing. It does not take an operator with a side of less than one.
std::int64_t window_of(std::span<const std::byte> settings) {
  constexpr std::size_t kFilterWidth = 3;
  const auto side = [&](std::size_t position) {
    std::array<std::byte, sizeof(std::int32_t)> bytes{};
    for (std::size_t i = 0; i < bytes.size() && position * bytes.size() + i < settings.size(); ++i) {
      bytes[i] = settings[position * bytes.size() + i];
    }
    return std::int64_t{std::bit_cast<std::int32_t>(bytes)};
  };
  return side(kFilterWidth) * side(kFilterWidth + 1);
}

void require_indices(const CheckedOperator& operation, const Operand& indices, const Operand& values) {
  const bool is_as_wide = byte_size(indices.type(), {}) == sizeof(std::uint32_t);
  operation.require(is_as_wide && indices.shape() == values.shape(), "has indices of ", indices.type(),
                    " of the shape ", indices.shape(), " for values of the shape ", values.shape(),
                    ", and one shape and a type of 32 bits are expected");
}

void check_pooling(const CheckedOperator& operation) {
  if (operation.details().outputs.size() != 2) return;  // XNNPACK does not take it
  require_indices(operation, operation.output(1), operation.output());
}

// XNNPACK writes each value where its index says, in a window, and takes the bits of an index of any type for a place
// without looking (2.3.0). Places are sound where they are the result of pooling, or constant.
void check_unpooling(const CheckedOperator& operation) {
  if (!operation.has_input(0) || !operation.has_input(1)) return;  // nor this
  const Operand indices = operation.input(1);
  require_indices(operation, indices, operation.input(0));
  const std::int64_t window = window_of(operation.details().custom_options);
  if (!indices.constant().empty()) {
    const bool beyond = Numbers<std::uint32_t>(indices.constant()).any_of([window](std::uint32_t index) {
      return std::cmp_greater_equal(index, window);
    });
    operation.require(!beyond, "has indices past the end of its window of ", window, " places");
    return;
  }
  const std::optional<CheckedOperator> pooling = operation.writer_of(1);
  operation.require(pooling && pooling->kind() == Operator::CUSTOM && pooling->custom_code() == kPooling &&
                        pooling->details().outputs.size() == 2 &&
                        pooling->details().outputs[1] == operation.details().inputs[1] &&
                        window_of(pooling->details().custom_options) <= window,
                    "has indices that are no constant and not those of ", kPooling, " of at most its own window of ",
                    window, " places, and they are followed unchecked");
}

// Query, key, value and mask.
constexpr std::size_t kOperands = 4;

// The fields of the schema's StableHLOCompositeOptions.
constexpr unsigned kCompositeName = 0;
constexpr unsigned kCompositeAttributes = 2;

bool is_composite(const CheckedOperator& operation) { return operation.kind() == Operator::STABLEHLO_COMPOSITE; }

bool is_attention(const CheckedOperator& operation) {
  if (operation.kind() == Operator::CUSTOM) return operation.custom_code() == kAttention;
  const OperatorOptions& options = operation.details().options_2;
  return is_composite(operation) && options.table && options.table->string(kCompositeName) == kAttention;
}

// Scale and the like, as a FlexBuffer.
std::vector<std::byte> attributes_of(const CheckedOperator& operation) {
  if (!is_composite(operation)) {
    const std::span<const std::byte> options = operation.details().custom_options;
    return {options.begin(), options.end()};
  }
  const std::optional<flatbuffer::Table>& options = operation.details().options_2.table;
  if (!options) return {};
  const auto attributes = options->scalars<std::uint8_t>(kCompositeAttributes);
  std::vector<std::byte> bytes;
  bytes.reserve(attributes.size());
  for (std::size_t i = 0; i < attributes.size(); ++i) bytes.push_back(std::byte{attributes.scalar<std::uint8_t>(i)});
  return bytes;
}

void check_attention_operand(const CheckedOperator& operation, const Operand& operand) {
  const Shape& shape = operand.shape();
  operation.require(operand.type() == ElementType::float32, "has ", operand.name(), " of the type ", operand.type(),
                    ", and float32 is expected");
  operation.require(shape.size() == 4 && !operand.is_empty(), "has ", operand.name(), " of the shape ", shape,
                    ", and four dimensions of at least 1 are expected");
}

void check_attention_shapes(const CheckedOperator& operation) {
  const auto is_known = [](std::size_t /*operand*/) { return true; };
  const Shape& query = operation.shape(0);
  operation.require(!misfit_in_attention(operation, is_known), "has query, key, value and mask of the shapes ", query,
                    ", ", operation.shape(1), ", ", operation.shape(2), " and ", operation.shape(3),
                    ", which don't fit one another");
  operation.require(operation.output().shape() == query, "has a result of the shape ", operation.output().shape(),
                    ", and that of the query, ", query, ", is expected");
}

}  // namespace

// Those that the runtime brings with it take their settings from a FlexBuffer, which it does not verify (2.3.0).
void check_custom(const CheckedOperator& operation) {
  static constexpr auto kWithFlexBuffer = std::to_array<std::string_view>(
      {"TFLite_Detection_PostProcess", "aeq.hadamard_rotation", "AudioSpectrogram", "Mfcc", "NumericVerify"});
  if (operation.custom_code() == kPooling) return check_pooling(operation);
  if (operation.custom_code() == kUnpooling) return check_unpooling(operation);
  if (std::ranges::find(kWithFlexBuffer, operation.custom_code()) == kWithFlexBuffer.end()) return;
  if (const std::optional<std::string> wrong = flexbuffer::unsound_settings(operation.details().custom_options)) {
    operation.refuse("has settings that can't be read: ", *wrong);
  }
  if (operation.custom_code() == kWithFlexBuffer[0]) check_detection(operation);
  if (operation.custom_code() == kWithFlexBuffer[1]) check_rotation(operation);
  if (operation.custom_code() == kWithFlexBuffer[2]) check_spectrogram(operation);
  if (operation.custom_code() == kWithFlexBuffer[4]) check_numeric_verify(operation);
}

void check_attention(const CheckedOperator& operation) {
  if (!is_attention(operation)) return;
  const OperatorDetails& details = operation.details();
  operation.require(details.inputs.size() == kOperands && details.outputs.size() == 1, "has ", details.inputs.size(),
                    " inputs and ", details.outputs.size(),
                    " outputs, and 4 (query, key, value and mask) and 1 are expected");
  for (std::size_t i = 0; i < kOperands; ++i) {
    operation.require(operation.has_input(i), "leaves out input ", i, ", which it needs");
    check_attention_operand(operation, operation.input(i));
  }
  check_attention_operand(operation, operation.output());
  check_attention_shapes(operation);
  if (const std::optional<std::string> wrong = flexbuffer::unsound_settings(attributes_of(operation))) {
    operation.refuse("has attributes that can't be read: ", *wrong);
  }
}

}  // namespace zerolite
