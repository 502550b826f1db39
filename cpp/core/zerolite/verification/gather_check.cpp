#include "zerolite/verification/gather_check.hpp"

#include <algorithm>
#include <cstdint>
#include <string>
#include <utility>
#include <vector>

namespace zerolite {
namespace {

using Axes = std::vector<std::int64_t>;

Axes numbers(const flatbuffer::Table& table, unsigned field) {
  const flatbuffer::Vector vector = table.scalars<std::int64_t>(field);
  Axes result(vector.size());
  for (std::size_t i = 0; i < result.size(); ++i) result[i] = vector.scalar<std::int64_t>(i);
  return result;
}

void require_axes(const CheckedOperator& operation, const std::string& name, Axes axes, std::size_t rank) {
  std::ranges::sort(axes);
  const bool distinct = std::ranges::adjacent_find(axes) == axes.end();
  const bool in_range = axes.empty() || (axes.front() >= 0 && std::cmp_less(axes.back(), rank));
  operation.require(distinct && in_range, "has ", name, " that are not different axes from 0 to ", rank, ", exclusive");
}

}  // namespace

// The names are those of StableHLO's specification.
void check_gather(const CheckedOperator& operation) {
  const flatbuffer::Table table = operation.options();
  const std::vector<std::int32_t>& operand = operation.shape(0);
  const std::vector<std::int32_t>& indices = operation.shape(1);
  const std::size_t rank = operand.size();
  const std::size_t result_rank = operation.output().shape().size();

  const Axes offset_dims = numbers(table, 0);
  const Axes collapsed_dims = numbers(table, 1);
  const Axes index_map = numbers(table, 2);
  const auto vector_dim = table.scalar<std::int64_t>(3, 0);
  const Axes slice_sizes = numbers(table, 4);
  require_axes(operation, "offset_dims", offset_dims, result_rank);
  require_axes(operation, "collapsed_slice_dims", collapsed_dims, rank);
  require_axes(operation, "start_index_map", index_map, rank);
  operation.require(offset_dims.size() + collapsed_dims.size() == rank, "has ", offset_dims.size(), " offset_dims and ",
                    collapsed_dims.size(), " collapsed_slice_dims, and together ", rank, " are expected");
  operation.require(vector_dim >= 0 && std::cmp_less_equal(vector_dim, indices.size()), "has an index_vector_dim of ",
                    vector_dim, " for indices of the shape ", indices);
  const bool has_vectors = std::cmp_less(vector_dim, indices.size());
  const std::int64_t length = has_vectors ? indices[static_cast<std::size_t>(vector_dim)] : 1;
  operation.require(std::cmp_equal(index_map.size(), length), "has a start_index_map of ", index_map.size(),
                    " axes, and ", length, " are expected");
  operation.require(offset_dims.size() + indices.size() - (has_vectors ? 1 : 0) == result_rank, "has an output of ",
                    result_rank, " dimensions, which its attributes don't give");
  const bool fits = std::ranges::equal(
      slice_sizes, operand, [](std::int64_t size, std::int32_t dimension) { return size >= 0 && size <= dimension; });
  operation.require(fits, "has slice_sizes that don't lie in its input of the shape ", operand);
}

}  // namespace zerolite
