#include "zerolite/compilation/refused_parts.hpp"

#include <algorithm>
#include <cstdint>
#include <optional>
#include <set>

#include "zerolite/model/flatbuffer.hpp"
#include "zerolite/model/model_interface.hpp"
#include "zerolite/model/schema_fields.hpp"

namespace zerolite {
namespace {

using flatbuffer::Table;
using flatbuffer::Vector;

// Where a table has one of its numbers; the same for two entries of a list that are one table.
std::optional<std::size_t> place_of(const Table& code) {
  for (const unsigned field : {schema::operator_code::kBuiltinCode, schema::operator_code::kDeprecatedBuiltinCode,
                               schema::operator_code::kVersion}) {
    if (const std::optional<std::size_t> position = code.position(field)) return position;
  }
  return std::nullopt;
}

bool is_custom(const Table& code) {
  return code.scalar<std::int32_t>(schema::operator_code::kBuiltinCode, 0) == OperatorCode::kCustom ||
         code.scalar<std::int8_t>(schema::operator_code::kDeprecatedBuiltinCode, 0) == OperatorCode::kCustom;
}

}  // namespace

bool replace_unused_codes(std::span<std::byte> bytes) {
  const Table root = Table::root(bytes);
  const Vector codes = root.tables(schema::model::kOperatorCodes);
  std::set<std::size_t> used;
  const Vector subgraphs = root.tables(schema::model::kSubgraphs);
  for (std::size_t i = 0; i < subgraphs.size(); ++i) {
    const Vector operators = subgraphs.table(i).tables(schema::subgraph::kOperators);
    for (std::size_t j = 0; j < operators.size(); ++j) {
      used.insert(operators.table(j).scalar<std::uint32_t>(schema::operation::kOperatorCode, 0));
    }
  }
  std::set<std::size_t> used_places;
  for (const std::size_t index : used) {
    if (index >= codes.size()) return false;  // unsound, and refused for it
    if (const std::optional<std::size_t> place = place_of(codes.table(index))) used_places.insert(*place);
  }
  bool replaced = false;
  for (std::size_t i = 0; i < codes.size(); ++i) {
    const Table code = codes.table(i);
    const std::optional<std::size_t> place = place_of(code);
    if (used.contains(i) || !place || used_places.contains(*place)) continue;
    if (is_custom(code) && !code.string(schema::operator_code::kCustomCode).empty()) continue;
    // The first operator in its first version, which the runtime always has.
    flatbuffer::write_field(bytes, code, schema::operator_code::kDeprecatedBuiltinCode, std::int8_t{0});
    flatbuffer::write_field(bytes, code, schema::operator_code::kBuiltinCode, std::int32_t{0});
    flatbuffer::write_field(bytes, code, schema::operator_code::kVersion, std::int32_t{1});
    replaced = true;
  }
  return replaced;
}

void leave_out_signatures(ModelBytes& bytes, const std::vector<std::size_t>& places) {
  if (places.empty()) return;
  const Table root = Table::root(bytes.span());
  const std::optional<std::size_t> list = root.vector_position(schema::model::kSignatures);
  if (!list) return;
  const std::size_t count = root.tables(schema::model::kSignatures).size();
  std::vector<std::uint32_t> kept = {0};  // its size, and how far from its place in the list each table is
  for (std::size_t i = 0; i < count; ++i) {
    if (std::ranges::binary_search(places, i)) continue;
    const std::size_t from = *list + sizeof(std::uint32_t) * (i + 1);
    const std::size_t to = *list + sizeof(std::uint32_t) * kept.size();
    kept.push_back(static_cast<std::uint32_t>(flatbuffer::read<std::uint32_t>(bytes.span(), from) + (from - to)));
  }
  kept.front() = static_cast<std::uint32_t>(kept.size() - 1);
  bytes.overwrite(*list, std::as_bytes(std::span(kept)));
}

}  // namespace zerolite
