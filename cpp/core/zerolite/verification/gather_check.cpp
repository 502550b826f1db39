#include "zerolite/verification/gather_check.hpp"

#include <algorithm>
#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "zerolite/tensor/tensor_spec.hpp"
#include "zerolite/verification/checked_operator.hpp"

namespace zerolite {
namespace {

using Axes = std::vector<std::int64_t>;

// The names are those of StableHLO's specification.
class GatherCheck : CheckedOperator {
 public:
  using CheckedOperator::CheckedOperator;

  void run() const {
    const flatbuffer::Table table = options();
    const std::vector<std::int32_t>& operand = graph_.tensor(operation_.inputs[0]).shape;
    const std::vector<std::int32_t>& indices = graph_.tensor(operation_.inputs[1]).shape;
    const std::size_t rank = operand.size();
    const std::size_t result_rank = graph_.tensor(operation_.outputs[0]).shape.size();

    const Axes offset_dims = numbers(table, 0);
    const Axes collapsed_dims = numbers(table, 1);
    const Axes index_map = numbers(table, 2);
    const auto vector_dim = table.scalar<std::int64_t>(3, 0);
    const Axes slice_sizes = numbers(table, 4);
    require_axes("offset_dims", offset_dims, result_rank);
    require_axes("collapsed_slice_dims", collapsed_dims, rank);
    require_axes("start_index_map", index_map, rank);
    if (offset_dims.size() + collapsed_dims.size() != rank) {
      refuse("has " + std::to_string(offset_dims.size()) + " offset_dims and " + std::to_string(collapsed_dims.size()) +
             " collapsed_slice_dims, and together " + std::to_string(rank) + " are expected");
    }
    if (vector_dim < 0 || std::cmp_greater(vector_dim, indices.size())) {
      refuse("has an index_vector_dim of " + std::to_string(vector_dim) + " for indices of the shape " +
             to_string(indices));
    }
    const bool has_vectors = std::cmp_less(vector_dim, indices.size());
    const std::int64_t length = has_vectors ? indices[static_cast<std::size_t>(vector_dim)] : 1;
    if (std::cmp_not_equal(index_map.size(), length)) {
      refuse("has a start_index_map of " + std::to_string(index_map.size()) + " axes, and " + std::to_string(length) +
             " are expected");
    }
    if (offset_dims.size() + indices.size() - (has_vectors ? 1 : 0) != result_rank) {
      refuse("has an output of " + std::to_string(result_rank) + " dimensions, which its attributes don't give");
    }
    const bool fits = std::ranges::equal(
        slice_sizes, operand, [](std::int64_t size, std::int32_t dimension) { return size >= 0 && size <= dimension; });
    if (!fits) refuse("has slice_sizes that don't lie in its input of the shape " + to_string(operand));
  }

 private:
  [[nodiscard]] static Axes numbers(const flatbuffer::Table& table, unsigned field) {
    const flatbuffer::Vector vector = table.scalars<std::int64_t>(field);
    Axes result(vector.size());
    for (std::size_t i = 0; i < result.size(); ++i) result[i] = vector.scalar<std::int64_t>(i);
    return result;
  }

  void require_axes(const std::string& name, const Axes& axes, std::size_t rank) const {
    Axes sorted = axes;
    std::ranges::sort(sorted);
    const bool distinct = std::ranges::adjacent_find(sorted) == sorted.end();
    const bool in_range = sorted.empty() || (sorted.front() >= 0 && std::cmp_less(sorted.back(), rank));
    if (!distinct || !in_range) {
      refuse("has " + name + " that are not different axes from 0 to " + std::to_string(rank) + ", exclusive");
    }
  }
};

}  // namespace

void check_gather(const GraphView& graph, std::size_t index) { GatherCheck(graph, index).run(); }

}  // namespace zerolite
