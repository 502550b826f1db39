#include "zerolite/tensor/string_tensor.hpp"

#include <cstdint>
#include <cstring>
#include <limits>

#include "zerolite/platform/error.hpp"

namespace zerolite::string_tensor {
namespace {

void store(std::vector<std::byte>& bytes, std::size_t index, std::size_t value) {
  const auto word = static_cast<std::int32_t>(value);
  std::memcpy(bytes.data() + index * sizeof(word), &word, sizeof(word));
}

std::size_t load(std::span<const std::byte> bytes, std::size_t index) {
  std::int32_t word = 0;
  if ((index + 1) * sizeof(word) > bytes.size()) throw Error("a string tensor is cut short");
  std::memcpy(&word, bytes.data() + index * sizeof(word), sizeof(word));
  if (word < 0) throw Error("a string tensor has a negative offset");
  return static_cast<std::size_t>(word);
}

}  // namespace

std::vector<std::byte> encode(std::span<const std::string_view> strings) {
  std::size_t total = sizeof(std::int32_t) * (strings.size() + 2);
  for (const std::string_view text : strings) total += text.size();
  if (total > static_cast<std::size_t>(std::numeric_limits<std::int32_t>::max())) {
    throw ValueError("the strings take " + std::to_string(total) +
                     " bytes, and a string tensor holds at most 2 GiB; pass fewer or shorter ones");
  }
  std::vector<std::byte> bytes(total);
  store(bytes, 0, strings.size());
  std::size_t offset = sizeof(std::int32_t) * (strings.size() + 2);
  for (std::size_t i = 0; i < strings.size(); ++i) {
    store(bytes, i + 1, offset);
    if (!strings[i].empty()) std::memcpy(bytes.data() + offset, strings[i].data(), strings[i].size());
    offset += strings[i].size();
  }
  store(bytes, strings.size() + 1, offset);
  return bytes;
}

std::vector<std::string_view> decode(std::span<const std::byte> bytes) {
  if (bytes.empty()) return {};
  const std::size_t count = load(bytes, 0);
  if (count > bytes.size() / sizeof(std::int32_t)) throw Error("a string tensor is cut short");
  std::vector<std::string_view> strings;
  strings.reserve(count);
  for (std::size_t i = 0; i < count; ++i) {
    const std::size_t begin = load(bytes, i + 1);
    const std::size_t end = load(bytes, i + 2);
    if (begin > end || end > bytes.size()) throw Error("a string tensor has an offset outside its memory");
    strings.emplace_back(reinterpret_cast<const char*>(bytes.data()) + begin, end - begin);
  }
  return strings;
}

}  // namespace zerolite::string_tensor
