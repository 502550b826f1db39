#include "zerolite/verification/flexbuffer_check.hpp"

#include <cstdint>
#include <cstring>
#include <map>
#include <string_view>

#include "zerolite/model/flatbuffer.hpp"
#include "zerolite/platform/error.hpp"

namespace zerolite::flexbuffer {
namespace {

// Types of values, without the two bits that give a width (FlexBuffers' own documentation of its binary format).
constexpr std::uint8_t kNull = 0;
constexpr std::uint8_t kFloat = 3;
constexpr std::uint8_t kMap = 9;
constexpr std::uint8_t kVector = 10;
constexpr std::uint8_t kBoolean = 26;
constexpr std::uint8_t kLastNumber = 3;  // null, int, unsigned and float are stored in place

class Reader {
 public:
  explicit Reader(std::span<const std::byte> bytes) : bytes_(bytes) {}

  [[nodiscard]] const std::map<std::string_view, std::int64_t>& integers() const { return integers_; }

  void read() {
    // The end holds the root, its type and its width: all else is found from there, backwards.
    constexpr std::size_t kEnd = 3;
    flatbuffer::require(bytes_, 0, kEnd);
    const std::size_t width = byte_at(bytes_.size() - 1);
    const std::uint8_t packed = byte_at(bytes_.size() - 2);
    require_width(width);
    if (bytes_.size() < 2 + width) throw InvalidModelError("its root is cut off");
    if (packed >> 2U != kMap) throw InvalidModelError("its root is no map");
    read_map(back(bytes_.size() - 2 - width, width), std::size_t{1} << (packed & 3U));
  }

 private:
  [[nodiscard]] std::uint8_t byte_at(std::size_t position) const {
    return flatbuffer::read<std::uint8_t>(bytes_, position);
  }

  static void require_width(std::size_t width) {
    if (width != 1 && width != 2 && width != 4 && width != 8) throw InvalidModelError("a width in it is impossible");
  }

  [[nodiscard]] std::size_t number_at(std::size_t position, std::size_t width) const {
    flatbuffer::require(bytes_, position, width);
    std::uint64_t value = 0;
    std::memcpy(&value, bytes_.data() + position, width);
    return static_cast<std::size_t>(value);
  }

  // A reference is a distance back from where it stands.
  [[nodiscard]] std::size_t back(std::size_t position, std::size_t width) const {
    const std::size_t distance = number_at(position, width);
    if (distance > position) throw InvalidModelError("a reference in it points before its start");
    return position - distance;
  }

  // Where a field that stands before a vector begins.
  static std::size_t before(std::size_t position, std::size_t size) {
    if (size > position) throw InvalidModelError("a vector in it begins before its start");
    return position - size;
  }

  void read_map(std::size_t values, std::size_t width) {
    const std::size_t count = number_at(before(values, width), width);
    if (count > bytes_.size()) throw InvalidModelError("a map in it is longer than all of it");
    const std::size_t key_width = number_at(before(values, 2 * width), width);
    require_width(key_width);
    const std::size_t keys = back(before(values, 3 * width), width);
    if (number_at(before(keys, key_width), key_width) != count) throw InvalidModelError("a map in it lacks keys");
    flatbuffer::require(bytes_, values, count * width + count);
    std::string_view previous;
    for (std::size_t i = 0; i < count; ++i) {
      const std::string_view name = text_at(back(keys + i * key_width, key_width));
      // Names are looked up by halves.
      if (i > 0 && name <= previous) throw InvalidModelError("its names are not in order");
      previous = name;
      const std::uint8_t packed = byte_at(values + count * width + i);
      const std::uint8_t type = packed >> 2U;
      if (type == kVector) {
        check_vector(back(values + i * width, width), std::size_t{1} << (packed & 3U));
        continue;
      }
      require_number(type);
      if (type != kNull && type != kFloat) integers_[name] = integer_at(values + i * width, width, type);
    }
  }

  static void require_number(std::uint8_t type) {
    if (type > kLastNumber && type != kBoolean) throw InvalidModelError("a setting in it is no number");
  }

  void check_vector(std::size_t values, std::size_t width) const {
    const std::size_t count = number_at(before(values, width), width);
    if (count > bytes_.size()) throw InvalidModelError("a vector in it is longer than all of it");
    flatbuffer::require(bytes_, values, count * width + count);
    for (std::size_t i = 0; i < count; ++i) require_number(byte_at(values + count * width + i) >> 2U);
  }

  [[nodiscard]] std::string_view text_at(std::size_t position) const {
    flatbuffer::require(bytes_, position, 1);
    const std::string_view rest(reinterpret_cast<const char*>(bytes_.data()) + position, bytes_.size() - position);
    const std::size_t end = rest.find('\0');
    if (end == std::string_view::npos) throw InvalidModelError("a name in it has no end");
    return rest.substr(0, end);
  }

  // As the runtime's reader has it: 64 bits of it, whatever they say, cut to 32.
  [[nodiscard]] std::int64_t integer_at(std::size_t position, std::size_t width, std::uint8_t type) const {
    constexpr std::uint8_t kInteger = 1;
    constexpr std::size_t kBitsOfByte = 8;
    std::uint64_t value = number_at(position, width);
    const std::size_t bits = width * kBitsOfByte;
    const bool is_negative = ((value >> (bits - 1)) & 1U) != 0;
    if (type == kInteger && is_negative && bits < 64) value |= ~std::uint64_t{0} << bits;
    return static_cast<std::int32_t>(static_cast<std::uint32_t>(value));
  }

  std::span<const std::byte> bytes_;
  std::map<std::string_view, std::int64_t> integers_;
};

}  // namespace

std::optional<std::string> unsound_settings(std::span<const std::byte> bytes) {
  try {
    Reader(bytes).read();
  } catch (const InvalidModelError& error) {
    return error.what();
  }
  return std::nullopt;
}

std::optional<std::int64_t> integer_setting(std::span<const std::byte> bytes, std::string_view name) {
  Reader reader(bytes);
  reader.read();
  const auto found = reader.integers().find(name);
  return found == reader.integers().end() ? std::nullopt : std::optional(found->second);
}

}  // namespace zerolite::flexbuffer
