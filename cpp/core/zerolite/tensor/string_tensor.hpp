// The memory format of string tensors: a count, the offset of each string and of the end, then the
// characters. (TensorFlow Lite, tflite/string_util.h.)
#pragma once

#include <cstddef>
#include <span>
#include <string_view>
#include <vector>

namespace zerolite::string_tensor {

// Throws ValueError when the characters take more than the 2 GiB that the format can address.
std::vector<std::byte> encode(std::span<const std::string_view> strings);

// Views into `bytes`. Throws Error when the bytes are not in the format.
std::vector<std::string_view> decode(std::span<const std::byte> bytes);

}  // namespace zerolite::string_tensor
