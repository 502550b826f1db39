#include "zerolite/verification/checked_operator.hpp"

#include <optional>

namespace zerolite {

flatbuffer::Table CheckedOperator::options() const {
  const std::optional<flatbuffer::Table> options = options_of(kind(), details_);
  if (!options) refuse("has no options of its own kind, which say how it works");
  return *options;
}

}  // namespace zerolite
