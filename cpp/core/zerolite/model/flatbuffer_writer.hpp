// Writing a FlatBuffer that goes on using another one, the source: new tables and vectors stand before it, and refer to
// what they have in common with it.
//
// References in a FlatBuffer lead forward only, so what is new has to stand in front. The source stays as it is, byte
// for byte, so it does not matter what its tables share with one another.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <map>
#include <span>
#include <string_view>
#include <type_traits>
#include <variant>
#include <vector>

#include "zerolite/model/flatbuffer.hpp"

namespace zerolite::flatbuffer {

// Where something stands, from the first byte of the source; negative for what is new.
enum class Place : std::int64_t {};

inline Place place_in_source(std::size_t position) { return static_cast<Place>(position); }
// Of the tables that a vector of the source refers to.
std::vector<Place> places_in_source(const Vector& tables);

// What a field of a table holds: a number of so many bytes, or a reference to a table or a vector.
enum class FieldKind : std::uint8_t { reference = 0, byte = 1, word = 4, long_word = 8 };

// A table that is going to be written.
class NewTable {
 public:
  // Like a table of the source, whose fields are of these kinds, by number. What its type has besides is left out.
  NewTable(const Table& original, std::span<const FieldKind> kinds);
  NewTable() = default;

  template <typename Scalar>
  NewTable& set(unsigned field, Scalar value) {
    static_assert(std::is_arithmetic_v<Scalar>);
    Number number{.size = sizeof(Scalar), .bytes = {}};
    std::memcpy(number.bytes.data(), &value, sizeof(Scalar));
    fields_.insert_or_assign(field, number);
    return *this;
  }
  NewTable& refer(unsigned field, Place place) {
    fields_.insert_or_assign(field, place);
    return *this;
  }
  NewTable& remove(unsigned field) {
    fields_.erase(field);
    return *this;
  }

 private:
  friend class Writer;
  struct Number {
    std::size_t size;
    std::array<std::byte, sizeof(std::uint64_t)> bytes;
  };

  std::map<unsigned, std::variant<Number, Place>> fields_;
};

// Whatever is referred to is added before what refers to it.
class Writer {
 public:
  Place add(const NewTable& table);
  // A vector of references, to tables for example.
  Place add(std::span<const Place> references);
  // A vector of numbers.
  Place add(std::span<const std::int32_t> numbers);
  // A string, which ends with a null character.
  Place add(std::string_view text);
  // A vector of bytes, the first of which stands at a multiple of `alignment`, which is one of 64 itself or a part.
  Place add(std::span<const std::byte> content, std::size_t alignment);
  // What stands before the source. Its size is a multiple of 64, so that what was aligned in the source still is.
  [[nodiscard]] std::vector<std::byte> finish(Place root, std::span<const std::byte, 4> identifier) const;

 private:
  struct Part {
    std::int64_t begin;
    std::vector<std::byte> bytes;
  };

  // Makes room for a part before all others, such that its byte number `aligned` stands at a multiple of `alignment`.
  Part& part(std::size_t size, std::size_t alignment, std::size_t aligned);
  static void write_reference(Part& part, std::size_t position, Place target);

  std::vector<Part> parts_;
};

}  // namespace zerolite::flatbuffer
