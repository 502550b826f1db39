#include "signature/tensor_values.hpp"

#include <algorithm>
#include <cassert>
#include <cstring>
#include <string>

#include "signature/strings.hpp"
#include "signature/value_conversion.hpp"
#include "zerolite/platform/error.hpp"
#include "zerolite/tensor/affine_quantization.hpp"

namespace py = pybind11;

namespace zerolite::bindings {
namespace {

py::object as_numpy_array(py::handle value, PyArray_Descr* descriptor) {
  Py_XINCREF(descriptor);  // NumPy takes the reference
  PyObject* array = PyArray_FromAny(value.ptr(), descriptor, 0, 0, NPY_ARRAY_ENSUREARRAY, nullptr);
  if (array == nullptr) throw py::error_already_set();
  return py::reinterpret_steal<py::object>(array);
}

std::vector<std::int32_t> dimensions_of(std::span<const npy_intp> shape) {
  std::vector<std::int32_t> dimensions;
  dimensions.reserve(shape.size());
  std::ranges::transform(shape, std::back_inserter(dimensions),
                         [](npy_intp dimension) { return static_cast<std::int32_t>(dimension); });
  return dimensions;
}

std::string shape_text(std::span<const npy_intp> shape) { return to_string(dimensions_of(shape)); }

std::span<const npy_intp> shape_of(py::handle array) {
  return {PyArray_DIMS(as_array(array)), static_cast<std::size_t>(PyArray_NDIM(as_array(array)))};
}

// Values of packed types take a byte each in NumPy (ml_dtypes), and a part of a byte in a tensor, lowest bits
// first.
void pack(std::span<const std::uint8_t> values, unsigned bits, std::byte* to) {
  assert(bits == 2 || bits == 4);
  const unsigned per_byte = 8 / bits;
  const unsigned mask = (1U << bits) - 1;
  for (std::size_t i = 0; i < values.size(); i += per_byte) {
    unsigned byte = 0;
    for (unsigned part = 0; part < per_byte && i + part < values.size(); ++part) {
      byte |= (values[i + part] & mask) << (part * bits);
    }
    to[i / per_byte] = static_cast<std::byte>(byte);
  }
}

void unpack(std::span<const std::byte> bytes, unsigned bits, bool is_signed, std::span<std::uint8_t> values) {
  const unsigned per_byte = 8 / bits;
  const unsigned mask = (1U << bits) - 1;
  const unsigned sign = 1U << (bits - 1);
  for (std::size_t i = 0; i < values.size(); ++i) {
    unsigned value = (std::to_integer<unsigned>(bytes[i / per_byte]) >> (i % per_byte * bits)) & mask;
    if (is_signed && (value & sign) != 0) value |= ~mask;
    values[i] = static_cast<std::uint8_t>(value);
  }
}

// Copies array values in C order to `to`. Numbers only: NumPy runs no Python code for them.
void copy_values(PyArrayObject* array, std::byte* to) {
  const auto size = static_cast<std::size_t>(PyArray_NBYTES(array));
  if (PyArray_IS_C_CONTIGUOUS(array)) {
    // Not memcpy: the array may overlap the memory that is bound.
    if (size > 0) std::memmove(to, PyArray_DATA(array), size);
    return;
  }
  Py_INCREF(PyArray_DESCR(array));
  auto target = py::reinterpret_steal<py::object>(PyArray_NewFromDescr(&PyArray_Type, PyArray_DESCR(array),
                                                                       PyArray_NDIM(array), PyArray_DIMS(array),
                                                                       nullptr, to, NPY_ARRAY_CARRAY, nullptr));
  if (!target || PyArray_CopyInto(as_array(target), array) != 0) throw py::error_already_set();
}

py::object in_c_order(const py::object& array) {
  auto ordered = py::reinterpret_steal<py::object>(
      PyArray_FromArray(as_array(array), nullptr, NPY_ARRAY_C_CONTIGUOUS | NPY_ARRAY_ALIGNED | NPY_ARRAY_NOTSWAPPED));
  if (!ordered) throw py::error_already_set();
  return ordered;
}

std::span<float> numbers_of(py::handle array) {
  return {static_cast<float*>(PyArray_DATA(as_array(array))), static_cast<std::size_t>(PyArray_SIZE(as_array(array)))};
}

std::span<std::byte> bytes_of(py::handle array) {
  return {static_cast<std::byte*>(PyArray_DATA(as_array(array))),
          static_cast<std::size_t>(PyArray_NBYTES(as_array(array)))};
}

py::object new_array(const py::object& dtype, std::span<const npy_intp> shape) {
  Py_INCREF(dtype.ptr());  // NumPy takes the reference
  auto array = py::reinterpret_steal<py::object>(
      PyArray_NewFromDescr(&PyArray_Type, reinterpret_cast<PyArray_Descr*>(dtype.ptr()), static_cast<int>(shape.size()),
                           shape.data(), nullptr, nullptr, 0, nullptr));
  if (!array) throw py::error_already_set();
  return array;
}

// Of a tensor that calls see as real numbers.
const TensorInfo::Storage& storage_of(const TensorInfo& real) {
  if (!real.storage) throw Error("tensor '" + real.name + "' is not quantized");
  return *real.storage;
}

// Of an array whose last dimensions are the tensor's.
Quantization quantization_within(const TensorInfo& real, py::handle array) {
  Quantization quantization = storage_of(real).quantization;
  quantization.axis += static_cast<std::int32_t>(shape_of(array).size() - real.shape.size());
  return quantization;
}

void store_real(const TensorInfo& tensor, py::handle array, std::byte* to) {
  const auto& [type, quantization] = storage_of(tensor);
  const std::span<const float> numbers = numbers_of(array);
  const std::vector<std::int32_t> shape = dimensions_of(tensor.shape);
  bool done = false;
  if (is_packed(type)) {
    std::vector<std::uint8_t> values(numbers.size());
    done = quantize(numbers, type, quantization, shape, std::as_writable_bytes(std::span(values)));
    pack(values, static_cast<unsigned>(bits_of(type).value_or(8)), to);
  } else {
    done = quantize(numbers, type, quantization, shape, {to, byte_size(type, shape).value_or(0)});
  }
  if (!done) throw ValueError("input '" + tensor.name + "' has become NaN, for which no integer stands; remove it");
}

void load_real(const TensorInfo& tensor, std::span<const std::byte> bytes, py::handle array) {
  const auto& [type, quantization] = storage_of(tensor);
  const std::span<float> numbers = numbers_of(array);
  std::vector<std::uint8_t> values;
  if (is_packed(type)) {
    values.resize(numbers.size());
    unpack(bytes, static_cast<unsigned>(bits_of(type).value_or(8)), type != ElementType::uint4, values);
    bytes = std::as_bytes(std::span(values));
  }
  dequantize(bytes, type, quantization, dimensions_of(tensor.shape), numbers);
}

}  // namespace

InputValue convert_input(const TensorInfo& tensor, py::handle value) {
  InputValue result;
  if (tensor.type == ElementType::string) {
    result.array = PyArray_Check(value.ptr()) ? py::reinterpret_borrow<py::object>(value)
                                              : as_numpy_array(value, PyArray_DescrFromType(NPY_OBJECT));
    result.strings = encode_strings(tensor, result.array);
    return result;
  }
  const std::string who = "input '" + tensor.name + "'";
  result.array = exactly_converted(tensor, value, who);
  if (tensor.storage && PyArray_TYPE(as_array(result.array)) == NPY_FLOAT32) {
    // Copied in C order here, where an error changes nothing.
    result.array = in_c_order(result.array);
    if (std::ranges::any_of(numbers_of(result.array), [](float number) { return number != number; })) {
      throw ValueError(who + " was given NaN, for which no integer stands; remove it");
    }
  }
  return result;
}

void require_dtype(const char* role, const TensorInfo& tensor, py::handle array) {
  if (tensor.type == ElementType::string) return;
  require_dtype(tensor, array, std::string(role) + " '" + tensor.name + "'", [&](py::handle dtype) {
    // A converted array would be another one, which the caller does not see.
    return std::string_view(role) == "input" ? conversion_advice(tensor, dtype)
                                             : "; make it with zl.empty(shape, \"" + text_of(tensor.dtype) + "\")";
  });
}

void require_match(const char* role, const TensorInfo& tensor, py::handle array) {
  require_dtype(role, tensor, array);
  const std::span<const npy_intp> shape = shape_of(array);
  if (std::ranges::equal(shape, tensor.shape)) return;
  std::string text = std::string(role) + " '" + tensor.name + "' has the shape " + shape_text(shape) + ", and " +
                     shape_text(tensor.shape) + " is expected; reshape it";
  if (std::string_view(role) == "input" && tensor.may_become(shape)) {
    const bool is_identifier = PyUnicode_IsIdentifier(tensor.key.ptr()) == 1;
    const std::string name = is_identifier ? tensor.name + "=" : "{" + py::repr(tensor.key).cast<std::string>() + ": ";
    text += ", or call resize(" + name + shape_text(shape) + (is_identifier ? "" : "}") + ") first";
  }
  throw ValueError(text);
}

py::object quantized(const TensorInfo& real, const py::object& dtype, const py::object& array) {
  const py::object numbers = in_c_order(array);
  py::object stored = new_array(dtype, shape_of(numbers));
  const bool done = quantize(numbers_of(numbers), storage_of(real).type, quantization_within(real, numbers),
                             dimensions_of(shape_of(numbers)), bytes_of(stored));
  return done ? stored : py::object();
}

py::object dequantized(const TensorInfo& real, const py::object& array) {
  const py::object stored = in_c_order(array);
  py::object numbers = new_array(real.dtype, shape_of(stored));
  dequantize(bytes_of(stored), storage_of(real).type, quantization_within(real, stored),
             dimensions_of(shape_of(stored)), numbers_of(numbers));
  return numbers;
}

void store_values(const TensorInfo& tensor, py::handle array, std::byte* to) {
  if (tensor.storage) {
    store_real(tensor, array, to);
    return;
  }
  if (!is_packed(tensor.type)) {
    copy_values(as_array(array), to);
    return;
  }
  std::vector<std::uint8_t> values(static_cast<std::size_t>(PyArray_SIZE(as_array(array))));
  copy_values(as_array(array), reinterpret_cast<std::byte*>(values.data()));
  pack(values, static_cast<unsigned>(bits_of(tensor.type).value_or(8)), to);
}

void store_input(SignatureRunner& runner, std::size_t index, const TensorInfo& tensor, const InputValue& value) {
  if (tensor.type == ElementType::string) {
    runner.set_strings(index, value.strings);
    return;
  }
  store_values(tensor, value.array, runner.binding(Side::input, index).data());
}

py::object load_output(const TensorInfo& tensor, std::span<const std::byte> bytes) {
  py::object array = new_array(tensor.dtype, tensor.shape);
  if (tensor.storage) {
    load_real(tensor, bytes, array);
    return array;
  }
  auto* const to = static_cast<std::uint8_t*>(PyArray_DATA(as_array(array)));
  const auto size = static_cast<std::size_t>(PyArray_NBYTES(as_array(array)));
  if (is_packed(tensor.type)) {
    const bool is_signed = tensor.type != ElementType::uint4;
    unpack(bytes, static_cast<unsigned>(bits_of(tensor.type).value_or(8)), is_signed, {to, size});
  } else if (size > 0) {
    std::memcpy(to, bytes.data(), std::min(size, bytes.size()));
  }
  return array;
}

}  // namespace zerolite::bindings
