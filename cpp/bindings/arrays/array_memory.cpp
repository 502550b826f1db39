#include "arrays/array_memory.hpp"

#include <algorithm>
#include <array>
#include <utility>
#include <vector>

#include "arrays/dlpack_import.hpp"
#include "arrays/numpy_api.hpp"
#include "arrays/other_arrays.hpp"
#include "register.hpp"
#include "zerolite/platform/aligned_buffer.hpp"
#include "zerolite/platform/error.hpp"

namespace py = pybind11;

namespace zerolite::bindings {
namespace {

constexpr const char* kCapsuleName = "zerolite.memory";

struct Memory {
  std::shared_ptr<void> owner;
  const std::byte* end;
};

py::capsule capsule_for(std::shared_ptr<void> owner, const std::byte* end) {
  auto memory = std::make_unique<Memory>(Memory{std::move(owner), end});
  py::capsule capsule(memory.get(), kCapsuleName, [](PyObject* object) {
    const std::unique_ptr<Memory> owned(static_cast<Memory*>(PyCapsule_GetPointer(object, kCapsuleName)));
  });
  (void)memory.release();
  return capsule;
}

py::object make_array(const py::object& dtype, std::span<const npy_intp> shape, std::byte* data, py::capsule base) {
  Py_INCREF(dtype.ptr());  // NumPy takes the reference
  PyObject* array =
      PyArray_NewFromDescr(&PyArray_Type, reinterpret_cast<PyArray_Descr*>(dtype.ptr()), static_cast<int>(shape.size()),
                           shape.data(), nullptr, data, NPY_ARRAY_CARRAY, nullptr);
  if (array == nullptr) throw py::error_already_set();
  auto object = py::reinterpret_steal<py::object>(array);
  if (PyArray_SetBaseObject(as_array(array), base.release().ptr()) != 0) throw py::error_already_set();
  return object;
}

const std::byte* end_of(PyArrayObject* array) {
  return static_cast<const std::byte*>(PyArray_DATA(array)) + PyArray_NBYTES(array);
}

}  // namespace

py::object array_over(std::byte* data, const py::object& dtype, std::span<const std::int32_t> shape,
                      std::shared_ptr<void> owner, std::size_t readable) {
  std::vector<npy_intp> dimensions(shape.begin(), shape.end());
  std::ranges::replace_if(
      dimensions, [](npy_intp dimension) { return dimension < 0; }, 0);
  return make_array(dtype, dimensions, data, capsule_for(std::move(owner), data + readable));
}

py::object aligned_array(const py::object& shape, const py::object& dtype) {
  PyArray_Dims dimensions{};
  if (PyArray_IntpConverter(shape.ptr(), &dimensions) != NPY_SUCCEED) throw py::error_already_set();
  const std::vector<npy_intp> sizes(dimensions.ptr, dimensions.ptr + dimensions.len);
  PyDimMem_FREE(dimensions.ptr);

  PyArray_Descr* converted = nullptr;
  if (PyArray_DescrConverter(dtype.ptr(), &converted) != NPY_SUCCEED) throw py::error_already_set();
  const auto descriptor = py::reinterpret_steal<py::object>(reinterpret_cast<PyObject*>(converted));
  if (PyDataType_REFCHK(converted)) {
    throw TypeError("zl.empty makes memory for numbers, and the dtype " + py::str(descriptor).cast<std::string>() +
                    " holds Python objects; use numpy.empty for those");
  }
  auto size = static_cast<std::size_t>(PyDataType_ELSIZE(converted));
  constexpr std::size_t kMost = std::size_t{1} << (sizeof(std::size_t) * 8 - 2);
  for (const npy_intp dimension : sizes) {
    if (dimension < 0) throw ValueError("zl.empty was asked for a negative dimension; give dimensions of at least 0");
    if (dimension != 0 && size > kMost / static_cast<std::size_t>(dimension)) throw std::bad_alloc();
    size *= static_cast<std::size_t>(dimension);
  }
  std::shared_ptr<AlignedBuffer> buffer = AlignedBuffer::allocate(size);
  std::byte* data = buffer->data();
  const std::byte* end = data + buffer->capacity();
  return make_array(descriptor, sizes, data, capsule_for(std::move(buffer), end));
}

std::size_t readable_past_end(py::handle array) {
  PyArrayObject* root = as_array(array);
  const std::byte* end = end_of(root);
  while (true) {
    PyObject* base = PyArray_BASE(root);
    if (base != nullptr && PyArray_Check(base)) {
      root = as_array(base);
      continue;
    }
    const std::byte* readable_end = nullptr;
    if (base != nullptr && PyCapsule_IsValid(base, kCapsuleName) != 0) {
      readable_end = static_cast<const Memory*>(PyCapsule_GetPointer(base, kCapsuleName))->end;
    } else if (base == nullptr && PyArray_IS_C_CONTIGUOUS(root)) {
      readable_end = end_of(root);
    }
    return readable_end != nullptr && readable_end > end ? static_cast<std::size_t>(readable_end - end) : 0;
  }
}

void register_arrays(py::module_& module) {
  (void)lender_names();
  module.def("empty", &aligned_array, py::arg("shape"), py::arg("dtype"),
             "A zeroed array in 64-byte aligned memory that may be bound to a tensor.");
  module.def(
      "array_over_memory",
      [](py::handle value, const std::string& who) -> py::object {
        py::object array = array_over_memory(value, who);
        return array ? array : py::none();
      },
      py::arg("value"), py::arg("who"), py::pos_only(), "A buffer, or another library's array, as a NumPy array.");
}

}  // namespace zerolite::bindings
