#include "zerolite/platform/digest.hpp"

#include <bit>
#include <cstring>

namespace zerolite {
namespace {

// Two odd numbers without a pattern. The last multiplication of a step spreads a change in a word's highest bits, so
// that the next word can't undo it.
constexpr std::uint64_t kOdd = 0x9FB21C651E98DF25;
constexpr std::uint64_t kOther = 0xD6E8FEB86659FD93;

std::uint64_t mixed(std::uint64_t value) {
  value = (value ^ (value >> 32)) * kOdd;
  value = (value ^ (value >> 29)) * kOdd;
  return value ^ (value >> 32);
}

}  // namespace

void ContentDigest::add_block(const std::byte* block, Lanes& lanes) {
  Lanes words{};
  std::memcpy(words.data(), block, sizeof words);
  for (std::size_t i = 0; i < lanes.size(); ++i) lanes[i] = std::rotl(lanes[i] + words[i] * kOdd, 31) * kOther;
}

void ContentDigest::add(std::span<const std::byte> bytes) {
  size_ += bytes.size();
  Lanes lanes = lanes_;  // in registers
  std::size_t position = 0;
  for (; position + kBlock <= bytes.size(); position += kBlock) add_block(bytes.data() + position, lanes);
  if (position < bytes.size()) {
    std::array<std::byte, kBlock> last{};
    std::memcpy(last.data(), bytes.data() + position, bytes.size() - position);
    add_block(last.data(), lanes);
  }
  lanes_ = lanes;
}

Digest ContentDigest::value() const {
  std::uint64_t first = mixed(size_);
  std::uint64_t second = ~first;
  for (const std::uint64_t lane : lanes_) {
    first = mixed(first ^ lane);
    second = mixed(second + std::rotl(lane, 32));
  }
  return {first, second};
}

Digest digest_of(std::span<const std::byte> bytes) {
  ContentDigest digest;
  digest.add(bytes);
  return digest.value();
}

}  // namespace zerolite
