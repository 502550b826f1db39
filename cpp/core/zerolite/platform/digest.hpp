// A digest of 128 bits, at the speed of memory, for telling contents apart that differ by accident.
//
// Each step is a bijection of the state, so that a change within eight bytes is found for certain and any other but for
// one case in 2^64. It is no protection from those who want two contents to look alike.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>

namespace zerolite {

using Digest = std::array<std::uint64_t, 2>;

class ContentDigest {
 public:
  // Every part but the last has to be a multiple of kBlock long.
  static constexpr std::size_t kBlock = 64;

  void add(std::span<const std::byte> bytes);
  [[nodiscard]] Digest value() const;

 private:
  // As many as it takes to hide the time of one multiplication behind the others.
  using Lanes = std::array<std::uint64_t, kBlock / sizeof(std::uint64_t)>;
  static void add_block(const std::byte* block, Lanes& lanes);

  Lanes lanes_ = {1, 2, 3, 4, 5, 6, 7, 8};
  std::uint64_t size_ = 0;
};

Digest digest_of(std::span<const std::byte> bytes);

}  // namespace zerolite
