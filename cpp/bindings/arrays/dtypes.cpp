#include "arrays/dtypes.hpp"

#include <array>
#include <optional>
#include <string>
#include <utility>

#include "arrays/numpy_api.hpp"
#include "zerolite/platform/error.hpp"

namespace py = pybind11;

namespace zerolite::bindings {
namespace {

std::optional<int> numpy_type_number(ElementType type) {
  switch (type) {
    case ElementType::boolean:
      return NPY_BOOL;
    case ElementType::int8:
      return NPY_INT8;
    case ElementType::int16:
      return NPY_INT16;
    case ElementType::int32:
      return NPY_INT32;
    case ElementType::int64:
      return NPY_INT64;
    case ElementType::uint8:
      return NPY_UINT8;
    case ElementType::uint16:
      return NPY_UINT16;
    case ElementType::uint32:
      return NPY_UINT32;
    case ElementType::uint64:
      return NPY_UINT64;
    case ElementType::float16:
      return NPY_FLOAT16;
    case ElementType::float32:
      return NPY_FLOAT32;
    case ElementType::float64:
      return NPY_FLOAT64;
    case ElementType::complex64:
      return NPY_COMPLEX64;
    case ElementType::complex128:
      return NPY_COMPLEX128;
    case ElementType::string:
      return NPY_OBJECT;
    default:
      return std::nullopt;
  }
}

bool is_from_ml_dtypes(ElementType type) {
  switch (type) {
    case ElementType::bfloat16:
    case ElementType::int2:
    case ElementType::int4:
    case ElementType::uint4:
    case ElementType::float8_e4m3fn:
    case ElementType::float8_e5m2:
      return true;
    default:
      return false;
  }
}

constexpr std::array<std::pair<ElementType, dlpack::DataType>, 17> kDlpackTypes = {{
    {ElementType::float32, {dlpack::TypeCode::ieee_float, 32, 1}},
    {ElementType::int8, {dlpack::TypeCode::signed_integer, 8, 1}},
    {ElementType::uint8, {dlpack::TypeCode::unsigned_integer, 8, 1}},
    {ElementType::int32, {dlpack::TypeCode::signed_integer, 32, 1}},
    {ElementType::int64, {dlpack::TypeCode::signed_integer, 64, 1}},
    {ElementType::boolean, {dlpack::TypeCode::boolean, 8, 1}},
    {ElementType::float16, {dlpack::TypeCode::ieee_float, 16, 1}},
    {ElementType::bfloat16, {dlpack::TypeCode::bfloat, 16, 1}},
    {ElementType::int16, {dlpack::TypeCode::signed_integer, 16, 1}},
    {ElementType::uint16, {dlpack::TypeCode::unsigned_integer, 16, 1}},
    {ElementType::uint32, {dlpack::TypeCode::unsigned_integer, 32, 1}},
    {ElementType::uint64, {dlpack::TypeCode::unsigned_integer, 64, 1}},
    {ElementType::float64, {dlpack::TypeCode::ieee_float, 64, 1}},
    {ElementType::complex64, {dlpack::TypeCode::complex, 64, 1}},
    {ElementType::complex128, {dlpack::TypeCode::complex, 128, 1}},
    {ElementType::float8_e4m3fn, {dlpack::TypeCode::float8_e4m3fn, 8, 1}},
    {ElementType::float8_e5m2, {dlpack::TypeCode::float8_e5m2, 8, 1}},
}};

}  // namespace

std::optional<dlpack::DataType> dlpack_type_of(ElementType type) {
  for (const auto& [element_type, dlpack_type] : kDlpackTypes) {
    if (element_type == type) return dlpack_type;
  }
  return std::nullopt;
}

std::optional<ElementType> type_of(const dlpack::DataType& type) {
  for (const auto& [element_type, dlpack_type] : kDlpackTypes) {
    if (dlpack_type == type) return element_type;
  }
  return std::nullopt;
}

py::object dtype_of(ElementType type) {
  if (const std::optional<int> number = numpy_type_number(type)) {
    return py::reinterpret_steal<py::object>(reinterpret_cast<PyObject*>(PyArray_DescrFromType(*number)));
  }
  const std::string name(name_of(type));
  if (!is_from_ml_dtypes(type)) throw Error("tensors of type " + name + " have no NumPy dtype");
  const py::object scalar_type = py::module_::import("ml_dtypes").attr(name.c_str());
  PyArray_Descr* descriptor = nullptr;
  if (PyArray_DescrConverter(scalar_type.ptr(), &descriptor) != NPY_SUCCEED) throw py::error_already_set();
  return py::reinterpret_steal<py::object>(reinterpret_cast<PyObject*>(descriptor));
}

}  // namespace zerolite::bindings
