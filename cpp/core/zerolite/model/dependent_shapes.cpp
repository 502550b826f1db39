#include "zerolite/model/dependent_shapes.hpp"

#include <algorithm>
#include <cstddef>
#include <initializer_list>
#include <vector>

#include "zerolite/model/operators.hpp"

namespace zerolite {
namespace {

using Tensors = std::set<std::int32_t>;

// The inputs whose values decide how large the outputs are; of WHERE and its kind, which count, all of them.
std::vector<std::size_t> deciding_inputs(Operator kind) {
  switch (kind) {
    case Operator::CONV_3D_TRANSPOSE:
    case Operator::FILL:
    case Operator::RANDOM_STANDARD_NORMAL:
    case Operator::RANDOM_UNIFORM:
    case Operator::SPLIT:
    case Operator::STABLEHLO_RNG_BIT_GENERATOR:
    case Operator::TRANSPOSE_CONV:
    case Operator::UNIQUE:
    case Operator::WHERE:
      return {0};
    case Operator::ARG_MAX:
    case Operator::ARG_MIN:
    case Operator::BROADCAST_TO:
    case Operator::DILATE:
    case Operator::EXPAND_DIMS:
    case Operator::MEAN:
    case Operator::MIRROR_PAD:
    case Operator::MULTINOMIAL:
    case Operator::ONE_HOT:
    case Operator::PAD:
    case Operator::PADV2:
    case Operator::REDUCE_ALL:
    case Operator::REDUCE_ANY:
    case Operator::REDUCE_MAX:
    case Operator::REDUCE_MIN:
    case Operator::REDUCE_PROD:
    case Operator::RESHAPE:
    case Operator::RESIZE_BILINEAR:
    case Operator::RESIZE_NEAREST_NEIGHBOR:
    case Operator::RFFT2D:
    case Operator::SEGMENT_SUM:
    case Operator::SPARSE_TO_DENSE:
    case Operator::SUM:
    case Operator::TILE:
    case Operator::TOPK_V2:
    case Operator::TRANSPOSE:
      return {1};
    case Operator::BATCH_TO_SPACE_ND:
    case Operator::SLICE:
    case Operator::SPACE_TO_BATCH_ND:
    case Operator::SPLIT_V:
    case Operator::UNSORTED_SEGMENT_MAX:
    case Operator::UNSORTED_SEGMENT_MIN:
    case Operator::UNSORTED_SEGMENT_PROD:
    case Operator::UNSORTED_SEGMENT_SUM:
      return {1, 2};
    case Operator::SCATTER_ND:
    case Operator::NON_MAX_SUPPRESSION_V4:
    case Operator::NON_MAX_SUPPRESSION_V5:
      return {2};
    case Operator::RANGE:
      return {0, 1, 2};
    case Operator::REDUCE_WINDOW:
    case Operator::STRIDED_SLICE:
      return {1, 2, 3};
    default:
      return {};
  }
}

bool gives_shape_alone(Operator kind) { return kind == Operator::SHAPE || kind == Operator::RANK; }

}  // namespace

std::set<std::int32_t> tensors_of_dependent_shape(const SubgraphView& graph, ShapeSources sources) {
  Tensors values(graph.description.inputs.begin(), graph.description.inputs.end());
  Tensors shapes;
  for (std::size_t i = 0; i < graph.details.operators.size(); ++i) {
    const OperatorDetails& operation = graph.details.operators[i];
    const Operator kind = kind_of(graph.operator_code(i));
    const auto any_of = [&](const Tensors& known) {
      return std::ranges::any_of(operation.inputs, [&](std::int32_t input) { return known.contains(input); });
    };
    const auto decides = [&](std::size_t position) {
      return position < operation.inputs.size() && values.contains(operation.inputs[position]);
    };
    const bool has_dependent_shape = any_of(shapes) || std::ranges::any_of(deciding_inputs(kind), decides);
    const bool shape_counts = has_dependent_shape || sources == ShapeSources::shapes_too;
    const bool has_dependent_values =
        gives_shape_alone(kind) ? shape_counts : operation.inputs.empty() || any_of(values) || any_of(shapes);
    for (const std::int32_t output : operation.outputs) {
      if (has_dependent_shape && !gives_shape_alone(kind)) shapes.insert(output);
      // What is read from a variable was computed by another run, and comes through a reference that has no inputs.
      if (has_dependent_values) values.insert(output);
    }
  }
  return shapes;
}

}  // namespace zerolite
