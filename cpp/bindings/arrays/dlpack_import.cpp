#include "arrays/dlpack_import.hpp"

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <utility>
#include <vector>

#include "arrays/dtypes.hpp"
#include "arrays/numpy_api.hpp"
#include "zerolite/platform/error.hpp"

namespace py = pybind11;

namespace zerolite::bindings {
namespace {

constexpr const char* kOwnerName = "zerolite.dlpack";
// Of NumPy 1; NumPy 2 takes more.
constexpr std::int32_t kMostDimensions = 32;

std::string type_name(py::handle value) {
  const py::handle type = py::type::handle_of(value);
  const auto module = py::str(type.attr("__module__")).cast<std::string>();
  return module + "." + py::str(type.attr("__qualname__")).cast<std::string>();
}

std::string name_of(dlpack::DeviceType device) {
  switch (device) {
    case dlpack::DeviceType::cuda:
    case dlpack::DeviceType::cuda_managed:
      return "CUDA";
    case dlpack::DeviceType::rocm:
      return "ROCm";
    case dlpack::DeviceType::metal:
      return "Metal";
    case dlpack::DeviceType::opencl:
      return "OpenCL";
    case dlpack::DeviceType::vulkan:
      return "Vulkan";
    case dlpack::DeviceType::one_api:
      return "oneAPI";
    case dlpack::DeviceType::webgpu:
      return "WebGPU";
    default:
      return "of DLPack's number " + std::to_string(static_cast<int>(device));
  }
}

bool is_memory_of_the_cpu(dlpack::DeviceType device) {
  return device == dlpack::DeviceType::cpu || device == dlpack::DeviceType::cuda_host ||
         device == dlpack::DeviceType::rocm_host;
}

void require_cpu(py::handle value, dlpack::Device device, const std::string& who) {
  if (is_memory_of_the_cpu(device.type)) return;
  throw ValueError(
      who + " was given a " + type_name(value) + " on the device " + name_of(device.type) + " " +
      std::to_string(device.id) +
      ", and memory of the CPU is expected; pass its copy there, as .cpu() of PyTorch or jax.device_get of "
      "JAX makes it");
}

dlpack::Device device_of(py::handle value) {
  const py::tuple device(value.attr("__dlpack_device__")());
  return {static_cast<dlpack::DeviceType>(py::int_(py::object(device[0])).cast<std::int32_t>()),
          py::int_(py::object(device[1])).cast<std::int32_t>()};
}

// What PyTorch's tensors may have beside their memory, and what makes a plain tensor of such a one.
struct Surplus {
  const char* attribute;
  bool is_method;
  const char* what;
  const char* mend;
};
constexpr std::array<Surplus, 3> kSurplus = {{
    {"requires_grad", false, "that requires grad", "detach()"},
    {"is_conj", true, "that is conjugated only when it is read", "resolve_conj()"},
    {"is_neg", true, "that is negated only when it is read", "resolve_neg()"},
}};

// Whether the value has that; null, without an error set, where it does not know the word.
std::optional<bool> answer(PyObject* value, PyObject* attribute, bool is_method) {
  PyObject* result = is_method ? PyObject_CallMethodNoArgs(value, attribute) : PyObject_GetAttr(value, attribute);
  if (result == nullptr) {
    PyErr_Clear();
    return std::nullopt;
  }
  const bool yes = result == Py_True;
  Py_DECREF(result);
  return yes;
}

void require_plain(py::handle value, const std::string& who) {
  for (const Surplus& surplus : kSurplus) {
    const py::str attribute(surplus.attribute);
    if (!py::hasattr(value, attribute) || !answer(value.ptr(), attribute.ptr(), surplus.is_method).value_or(false)) {
      continue;
    }
    throw ValueError(who + " was given a " + type_name(value) + " " + surplus.what +
                     ", and its memory alone is read; pass its ." + surplus.mend);
  }
}

py::object capsule_of(py::handle value) {
  const py::object make = value.attr("__dlpack__");
  try {
    return make(py::arg("max_version") = py::make_tuple(dlpack::kVersion.major, dlpack::kVersion.minor));
  } catch (py::error_already_set& error) {
    if (!error.matches(PyExc_TypeError)) throw;
    return make();  // of a library that is older than versions
  }
}

template <typename Managed>
struct Deleter {
  void operator()(Managed* tensor) const {
    if (tensor->deleter != nullptr) tensor->deleter(tensor);
  }
};

// Takes the tensor over from its capsule, into one that frees it.
template <typename Managed>
std::pair<Managed*, py::capsule> taken(py::handle capsule, const char* name, const char* used_name) {
  std::unique_ptr<Managed, Deleter<Managed>> tensor(static_cast<Managed*>(PyCapsule_GetPointer(capsule.ptr(), name)));
  if (tensor == nullptr) throw py::error_already_set();
  if (PyCapsule_SetName(capsule.ptr(), used_name) != 0) {
    (void)tensor.release();  // it is still the capsule's
    throw py::error_already_set();
  }
  py::capsule owner(tensor.get(), kOwnerName, [](PyObject* object) {
    const std::unique_ptr<Managed, Deleter<Managed>> owned(
        static_cast<Managed*>(PyCapsule_GetPointer(object, kOwnerName)));
  });
  return {tensor.release(), std::move(owner)};
}

py::object array_over(const dlpack::Tensor& tensor, py::capsule owner, bool read_only) {
  const std::optional<ElementType> type = type_of(tensor.type);
  if (!type || tensor.rank < 0 || tensor.rank > kMostDimensions) return {};
  py::object dtype = dtype_of(*type);
  const std::vector<npy_intp> shape(tensor.shape, tensor.shape + tensor.rank);
  std::vector<npy_intp> strides;
  if (tensor.strides != nullptr) {
    strides.assign(tensor.strides, tensor.strides + tensor.rank);
    for (npy_intp& stride : strides) stride *= tensor.type.bits / 8;
  }
  std::byte* const data = tensor.data == nullptr ? nullptr : static_cast<std::byte*>(tensor.data) + tensor.byte_offset;
  auto array = py::reinterpret_steal<py::object>(PyArray_NewFromDescr(
      &PyArray_Type, reinterpret_cast<PyArray_Descr*>(dtype.release().ptr()), tensor.rank, shape.data(),
      strides.empty() ? nullptr : strides.data(), data, read_only ? 0 : NPY_ARRAY_WRITEABLE, nullptr));
  if (!array) throw py::error_already_set();
  if (data == nullptr) {  // no elements: the memory is NumPy's
    return PyArray_SIZE(as_array(array)) == 0 ? array : py::object();
  }
  PyArray_UpdateFlags(as_array(array), NPY_ARRAY_ALIGNED | NPY_ARRAY_C_CONTIGUOUS | NPY_ARRAY_F_CONTIGUOUS);
  if (PyArray_SetBaseObject(as_array(array), owner.release().ptr()) != 0) throw py::error_already_set();
  return array;
}

py::object array_of_capsule(py::handle value, py::handle capsule, const std::string& who) {
  if (PyCapsule_IsValid(capsule.ptr(), dlpack::kVersionedName) != 0) {
    auto [managed, owner] = taken<dlpack::VersionedTensor>(capsule, dlpack::kVersionedName, dlpack::kUsedVersionedName);
    if (managed->version.major != dlpack::kVersion.major) return {};
    require_cpu(value, managed->tensor.device, who);
    return array_over(managed->tensor, std::move(owner), (managed->flags & dlpack::kReadOnly) != 0);
  }
  if (PyCapsule_IsValid(capsule.ptr(), dlpack::kUnversionedName) == 0) return {};
  auto [managed, owner] =
      taken<dlpack::UnversionedTensor>(capsule, dlpack::kUnversionedName, dlpack::kUsedUnversionedName);
  require_cpu(value, managed->tensor.device, who);
  return array_over(managed->tensor, std::move(owner), true);
}

}  // namespace

bool speaks_dlpack(py::handle value) { return py::hasattr(py::type::handle_of(value), "__dlpack__"); }

py::object array_of_dlpack(py::handle value, const std::string& who) {
  require_plain(value, who);
  py::object capsule;
  try {
    require_cpu(value, device_of(value), who);
    capsule = capsule_of(value);
  } catch (py::error_already_set& error) {
    // Whatever a library does not give away by DLPack, it may give to NumPy: a type of elements, or a layout.
    if (!error.matches(PyExc_Exception) || error.matches(PyExc_MemoryError)) throw;
    return {};
  }
  return array_of_capsule(value, capsule, who);
}

const LenderNames& lender_names() {
  static const LenderNames names = {PyUnicode_InternFromString(dlpack::kExchangeTableAttribute),
                                    PyUnicode_InternFromString("requires_grad")};
  return names;
}

LendTensor lender_of(PyObject* value) {
  const auto& [table_name, requires_grad] = lender_names();
  PyObject* const attributes = Py_TYPE(value)->tp_dict;
  PyObject* capsule = nullptr;
#ifdef Py_GIL_DISABLED
  // Another thread may set the attribute anew: this one holds what it found.
  if (attributes != nullptr) (void)PyDict_GetItemRef(attributes, table_name, &capsule);
  const auto held = py::reinterpret_steal<py::object>(capsule);
#else
  if (attributes != nullptr) capsule = PyDict_GetItemWithError(attributes, table_name);
#endif
  if (capsule == nullptr || PyCapsule_IsValid(capsule, dlpack::kExchangeTableName) == 0) {
    PyErr_Clear();
    return nullptr;
  }
  const auto* const table =
      static_cast<const dlpack::ExchangeTable*>(PyCapsule_GetPointer(capsule, dlpack::kExchangeTableName));
  if (table->version.major != dlpack::kVersion.major || table->borrow_tensor == nullptr) return nullptr;
  return answer(value, requires_grad, false).value_or(false) ? nullptr : table->borrow_tensor;
}

}  // namespace zerolite::bindings
