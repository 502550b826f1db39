#include "model_mutator.hpp"

#include <algorithm>
#include <array>
#include <cstring>
#include <vector>

namespace zerolite::fuzz {
namespace {

constexpr std::size_t kWord = sizeof(std::uint32_t);
constexpr std::size_t kHalf = sizeof(std::uint16_t);
// The root's reference, the identifier and a table.
constexpr std::size_t kSmallest = 16;

// At which indices, sizes, enumerations, offsets and floats are wrong, or just past being right.
constexpr auto kWords = std::to_array<std::uint32_t>({0, 1, 2, 3, 0x7F, 0xFF, 0x100, 0x7FFF, 0xFFFF, 0x10000,
                                                      0x7FFFFFFF, 0x80000000, 0xFFFFFFFF, 0xFFFFFFFE, 0x7F800000});
// Where tables keep fields, and where they can't.
constexpr auto kFieldOffsets = std::to_array<std::uint16_t>({0, 2, 4, 6, 7, 8, 12, 16, 20, 24, 28, 32, 60, 0xFFFF});

template <typename Value>
Value load(std::span<const std::uint8_t> model, std::size_t position) {
  Value value = 0;
  std::memcpy(&value, model.data() + position, sizeof value);
  return value;
}

template <typename Value>
void store(std::span<std::uint8_t> model, std::size_t position, Value value) {
  std::memcpy(model.data() + position, &value, sizeof value);
}

}  // namespace

std::size_t ModelMutator::below(std::size_t count) { return random_() % count; }

std::size_t ModelMutator::mutate(std::span<std::uint8_t> memory, std::size_t size) {
  if (size < kSmallest) return 0;
  const std::span<std::uint8_t> model = memory.first(size);
  constexpr std::size_t kWays = 5;
  switch (below(kWays)) {
    case 0:
    case 1:
      change_word(model);
      return size;
    case 2:
      change_reference(model);
      return size;
    case 3:
      change_field(model);
      return size;
    default:
      return splice(memory, size);
  }
}

void ModelMutator::change_word(std::span<std::uint8_t> model) {
  const std::size_t position = below(model.size() / kWord) * kWord;
  const auto old = load<std::uint32_t>(model, position);
  constexpr std::uint32_t kSmallNumbers = 64;
  const auto choices =
      std::to_array<std::uint32_t>({kWords[below(kWords.size())], kWords[below(kWords.size())], old + 1, old - 1,
                                    old * 2, any_word(), any_word() % kSmallNumbers, any_word() % kSmallNumbers});
  store(model, position, choices[below(choices.size())]);
}

void ModelMutator::change_reference(std::span<std::uint8_t> model) {
  const auto is_reference = [&](std::size_t position) {
    const auto distance = load<std::uint32_t>(model, position);
    return distance > 0 && distance < model.size() - position;
  };
  const auto next_reference = [&](std::size_t from) {
    for (std::size_t position = from; position + kWord <= model.size(); position += kWord) {
      if (is_reference(position)) return position;
    }
    return std::size_t{0};
  };
  const auto any_position = [&] { return below(model.size() / kWord) * kWord; };
  const std::size_t place = next_reference(any_position());
  const std::size_t other = next_reference(any_position());
  // To where another one points, a little to the side, or anywhere behind.
  constexpr std::size_t kLittle = 8;
  const std::size_t own_target = place + load<std::uint32_t>(model, place);
  const auto targets =
      std::to_array<std::size_t>({other + load<std::uint32_t>(model, other), own_target + kWord, own_target - kWord,
                                  own_target + kLittle, own_target - kLittle, place + below(model.size() - place)});
  store(model, place, static_cast<std::uint32_t>(targets[below(targets.size())] - place));
}

void ModelMutator::change_field(std::span<std::uint8_t> model) {
  // The entries of a table of fields are small even numbers, one beside the other.
  constexpr std::uint16_t kLargestOffset = 64;
  for (std::size_t position = below(model.size() / kHalf) * kHalf; position + kHalf <= model.size();
       position += kHalf) {
    const auto offset = load<std::uint16_t>(model, position);
    if (offset < kWord || offset > kLargestOffset) continue;
    store(model, position, kFieldOffsets[below(kFieldOffsets.size())]);
    return;
  }
}

// Overwrites, inserts or cuts out a run of bytes; what comes in is from the model itself.
std::size_t ModelMutator::splice(std::span<std::uint8_t> memory, std::size_t size) {
  constexpr auto kLengths = std::to_array<std::size_t>({4, 4, 8, 16, 32});
  constexpr std::size_t kLongest = 128;
  std::size_t length = below(2) == 0 ? kLengths[below(kLengths.size())] : below(kLongest) + 1;
  std::size_t source = below(size);
  std::size_t target = below(size);
  if (below(3) != 0) {
    source -= source % kWord;
    target -= target % kWord;
  }
  const auto at = [&](std::size_t position) { return memory.begin() + static_cast<std::ptrdiff_t>(position); };
  const std::size_t way = below(kLengths.size());
  if (way == 0) {  // cut out
    length = std::min({length, size - target, size - kSmallest});
    std::copy(at(target + length), at(size), at(target));
    return size - length;
  }
  length = std::min(length, size - source);
  const std::vector<std::uint8_t> run(at(source), at(source + length));
  if (way == 1) {  // insert
    length = std::min(length, memory.size() - size);
    std::copy_backward(at(target), at(size), at(size + length));
    std::copy_n(run.begin(), length, at(target));
    return size + length;
  }
  std::copy_n(run.begin(), std::min(length, size - target), at(target));
  return size;
}

}  // namespace zerolite::fuzz
