#include "signature/strings.hpp"

#include <string>
#include <string_view>

#include "zerolite/platform/error.hpp"
#include "zerolite/tensor/string_tensor.hpp"

namespace py = pybind11;

namespace zerolite::bindings {
namespace {

// Raises UnicodeEncodeError for a str that has no UTF-8.
std::string bytes_of(py::handle text) {
  if (PyBytes_Check(text.ptr())) return text.cast<std::string>();
  Py_ssize_t size = 0;
  const char* characters = PyUnicode_AsUTF8AndSize(text.ptr(), &size);
  if (characters == nullptr) throw py::error_already_set();
  return {characters, static_cast<std::size_t>(size)};
}

}  // namespace

std::vector<std::byte> encode_strings(const TensorInfo& tensor, py::handle array) {
  const py::object flat = array.attr("reshape")(-1).attr("tolist")();
  std::vector<std::string> texts;
  for (const py::handle item : flat) {
    if (!PyBytes_Check(item.ptr()) && !PyUnicode_Check(item.ptr())) {
      throw TypeError("input '" + tensor.name + "' takes strings, and an element is of type " +
                      std::string(Py_TYPE(item.ptr())->tp_name) + "; pass bytes or str");
    }
    texts.push_back(bytes_of(item));
  }
  const std::vector<std::string_view> views(texts.begin(), texts.end());
  return string_tensor::encode(views);
}

py::object decode_strings(std::span<const std::byte> bytes, std::span<const npy_intp> shape) {
  const std::vector<std::string_view> strings = string_tensor::decode(bytes);
  auto array =
      py::reinterpret_steal<py::object>(PyArray_SimpleNew(static_cast<int>(shape.size()), shape.data(), NPY_OBJECT));
  if (!array) throw py::error_already_set();
  const auto count = static_cast<std::size_t>(PyArray_SIZE(as_array(array)));
  const bool unset = strings.empty();  // memory that nothing was written to yet
  if (count > strings.size() && !unset) {
    throw Error("a string output holds " + std::to_string(strings.size()) + " strings, and its shape has room for " +
                std::to_string(count));
  }
  auto* items = static_cast<PyObject**>(PyArray_DATA(as_array(array)));
  for (std::size_t i = 0; i < count; ++i) {
    PyObject* previous = items[i];
    const std::string_view text = unset ? std::string_view() : strings[i];
    items[i] = py::bytes(text.data(), text.size()).release().ptr();
    Py_XDECREF(previous);
  }
  return array;
}

}  // namespace zerolite::bindings
