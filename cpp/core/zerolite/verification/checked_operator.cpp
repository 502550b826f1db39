#include "zerolite/verification/checked_operator.hpp"

#include "zerolite/platform/error.hpp"

namespace zerolite {

void CheckedOperator::refuse(const std::string& what) const {
  throw InvalidModelError(graph_.name_of_operator(index_) + " " + what);
}

const flatbuffer::Table& CheckedOperator::table_of(const OperatorOptions& options, std::uint8_t type) const {
  if (options.type != type || !options.table) refuse("has no options of its own kind, which say how it works");
  return *options.table;
}

}  // namespace zerolite
