#include "zerolite/verification/detection_check.hpp"

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "zerolite/tensor/tensor_spec.hpp"
#include "zerolite/verification/checked_operator.hpp"
#include "zerolite/verification/flexbuffer_check.hpp"

namespace zerolite {
namespace {

using Shape = std::vector<std::int32_t>;

class DetectionCheck : CheckedOperator {
 public:
  using CheckedOperator::CheckedOperator;

  void run() const {
    constexpr std::size_t kInputs = 3;
    constexpr std::size_t kOutputs = 4;
    if (operation_.inputs.size() != kInputs || operation_.outputs.size() != kOutputs) {
      refuse("has " + std::to_string(operation_.inputs.size()) + " inputs and " +
             std::to_string(operation_.outputs.size()) + " outputs, and 3 and 4 are expected");
    }
    const std::int64_t classes = setting("num_classes");
    (void)setting("max_classes_per_detection");
    (void)setting("max_detections");
    if (flexbuffer::integer_setting(operation_.custom_options, "detections_per_class")) {
      (void)setting("detections_per_class");
    }
    check_shapes(classes);
  }

 private:
  // Kernels multiply two of them in 32 bits.
  [[nodiscard]] std::int64_t setting(const char* name) const {
    constexpr std::int64_t kMost = 1 << 15;
    const std::optional<std::int64_t> value = flexbuffer::integer_setting(operation_.custom_options, name);
    if (!value || *value < 1 || *value > kMost) {
      refuse("has " + (value ? std::to_string(*value) : std::string("nothing")) + " for its setting " + name +
             ", and 1 to " + std::to_string(kMost) + " is expected");
    }
    return *value;
  }

  // Boxes are read along with an anchor and the scores of each class, before which there may be one of the background.
  void check_shapes(std::int64_t classes) const {
    const Shape& boxes = shape_of(0, 3);
    const Shape& scores = shape_of(1, 3);
    const Shape& anchors = shape_of(2, 2);
    constexpr std::int32_t kCoordinates = 4;
    const bool fits = boxes[0] == 1 && scores[0] == 1 && boxes[1] == scores[1] && boxes[2] >= kCoordinates &&
                      (scores[2] == classes || scores[2] == classes + 1) && anchors[0] >= boxes[1] &&
                      anchors[1] == kCoordinates;
    if (!fits) {
      refuse("has boxes, scores and anchors of the shapes " + to_string(boxes) + ", " + to_string(scores) + " and " +
             to_string(anchors) + ", which don't fit one another and " + std::to_string(classes) + " classes");
    }
  }

  [[nodiscard]] const Shape& shape_of(std::size_t input, std::size_t rank) const {
    if (operation_.inputs[input] < 0) refuse("leaves out input " + std::to_string(input) + ", which it needs");
    const Shape& shape = graph_.tensor(operation_.inputs[input]).shape;
    if (shape.size() != rank) {
      refuse("has input " + std::to_string(input) + " of the shape " + to_string(shape) + ", and " +
             std::to_string(rank) + " dimensions are expected");
    }
    return shape;
  }
};

}  // namespace

void check_detection(const GraphView& graph, std::size_t index) { DetectionCheck(graph, index).run(); }

}  // namespace zerolite
