#include "zerolite/verification/sparsity_check.hpp"

#include <algorithm>
#include <cstddef>
#include <utility>
#include <vector>

#include "zerolite/verification/refusal.hpp"

namespace zerolite {
namespace {

// The dimensions of a sparse tensor in the order in which they are stored: its own, and then those within its blocks.
class Levels : public Refusing<Levels> {
 public:
  Levels(const Sparsity& sparsity, std::span<const std::int32_t> shape, const std::string& who)
      : sparsity_(sparsity),
        shape_(shape),
        who_(who),
        blocks_(sparsity.block_map.value_or(std::vector<std::int32_t>())) {
    const std::size_t levels = shape.size() + blocks_.size();
    require(!shape.empty() && sparsity.traversal_order.size() == levels && sparsity.dimensions.size() == levels,
            "lists ", sparsity.dimensions.size(), " dimensions in an order of ", sparsity.traversal_order.size(),
            ", and ", levels, " are expected of each");
    require_permutation(0, shape.size());
    require_permutation(shape.size(), levels);
    split_blocks();
  }

  [[nodiscard]] std::string who() const { return who_ + "is sparse, and "; }
  [[nodiscard]] std::size_t count() const {
    std::size_t positions = 1;
    for (std::size_t level = 0; level < sparsity_.dimensions.size(); ++level) positions = descend(level, positions);
    return positions;
  }

 private:
  void require_permutation(std::size_t first, std::size_t last) const {
    std::vector<bool> seen(last - first);
    for (std::size_t level = first; level < last; ++level) {
      const auto dimension = static_cast<std::size_t>(sparsity_.traversal_order[level]);
      require(dimension >= first && dimension < last && !seen[dimension - first], "its traversal order ",
              sparsity_.traversal_order, " names no order of its dimensions");
      seen[dimension - first] = true;
    }
  }

  // The sizes that each dimension has left outside of its blocks, and each block within.
  void split_blocks() {
    sizes_.assign(shape_.begin(), shape_.end());
    for (std::size_t block = 0; block < blocks_.size(); ++block) {
      const auto dimension = static_cast<std::size_t>(blocks_[block]);
      require(dimension < shape_.size() && (block == 0 || blocks_[block] > blocks_[block - 1]), "its block map ",
              blocks_, " does not name its dimensions in order");
      // The dimension within the block is stored at this level, which the runtime reads the other way round as well.
      const std::size_t level = shape_.size() + block;
      const auto stored = static_cast<std::size_t>(sparsity_.traversal_order[level]);
      const DimensionMetadata& inner = sparsity_.dimensions[stored];
      require(!inner.sparse && inner.dense_size > 0 && shape_[dimension] % inner.dense_size == 0 &&
                  std::cmp_equal(sparsity_.traversal_order[stored], level),
              "its dimension ", dimension, " of size ", shape_[dimension], " does not divide into blocks of ",
              inner.dense_size);
      sizes_[dimension] /= inner.dense_size;
      sizes_.push_back(inner.dense_size);
    }
  }

  // How many positions there are on a level, below those of the level before.
  [[nodiscard]] std::size_t descend(std::size_t level, std::size_t parents) const {
    const DimensionMetadata& dimension = sparsity_.dimensions[level];
    const std::int32_t size = sizes_[static_cast<std::size_t>(sparsity_.traversal_order[level])];
    if (!dimension.sparse) {
      require(dimension.dense_size == size, "stores ", dimension.dense_size, " of a dimension of size ", size);
      return parents * static_cast<std::size_t>(size);
    }
    const std::vector<std::int32_t>& segments = dimension.segments;
    const std::vector<std::int32_t>& indices = dimension.indices;
    const bool sound = segments.size() == parents + 1 && segments.front() == 0 && std::ranges::is_sorted(segments) &&
                       static_cast<std::size_t>(segments.back()) == indices.size();
    require(sound, "level ", level, " of it has ", segments.size(), " segment ends, which do not rise from 0 to its ",
            indices.size(), " indices over ", parents, " segments");
    for (const std::int32_t index : indices) {
      require(index >= 0 && index < size, "an index of it is ", index, " in a dimension of size ", size);
    }
    return indices.size();
  }

  const Sparsity& sparsity_;
  std::span<const std::int32_t> shape_;
  const std::string& who_;
  std::vector<std::int32_t> blocks_;
  std::vector<std::int32_t> sizes_;
};

}  // namespace

std::size_t count_stored_values(const Sparsity& sparsity, std::span<const std::int32_t> shape, const std::string& who) {
  return Levels(sparsity, shape, who).count();
}

}  // namespace zerolite
