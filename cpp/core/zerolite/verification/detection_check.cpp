#include "zerolite/verification/detection_check.hpp"

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "zerolite/verification/flexbuffer_check.hpp"

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
void check_shapes(const CheckedOperator& operation, std::int64_t classes) {
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

}  // namespace

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
  check_shapes(operation, classes);
}

}  // namespace zerolite
