#include "arrays/arrow_import.hpp"

#include <array_exchange/arrow.hpp>
#include <charconv>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <map>
#include <string_view>
#include <system_error>
#include <vector>

#include "arrays/numpy_api.hpp"
#include "zerolite/platform/error.hpp"

namespace py = pybind11;

namespace zerolite::bindings {
namespace {

// NumPy's number for a format of one letter; NPY_NOTYPE for what is laid out otherwise, as truth values are.
int numpy_type_of(std::string_view format) {
  static const std::map<std::string_view, int> types = {
      {"c", NPY_INT8},  {"C", NPY_UINT8},  {"s", NPY_INT16},   {"S", NPY_UINT16},  {"i", NPY_INT32},  {"I", NPY_UINT32},
      {"l", NPY_INT64}, {"L", NPY_UINT64}, {"e", NPY_FLOAT16}, {"f", NPY_FLOAT32}, {"g", NPY_FLOAT64}};
  const auto found = types.find(format);
  return found == types.end() ? NPY_NOTYPE : found->second;
}

// How many elements each list of the format has; negative for another format.
std::int64_t list_size_of(std::string_view format) {
  constexpr std::string_view kFixedSizeList = "+w:";
  if (!format.starts_with(kFixedSizeList)) return -1;
  const std::string_view digits = format.substr(kFixedSizeList.size());
  std::int64_t size = -1;
  const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), size);
  return error == std::errc() && end == digits.data() + digits.size() ? size : -1;
}

// See Schema::metadata.
std::map<std::string, std::string> metadata_of(const arrow::Schema& schema) {
  std::map<std::string, std::string> metadata;
  const char* next = schema.metadata;
  if (next == nullptr) return metadata;
  const auto number = [&next] {
    std::int32_t value = 0;
    std::memcpy(&value, next, sizeof(value));
    next += sizeof(value);
    return value;
  };
  const auto text = [&] {
    const auto length = static_cast<std::size_t>(number());
    std::string value(next, length);
    next += length;
    return value;
  };
  for (std::int32_t pairs = number(); pairs > 0; --pairs) {
    std::string key = text();
    metadata[std::move(key)] = text();
  }
  return metadata;
}

bool has_nulls(const arrow::Array& array, std::int64_t first, std::int64_t count) {
  if (array.null_count == 0 || array.buffer_count < 1 || array.buffers[0] == nullptr) return false;
  const auto* const valid = static_cast<const std::uint8_t*>(array.buffers[0]);
  for (std::int64_t i = first; i < first + count; ++i) {
    const auto bit = static_cast<unsigned>(i % 8);
    if ((static_cast<unsigned>(valid[i / 8]) >> bit & 1U) == 0) return true;
  }
  return false;
}

// What is left when all lists are opened: numbers in a row.
struct ArrowNumbers {
  int type = NPY_NOTYPE;
  std::byte* data = nullptr;  // null where there are none
  std::vector<std::int64_t> shape;
  bool nulls = false;
};

ArrowNumbers opened(const arrow::Schema* schema, const arrow::Array* array) {
  ArrowNumbers numbers;
  numbers.shape = {array->length};
  std::int64_t first = array->offset;
  std::int64_t count = array->length;
  for (std::int64_t size = 0; (size = list_size_of(schema->format)) >= 0 && array->child_count == 1;) {
    numbers.nulls = numbers.nulls || has_nulls(*array, first, count);
    numbers.shape.push_back(size);
    schema = schema->children[0];
    array = array->children[0];
    first = first * size + array->offset;
    count *= size;
  }
  if (schema->dictionary != nullptr || array->buffer_count != 2) return numbers;
  numbers.type = numpy_type_of(schema->format);
  if (numbers.type == NPY_NOTYPE) return numbers;
  numbers.nulls = numbers.nulls || has_nulls(*array, first, count);
  const auto descriptor =
      py::reinterpret_steal<py::object>(reinterpret_cast<PyObject*>(PyArray_DescrFromType(numbers.type)));
  const npy_intp item_size = PyDataType_ELSIZE(reinterpret_cast<PyArray_Descr*>(descriptor.ptr()));
  auto* const data = static_cast<std::byte*>(array->buffers[1]);
  if (data != nullptr) numbers.data = data + first * item_size;
  return numbers;
}

// Rows of "arrow.fixed_shape_tensor" have a shape of their own, and may lie with their axes in another order.
py::object with_the_rows_shape(const py::object& array, const arrow::Schema& schema) {
  const std::map<std::string, std::string> metadata = metadata_of(schema);
  const auto name = metadata.find("ARROW:extension:name");
  const auto parameters = metadata.find("ARROW:extension:metadata");
  if (name == metadata.end() || name->second != "arrow.fixed_shape_tensor" || parameters == metadata.end())
    return array;
  const py::dict description(py::module_::import("json").attr("loads")(parameters->second));
  const py::list rows(description["shape"]);
  py::list shape;
  shape.append(array.attr("shape")[py::int_(0)]);
  for (const py::handle dimension : rows) shape.append(dimension);
  py::object tensors = array.attr("reshape")(shape);
  if (!description.contains("permutation")) return tensors;
  py::list axes;
  axes.append(0);
  for (const py::handle axis : py::list(description["permutation"])) axes.append(axis.cast<int>() + 1);
  return tensors.attr("transpose")(axes);
}

}  // namespace

bool speaks_arrow(py::handle value) { return py::hasattr(py::type::handle_of(value), "__arrow_c_array__"); }

py::object array_of_arrow(py::handle value, const std::string& who) {
  const py::tuple capsules(value.attr("__arrow_c_array__")());
  const auto* const schema =
      static_cast<const arrow::Schema*>(PyCapsule_GetPointer(py::object(capsules[0]).ptr(), arrow::kSchemaName));
  if (schema == nullptr) throw py::error_already_set();
  // The column stays in its capsule, which releases it.
  py::object owner = capsules[1];
  const auto* const column = static_cast<const arrow::Array*>(PyCapsule_GetPointer(owner.ptr(), arrow::kArrayName));
  if (column == nullptr) throw py::error_already_set();
  const ArrowNumbers numbers = opened(schema, column);
  if (numbers.type == NPY_NOTYPE) return {};
  if (numbers.nulls) {
    throw ValueError(who + " was given a column of Arrow with nulls, which no tensor holds; fill them first, as " +
                     "fill_null of PyArrow does");
  }
  const std::vector<npy_intp> shape(numbers.shape.begin(), numbers.shape.end());
  auto array = py::reinterpret_steal<py::object>(
      PyArray_NewFromDescr(&PyArray_Type, PyArray_DescrFromType(numbers.type), static_cast<int>(shape.size()),
                           shape.data(), nullptr, numbers.data, NPY_ARRAY_CARRAY_RO, nullptr));
  if (!array) throw py::error_already_set();
  if (numbers.data != nullptr && PyArray_SetBaseObject(as_array(array), owner.release().ptr()) != 0) {
    throw py::error_already_set();
  }
  return with_the_rows_shape(array, *schema);
}

}  // namespace zerolite::bindings
