#include "zerolite/verification/checked_operator.hpp"

#include <algorithm>
#include <optional>

namespace zerolite {

flatbuffer::Table CheckedOperator::options() const {
  const std::optional<flatbuffer::Table> options = options_of(kind(), details_);
  if (!options) refuse("has no options of its own kind, which say how it works");
  return *options;
}

std::optional<CheckedOperator> CheckedOperator::writer_of(std::size_t input) const {
  const std::int32_t tensor = details_.inputs[input];
  for (std::size_t i = 0; i < graph_.details.operators.size(); ++i) {
    const std::vector<std::int32_t>& outputs = graph_.details.operators[i].outputs;
    if (std::ranges::find(outputs, tensor) != outputs.end()) return CheckedOperator(graph_, i);
  }
  return std::nullopt;
}

}  // namespace zerolite
