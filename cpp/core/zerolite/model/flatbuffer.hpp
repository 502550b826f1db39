// Reading a FlatBuffer without trusting it: every offset is checked against the bytes before it is followed.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <optional>
#include <span>
#include <string_view>
#include <type_traits>

namespace zerolite::flatbuffer {

// Reads a scalar at `position`. Throws InvalidModelError when it does not lie within the bytes.
void require(std::span<const std::byte> bytes, std::size_t position, std::size_t size);

template <typename Scalar>
Scalar read(std::span<const std::byte> bytes, std::size_t position) {
  static_assert(std::is_arithmetic_v<Scalar>);
  require(bytes, position, sizeof(Scalar));
  Scalar value;
  std::memcpy(&value, bytes.data() + position, sizeof(Scalar));
  return value;
}

// Writes a scalar, likewise.
template <typename Scalar>
void write(std::span<std::byte> bytes, std::size_t position, Scalar value) {
  static_assert(std::is_arithmetic_v<Scalar>);
  require(bytes, position, sizeof(Scalar));
  std::memcpy(bytes.data() + position, &value, sizeof(Scalar));
}

class Table;

// A vector of scalars or of tables.
class Vector {
 public:
  Vector() = default;
  // `element_size` bounds the vector: all its elements lie within the bytes.
  Vector(std::span<const std::byte> bytes, std::size_t position, std::size_t element_size);

  [[nodiscard]] std::size_t size() const { return size_; }
  [[nodiscard]] bool empty() const { return size_ == 0; }

  template <typename Scalar>
  [[nodiscard]] Scalar scalar(std::size_t index) const {
    return read<Scalar>(bytes_, first_ + index * sizeof(Scalar));
  }
  // Where the table stands that an element refers to.
  [[nodiscard]] std::size_t target(std::size_t index) const;
  [[nodiscard]] Table table(std::size_t index) const;

 private:
  std::span<const std::byte> bytes_;
  std::size_t first_ = 0;
  std::size_t size_ = 0;
};

class Table {
 public:
  Table(std::span<const std::byte> bytes, std::size_t position);
  // The table that the buffer's first four bytes point to.
  static Table root(std::span<const std::byte> bytes);

  template <typename Scalar>
  [[nodiscard]] Scalar scalar(unsigned field, Scalar default_value) const {
    const std::optional<std::size_t> position = field_position(field);
    return position ? read<Scalar>(bytes_, *position) : default_value;
  }
  // Where a field's scalar stands, when the table has the field.
  [[nodiscard]] std::optional<std::size_t> position(unsigned field) const { return field_position(field); }
  // Where the table or the vector stands that a field refers to, when the table has the field.
  [[nodiscard]] std::optional<std::size_t> target(unsigned field) const;
  // Where a field's vector (its length, that is) stands.
  [[nodiscard]] std::optional<std::size_t> vector_position(unsigned field) const;
  [[nodiscard]] std::string_view string(unsigned field) const;
  // The table that a field refers to, when the table has the field.
  [[nodiscard]] std::optional<Table> table(unsigned field) const;
  [[nodiscard]] Vector tables(unsigned field) const;
  template <typename Scalar>
  [[nodiscard]] Vector scalars(unsigned field) const {
    return vector(field, sizeof(Scalar));
  }

 private:
  [[nodiscard]] std::optional<std::size_t> field_position(unsigned field) const;
  [[nodiscard]] Vector vector(unsigned field, std::size_t element_size) const;

  std::span<const std::byte> bytes_;
  std::size_t position_;
  std::size_t field_offsets_;
  std::size_t field_count_;
};

// Writes a scalar of a table that lies within the bytes, where the table has it.
template <typename Scalar>
void write_field(std::span<std::byte> bytes, const Table& table, unsigned field, Scalar value) {
  if (const std::optional<std::size_t> position = table.position(field)) write(bytes, *position, value);
}

}  // namespace zerolite::flatbuffer
