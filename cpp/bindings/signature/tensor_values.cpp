#include "signature/tensor_values.hpp"

#include <algorithm>
#include <cassert>
#include <cstring>
#include <string>

#include "signature/strings.hpp"
#include "signature/value_conversion.hpp"
#include "zerolite/platform/error.hpp"

namespace py = pybind11;

namespace zerolite::bindings {
namespace {

py::object as_numpy_array(py::handle value, PyArray_Descr* descriptor) {
  Py_XINCREF(descriptor);  // NumPy takes the reference
  PyObject* array = PyArray_FromAny(value.ptr(), descriptor, 0, 0, NPY_ARRAY_ENSUREARRAY, nullptr);
  if (array == nullptr) throw py::error_already_set();
  return py::reinterpret_steal<py::object>(array);
}

std::string shape_text(std::span<const npy_intp> shape) {
  std::vector<std::int32_t> dimensions;
  dimensions.reserve(shape.size());
  std::ranges::transform(shape, std::back_inserter(dimensions),
                         [](npy_intp dimension) { return static_cast<std::int32_t>(dimension); });
  return to_string(dimensions);
}

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

}  // namespace

InputValue convert_input(const TensorInfo& tensor, py::handle value) {
  InputValue result;
  if (tensor.type == ElementType::string) {
    result.array = PyArray_Check(value.ptr()) ? py::reinterpret_borrow<py::object>(value)
                                              : as_numpy_array(value, PyArray_DescrFromType(NPY_OBJECT));
    result.strings = encode_strings(tensor, result.array);
    return result;
  }
  result.array = exactly_converted(tensor, value, "input '" + tensor.name + "'");
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

void store_values(const TensorInfo& tensor, py::handle array, std::byte* to) {
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
  Py_INCREF(tensor.dtype.ptr());
  auto array = py::reinterpret_steal<py::object>(
      PyArray_NewFromDescr(&PyArray_Type, tensor.descriptor(), static_cast<int>(tensor.shape.size()),
                           tensor.shape.data(), nullptr, nullptr, 0, nullptr));
  if (!array) throw py::error_already_set();
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
