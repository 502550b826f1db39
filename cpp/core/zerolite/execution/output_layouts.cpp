#include "zerolite/execution/output_layouts.hpp"

#include <algorithm>
#include <iterator>

#include "zerolite/runtime/status.hpp"

namespace zerolite {
namespace {

// The call writes all dimensions of a tensor, even past the end of its layout, which has room for 8 (LiteRT 2.3.0). So
// there are spare layouts behind the last one.
constexpr std::size_t kSpareLayouts = 8;

}  // namespace

OutputLayouts::OutputLayouts(const CompiledSignature& signature)
    : signature_(&signature), layouts_(signature.subgraph.outputs.size() + kSpareLayouts) {}

abi::Status OutputLayouts::ask(bool prepare) {
  return guarded([&] {
    return runtime().GetCompiledModelOutputTensorLayouts(signature_->compiled, signature_->index,
                                                         layouts_.size() - kSpareLayouts, layouts_.data(), prepare);
  });
}

std::vector<std::int32_t> OutputLayouts::shape(std::size_t output) const {
  const abi::Layout& layout = layouts_[output];
  const std::size_t rank = std::min<std::size_t>(layout.rank, abi::kTensorMaxRank);
  const auto* const begin = std::begin(layout.dimensions);
  return {begin, std::next(begin, static_cast<std::ptrdiff_t>(rank))};
}

}  // namespace zerolite
