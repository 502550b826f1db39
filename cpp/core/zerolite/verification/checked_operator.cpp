#include "zerolite/verification/checked_operator.hpp"

#include <optional>

#include "zerolite/platform/error.hpp"

namespace zerolite {

void CheckedOperator::refuse(const std::string& what) const {
  throw InvalidModelError(graph_.name_of_operator(index_) + " " + what);
}

flatbuffer::Table CheckedOperator::options() const {
  const std::optional<flatbuffer::Table> options = options_of(kind(), details_);
  if (!options) refuse("has no options of its own kind, which say how it works");
  return *options;
}

}  // namespace zerolite
