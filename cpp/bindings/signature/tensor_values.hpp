// Values on their way into and out of tensors, for every dtype and every kind of array.
#pragma once

#include <pybind11/pybind11.h>

#include <cstddef>
#include <span>
#include <vector>

#include "signature/signature_object.hpp"

namespace zerolite::bindings {

// A value for an input, converted as far as that runs Python code: no lock is held.
struct InputValue {
  pybind11::object array;
  std::vector<std::byte> strings;  // for a string tensor, its memory
};

// Arrays keep their dtype; other objects (numbers, lists, whatever NumPy takes) are converted, see
// value_conversion.hpp.
InputValue convert_input(const TensorInfo& tensor, pybind11::handle value);

// Throws TypeError for another dtype and ValueError for another shape; `role` is "input" or "output".
void require_dtype(const char* role, const TensorInfo& tensor, pybind11::handle array);
void require_match(const char* role, const TensorInfo& tensor, pybind11::handle array);

// Copies the values of an array of numbers, of the tensor's dtype and shape, to its memory `to`.
void store_values(const TensorInfo& tensor, pybind11::handle array, std::byte* to);

// Copies a checked value into the tensor's memory. Runs no Python code: the model's lock is held.
void store_input(SignatureRunner& runner, std::size_t index, const TensorInfo& tensor, const InputValue& value);

// A float32 array of real numbers as a new one of the integers that a tensor stores for them, and back. A tensor's own
// shape are the last dimensions. Null for NaN, which no integer stands for.
pybind11::object quantized(const TensorInfo& real, const pybind11::object& dtype, const pybind11::object& array);
pybind11::object dequantized(const TensorInfo& real, const pybind11::object& array);

// A new array of the tensor's shape with the values in `bytes`; not for strings.
pybind11::object load_output(const TensorInfo& tensor, std::span<const std::byte> bytes);

}  // namespace zerolite::bindings
