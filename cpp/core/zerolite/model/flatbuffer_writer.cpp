#include "zerolite/model/flatbuffer_writer.hpp"

#include <algorithm>
#include <limits>
#include <optional>
#include <utility>

#include "zerolite/platform/error.hpp"

namespace zerolite::flatbuffer {
namespace {

constexpr std::size_t kReferenceSize = sizeof(std::uint32_t);
// Of the whole of what is new, so that whatever is aligned in the source stays aligned.
constexpr std::size_t kAlignment = 64;

std::size_t aligned_up(std::size_t value, std::size_t alignment) {
  return (value + alignment - 1) / alignment * alignment;
}

}  // namespace

std::vector<Place> places_in_source(const Vector& tables) {
  std::vector<Place> places;
  places.reserve(tables.size());
  for (std::size_t i = 0; i < tables.size(); ++i) places.push_back(place_in_source(tables.target(i)));
  return places;
}

NewTable::NewTable(const Table& original, std::span<const FieldKind> kinds) {
  for (unsigned field = 0; field < kinds.size(); ++field) {
    if (!original.position(field)) continue;
    switch (kinds[field]) {
      case FieldKind::reference:
        if (const std::optional<std::size_t> target = original.target(field)) refer(field, place_in_source(*target));
        break;
      case FieldKind::byte:
        set(field, original.scalar<std::uint8_t>(field, 0));
        break;
      case FieldKind::word:
        set(field, original.scalar<std::uint32_t>(field, 0));
        break;
      case FieldKind::long_word:
        set(field, original.scalar<std::uint64_t>(field, 0));
        break;
    }
  }
}

Writer::Part& Writer::part(std::size_t size, std::size_t alignment, std::size_t aligned) {
  const std::int64_t end = parts_.empty() ? 0 : parts_.back().begin;
  // The distance of the aligned byte from the source, which stands at a multiple of every alignment.
  const std::size_t distance = aligned_up(static_cast<std::size_t>(-end) + size - aligned, alignment);
  parts_.push_back({.begin = -static_cast<std::int64_t>(distance + aligned), .bytes = std::vector<std::byte>(size)});
  return parts_.back();
}

void Writer::write_reference(Part& part, std::size_t position, Place target) {
  const std::int64_t distance = static_cast<std::int64_t>(target) - part.begin - static_cast<std::int64_t>(position);
  if (distance <= 0 || std::cmp_greater(distance, std::numeric_limits<std::uint32_t>::max())) {
    throw InvalidModelError("it is too large to be written with other parts");
  }
  write(std::span(part.bytes), position, static_cast<std::uint32_t>(distance));
}

// First the offsets of the fields, then the table itself, which begins with its distance from them.
Place Writer::add(const NewTable& table) {
  constexpr std::size_t kHeader = 2 * sizeof(std::uint16_t);
  const std::size_t count = table.fields_.empty() ? 0 : table.fields_.rbegin()->first + 1;
  const std::size_t offsets = kHeader + count * sizeof(std::uint16_t);
  const auto size_of = [](const auto& field) {
    const auto* number = std::get_if<NewTable::Number>(&field.second);
    return number == nullptr ? kReferenceSize : number->size;
  };
  std::size_t size = sizeof(std::int32_t);
  std::map<unsigned, std::size_t> positions;
  for (const auto& field : table.fields_) {
    const std::size_t position = aligned_up(size, size_of(field));
    positions.emplace(field.first, position);
    size = position + size_of(field);
  }
  Part& written = part(offsets + size, sizeof(std::uint64_t), offsets);
  const std::span<std::byte> bytes(written.bytes);
  write(bytes, 0, static_cast<std::uint16_t>(offsets));
  write(bytes, sizeof(std::uint16_t), static_cast<std::uint16_t>(size));
  write(bytes, offsets, static_cast<std::int32_t>(offsets));
  for (const auto& [number, value] : table.fields_) {
    const std::size_t position = positions.at(number);
    write(bytes, kHeader + number * sizeof(std::uint16_t), static_cast<std::uint16_t>(position));
    if (const auto* scalar = std::get_if<NewTable::Number>(&value)) {
      std::copy_n(scalar->bytes.begin(), scalar->size, bytes.begin() + static_cast<std::ptrdiff_t>(offsets + position));
    } else {
      write_reference(written, offsets + position, std::get<Place>(value));
    }
  }
  return static_cast<Place>(written.begin + static_cast<std::int64_t>(offsets));
}

Place Writer::add(std::span<const Place> references) {
  Part& written = part((references.size() + 1) * kReferenceSize, kReferenceSize, 0);
  write(std::span(written.bytes), 0, static_cast<std::uint32_t>(references.size()));
  for (std::size_t i = 0; i < references.size(); ++i) write_reference(written, (i + 1) * kReferenceSize, references[i]);
  return static_cast<Place>(written.begin);
}

Place Writer::add(std::span<const std::int32_t> numbers) {
  Part& written = part(kReferenceSize + numbers.size_bytes(), kReferenceSize, 0);
  write(std::span(written.bytes), 0, static_cast<std::uint32_t>(numbers.size()));
  std::ranges::copy(std::as_bytes(numbers), written.bytes.begin() + kReferenceSize);
  return static_cast<Place>(written.begin);
}

Place Writer::add(std::string_view text) {
  Part& written = part(kReferenceSize + text.size() + 1, kReferenceSize, 0);
  write(std::span(written.bytes), 0, static_cast<std::uint32_t>(text.size()));
  std::ranges::copy(std::as_bytes(std::span(text)), written.bytes.begin() + kReferenceSize);
  return static_cast<Place>(written.begin);
}

Place Writer::add(std::span<const std::byte> content, std::size_t alignment) {
  Part& written = part(kReferenceSize + content.size(), std::max(alignment, kReferenceSize), kReferenceSize);
  write(std::span(written.bytes), 0, static_cast<std::uint32_t>(content.size()));
  std::ranges::copy(content, written.bytes.begin() + kReferenceSize);
  return static_cast<Place>(written.begin);
}

std::vector<std::byte> Writer::finish(Place root, std::span<const std::byte, 4> identifier) const {
  const std::int64_t end = parts_.empty() ? 0 : parts_.back().begin;
  const std::size_t header = kReferenceSize + identifier.size();
  const std::size_t size = aligned_up(static_cast<std::size_t>(-end) + header, kAlignment);
  const auto begin = -static_cast<std::int64_t>(size);
  Part first{.begin = begin, .bytes = std::vector<std::byte>(size)};
  write_reference(first, 0, root);
  std::ranges::copy(identifier, first.bytes.begin() + kReferenceSize);
  for (const Part& part : parts_) {
    const auto offset = static_cast<std::size_t>(part.begin - begin);
    std::ranges::copy(part.bytes, std::span(first.bytes).subspan(offset).begin());
  }
  return std::move(first.bytes);
}

}  // namespace zerolite::flatbuffer
