#include "zerolite/execution/output_layouts.hpp"

#include <algorithm>
#include <cstddef>
#include <iterator>

#include "zerolite/runtime/status.hpp"

namespace zerolite {

OutputLayouts OutputLayouts::ask(const CompiledSignature& signature, bool prepare) {
  const std::size_t count = signature.subgraph.outputs.size();
  // The call writes all dimensions of a tensor, even past the end of its layout, which has room for 8 (LiteRT 2.3.0).
  // So there are spare layouts behind the last one.
  constexpr std::size_t kSpareLayouts = 8;
  std::vector<abi::Layout> layouts(count + kSpareLayouts);
  OutputLayouts answer;
  answer.status = guarded([&] {
    return runtime().GetCompiledModelOutputTensorLayouts(signature.compiled, signature.index, count, layouts.data(),
                                                         prepare);
  });
  for (std::size_t i = 0; i < count; ++i) {
    const std::size_t rank = std::min<std::size_t>(layouts[i].rank, abi::kTensorMaxRank);
    answer.shapes.emplace_back(std::begin(layouts[i].dimensions),
                               std::next(std::begin(layouts[i].dimensions), static_cast<std::ptrdiff_t>(rank)));
  }
  return answer;
}

}  // namespace zerolite
