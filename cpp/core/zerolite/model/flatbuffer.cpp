#include "zerolite/model/flatbuffer.hpp"

#include "zerolite/platform/error.hpp"

namespace zerolite::flatbuffer {
namespace {

// A reference is stored as its distance from where it stands.
std::size_t follow(std::span<const std::byte> bytes, std::size_t position) {
  return position + read<std::uint32_t>(bytes, position);
}

}  // namespace

void require(std::span<const std::byte> bytes, std::size_t position, std::size_t size) {
  if (position > bytes.size() || size > bytes.size() - position) {
    throw InvalidModelError("an offset in it points outside the file, which may be cut short");
  }
}

Vector::Vector(std::span<const std::byte> bytes, std::size_t position, std::size_t element_size)
    : bytes_(bytes), first_(position + sizeof(std::uint32_t)), size_(read<std::uint32_t>(bytes, position)) {
  if (size_ > bytes.size()) throw InvalidModelError("a vector in it is longer than the file");
  require(bytes, first_, size_ * element_size);
}

std::size_t Vector::target(std::size_t index) const { return follow(bytes_, first_ + index * sizeof(std::uint32_t)); }

Table Vector::table(std::size_t index) const { return {bytes_, target(index)}; }

Table::Table(std::span<const std::byte> bytes, std::size_t position) : bytes_(bytes), position_(position) {
  const std::int64_t fields = static_cast<std::int64_t>(position) - read<std::int32_t>(bytes, position);
  if (fields < 0) throw InvalidModelError("a table in it starts before the file does");
  const auto begin = static_cast<std::size_t>(fields);
  const std::size_t size = read<std::uint16_t>(bytes, begin);
  require(bytes, begin, size);
  field_offsets_ = begin + 2 * sizeof(std::uint16_t);
  field_count_ = size < 2 * sizeof(std::uint16_t) ? 0 : size / sizeof(std::uint16_t) - 2;
}

Table Table::root(std::span<const std::byte> bytes) { return {bytes, follow(bytes, 0)}; }

std::optional<std::size_t> Table::field_position(unsigned field) const {
  if (field >= field_count_) return std::nullopt;
  const auto offset = read<std::uint16_t>(bytes_, field_offsets_ + field * sizeof(std::uint16_t));
  if (offset == 0) return std::nullopt;
  return position_ + offset;
}

std::optional<std::size_t> Table::target(unsigned field) const {
  const std::optional<std::size_t> position = field_position(field);
  return position ? std::optional(follow(bytes_, *position)) : std::nullopt;
}

std::optional<std::size_t> Table::vector_position(unsigned field) const {
  const std::optional<std::size_t> vector = target(field);
  if (vector) require(bytes_, *vector, sizeof(std::uint32_t));
  return vector;
}

Vector Table::vector(unsigned field, std::size_t element_size) const {
  const std::optional<std::size_t> position = target(field);
  return position ? Vector(bytes_, *position, element_size) : Vector();
}

std::optional<Table> Table::table(unsigned field) const {
  const std::optional<std::size_t> position = target(field);
  return position ? std::optional(Table(bytes_, *position)) : std::nullopt;
}

Vector Table::tables(unsigned field) const { return vector(field, sizeof(std::uint32_t)); }

std::string_view Table::string(unsigned field) const {
  const std::optional<std::size_t> position = field_position(field);
  if (!position) return {};
  const std::size_t start = follow(bytes_, *position);
  const std::size_t size = read<std::uint32_t>(bytes_, start);
  require(bytes_, start + sizeof(std::uint32_t), size);
  return {reinterpret_cast<const char*>(bytes_.data() + start + sizeof(std::uint32_t)), size};
}

}  // namespace zerolite::flatbuffer
