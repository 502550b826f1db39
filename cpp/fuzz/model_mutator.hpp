// Ways of breaking a FlatBuffer that get past its first checks: a byte that is flipped anywhere is mostly refused, a
// word or a reference that is wrong where one stands goes further. tests/mutations does the same without guidance.
#pragma once

#include <cstddef>
#include <cstdint>
#include <random>
#include <span>

namespace zerolite::fuzz {

class ModelMutator {
 public:
  explicit ModelMutator(std::uint32_t seed) : random_(seed) {}

  // Changes a model of `size` bytes at the beginning of `memory`, which it may fill. Gives the new size, or 0 when the
  // model is too short for any of the ways.
  std::size_t mutate(std::span<std::uint8_t> memory, std::size_t size);

 private:
  void change_word(std::span<std::uint8_t> model);
  void change_reference(std::span<std::uint8_t> model);
  void change_field(std::span<std::uint8_t> model);
  std::size_t splice(std::span<std::uint8_t> memory, std::size_t size);

  // From 0 to `count`, which is left out.
  std::size_t below(std::size_t count);
  std::uint32_t any_word() { return static_cast<std::uint32_t>(random_()); }

  std::minstd_rand random_;
};

}  // namespace zerolite::fuzz
