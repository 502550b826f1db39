// Parts of a model that LiteRT's model object refuses although its interpreter runs them.
//
// LiteRT 2.3.0 unpacks every model into a representation of its own, for compilers of accelerators, and fails
// on variable tensors (recurrent networks, SVDF), complex128, more than 8 dimensions, and operators with
// intermediates. On the CPU that representation is not used: the interpreter is built from the bytes. So the
// object is made while these parts are masked in our copy of the bytes, and they are put back before anything
// is compiled.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

namespace zerolite {

class UnsupportedFieldsMask {
 public:
  // Masks within bytes whose FlatBuffer was verified; throws InvalidModelError all the same for what is not
  // sound.
  explicit UnsupportedFieldsMask(std::span<std::byte> bytes);
  // Puts everything back.
  ~UnsupportedFieldsMask();
  UnsupportedFieldsMask(const UnsupportedFieldsMask&) = delete;
  UnsupportedFieldsMask& operator=(const UnsupportedFieldsMask&) = delete;

 private:
  void mask_model();
  void restore();
  void overwrite_byte(std::size_t position, std::uint8_t value);
  // Makes a vector at most this long.
  void shorten(std::size_t vector_position, std::uint32_t length);

  struct Original {
    std::size_t position;
    std::byte value;
  };

  std::span<std::byte> bytes_;
  std::vector<Original> originals_;
};

}  // namespace zerolite
