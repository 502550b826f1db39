// String tensors as NumPy arrays of bytes objects, as tf.lite.Interpreter gives them.
#pragma once

#include <pybind11/pybind11.h>

#include <cstddef>
#include <span>
#include <vector>

#include "signature/signature_object.hpp"

namespace zerolite::bindings {

// The tensor format of an array of str, bytes or NumPy's own string dtypes; str is stored as UTF-8.
std::vector<std::byte> encode_strings(const TensorInfo& tensor, pybind11::handle array);

// An object array of bytes.
pybind11::object decode_strings(std::span<const std::byte> bytes, std::span<const npy_intp> shape);

}  // namespace zerolite::bindings
