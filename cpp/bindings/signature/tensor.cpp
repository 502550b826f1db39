#include <pybind11/pybind11.h>

#include <cstddef>
#include <memory>
#include <string>
#include <utility>

#include "arrays/array_memory.hpp"
#include "arrays/dlpack_export.hpp"
#include "arrays/dtypes.hpp"
#include "python/errors.hpp"
#include "python/instance.hpp"
#include "python/locking.hpp"
#include "register.hpp"
#include "signature/bind_memory.hpp"
#include "signature/signature_object.hpp"
#include "signature/strings.hpp"
#include "signature/tensor_values.hpp"
#include "signature/value_conversion.hpp"
#include "zerolite/platform/aligned_buffer.hpp"

namespace py = pybind11;

namespace zerolite::bindings {
namespace {

// An input or output of a signature, as it is at the moment of asking.
class TensorObject {
 public:
  TensorObject(py::object signature, Side side, std::size_t index)
      : holder_(std::move(signature)), signature_(&native<SignatureObject>(holder_)), side_(side), index_(index) {}

  [[nodiscard]] py::object name() const { return info().key; }
  [[nodiscard]] py::object dtype() const { return info().dtype; }
  [[nodiscard]] bool is_plain() const { return info().plain; }
  [[nodiscard]] bool is_input() const { return side_ == Side::input; }

  [[nodiscard]] py::tuple shape() const { return as_tuple(spec().shape); }
  [[nodiscard]] py::tuple shape_signature() const { return as_tuple(spec().shape_signature); }
  // (scales, zero points, axis) or None.
  [[nodiscard]] py::object quantization() const {
    const TensorSpec current = spec();
    if (!current.quantization) return py::none();
    const Quantization& quantization = *current.quantization;
    return py::make_tuple(as_tuple(quantization.scales), as_tuple(quantization.zero_points), quantization.axis);
  }

  // As other libraries take it over: the memory itself, where they don't ask for a copy.
  [[nodiscard]] py::object dlpack(const py::object& stream, const py::object& max_version, const py::object& dl_device,
                                  const py::object& copy) const {
    const std::unique_lock lock = lock_model(signature_->model().lock());
    SignatureRunner& runner = signature_->runner();
    runner.collect_again(runner.position(side_, index_));
    const TensorBinding& binding = runner.binding(side_, index_);
    return dlpack_capsule({binding.data(), info().type, binding.shape(), binding.owner()},
                          {stream, max_version, dl_device, copy});
  }

  // By the buffer protocol, of which NumPy knows the formats.
  void fill(Py_buffer* view, int flags) const {
    if (!has_buffer_format()) {
      throw py::buffer_error("the buffer protocol has no format for elements of " + std::string(name_of(info().type)) +
                             "; use the tensor's .array, or DLPack");
    }
    if (PyObject_GetBuffer(array().ptr(), view, flags) != 0) throw py::error_already_set();
  }

  [[nodiscard]] py::object array() const {
    const std::unique_lock lock = lock_model(signature_->model().lock());
    SignatureRunner& runner = signature_->runner();
    runner.collect_again(runner.position(side_, index_));
    const TensorBinding& binding = runner.binding(side_, index_);
    if (info().type == ElementType::string) return decode_strings(binding.bytes(), info().shape);
    std::vector<std::int32_t> shape(binding.shape());
    py::object dtype = info().dtype;
    if (!info().plain) {
      // Packed elements have no addresses; what there is to see is their bytes.
      shape = {static_cast<std::int32_t>(binding.size())};
      dtype = py::reinterpret_steal<py::object>(reinterpret_cast<PyObject*>(PyArray_DescrFromType(NPY_UINT8)));
    }
    const std::size_t readable = binding.is_bound() ? binding.size() : binding.size() + kReadPastEnd;
    return array_over(binding.data(), dtype, shape, binding.owner(), readable);
  }

  // As a call takes it, but for the shape.
  [[nodiscard]] py::object converted(const py::object& value, const std::string& who) const {
    {
      const std::unique_lock lock = lock_model(signature_->model().lock());
      (void)signature_->runner();
    }
    if (info().type == ElementType::string) return py::module_::import("numpy").attr("asarray")(value);
    py::object array = exactly_converted(info(), value, who);
    require_dtype(info(), array, who, [this](py::handle dtype) { return conversion_advice(info(), dtype); });
    return array;
  }

  // Real numbers, of one item or many, as the integers that the tensor stores for them, and back. What is not quantized
  // stays what it is.
  [[nodiscard]] py::object quantized_values(const py::object& value, const std::string& who) const {
    const TensorInfo real = real_info();
    if (!real.storage) return converted(value, who);
    const py::object array = exactly_converted(real, value, who);
    require_dtype(real, array, who, [&](py::handle dtype) { return conversion_advice(real, dtype); });
    require_rank(array, real.shape.size(), real.storage->quantization, who);
    py::object stored = quantized(real, info().dtype, array);
    if (!stored) throw ValueError(who + " holds NaN, for which no integer stands; remove it");
    return stored;
  }
  [[nodiscard]] py::object dequantized_values(const py::object& array) const {
    const TensorInfo real = real_info();
    return real.storage ? dequantized(real, array) : array;
  }

  void bind(const py::object& array) { bind_array(*signature_, side_, index_, array); }
  void unbind() { unbind_array(*signature_, side_, index_); }

 private:
  template <typename Values>
  static py::tuple as_tuple(const Values& values) {
    py::tuple tuple(values.size());
    for (std::size_t i = 0; i < values.size(); ++i) tuple[i] = values[i];
    return tuple;
  }

  [[nodiscard]] bool has_buffer_format() const {
    const int number = info().descriptor()->type_num;  // those of ml_dtypes are beyond NumPy's own
    return info().plain && (PyTypeNum_ISNUMBER(number) || PyTypeNum_ISBOOL(number));
  }
  [[nodiscard]] const TensorInfo& info() const { return signature_->tensors(side_)[index_]; }
  // A copy: the shape is another one as soon as somebody resizes.
  [[nodiscard]] TensorInfo real_info() const {
    const std::unique_lock lock = lock_model(signature_->model().lock());
    (void)signature_->runner();
    return signature_->tensors(side_, Numbers::real)[index_];
  }
  // An axis of a tensor is found from the last one on.
  static void require_rank(const py::object& array, std::size_t expected, const Quantization& quantization,
                           const std::string& who) {
    const auto rank = static_cast<std::size_t>(PyArray_NDIM(as_array(array)));
    if (rank < expected || rank > expected + 1) {
      throw ValueError(who + " has " + std::to_string(rank) + " dimensions, and the tensor has " +
                       std::to_string(expected) + "; reshape it");
    }
    const auto axis = static_cast<std::size_t>(quantization.axis) + (rank - expected);
    const std::size_t slices = quantization.scales.size();
    if (slices > 1 && std::cmp_not_equal(PyArray_DIM(as_array(array), static_cast<int>(axis)), slices)) {
      throw ValueError(who + " has not as many slices along its axis " + std::to_string(axis) +
                       " as there are scales (" + std::to_string(slices) + "); reshape it");
    }
  }
  [[nodiscard]] TensorSpec spec() const {
    const std::unique_lock lock = lock_model(signature_->model().lock());
    return signature_->runner().spec(side_, index_);
  }

  py::object holder_;
  SignatureObject* signature_;
  Side side_;
  std::size_t index_;
};

// See bf_getbuffer of CPython.
int fill_buffer(PyObject* self, Py_buffer* view, int flags) {
  const PyObject* filled = translated([&]() -> PyObject* {
    native<TensorObject>(self).fill(view, flags);
    return self;
  });
  if (filled == nullptr) view->obj = nullptr;
  return filled == nullptr ? -1 : 0;
}

void add_buffer(PyHeapTypeObject* type) {
  type->as_buffer.bf_getbuffer = &fill_buffer;
  type->ht_type.tp_as_buffer = &type->as_buffer;
}

}  // namespace

void register_tensor(py::module_& module) {
  py::class_<TensorObject>(module, "Tensor", "An input or output of a signature, as it is at the moment of asking.",
                           py::custom_type_setup([](PyHeapTypeObject* type) { add_buffer(type); }))
      .def(py::init([](py::object signature, bool is_input, std::size_t index) {
             const auto& object = native<SignatureObject>(signature);
             const Side side = is_input ? Side::input : Side::output;
             if (index >= object.tensors(side).size()) throw py::index_error("no tensor at that position");
             return TensorObject(std::move(signature), side, index);
           }),
           py::arg("signature"), py::kw_only(), py::arg("is_input"), py::arg("index"))
      .def_property_readonly("name", method(&TensorObject::name))
      .def_property_readonly("dtype", method(&TensorObject::dtype))
      .def_property_readonly("is_input", method(&TensorObject::is_input))
      .def("_converted", method(&TensorObject::converted), py::arg("value"), py::arg("who"), py::pos_only())
      .def("_quantized", method(&TensorObject::quantized_values), py::arg("value"), py::arg("who"), py::pos_only())
      .def("_dequantized", method(&TensorObject::dequantized_values), py::arg("array"), py::pos_only())
      .def_property_readonly("is_plain", method(&TensorObject::is_plain))
      .def_property_readonly("shape", method(&TensorObject::shape))
      .def_property_readonly("shape_signature", method(&TensorObject::shape_signature))
      .def_property_readonly("_quantization", method(&TensorObject::quantization))
      .def_property_readonly("array", method(&TensorObject::array))
      .def("__dlpack__", method(&TensorObject::dlpack), py::kw_only(), py::arg("stream") = py::none(),
           py::arg("max_version") = py::none(), py::arg("dl_device") = py::none(), py::arg("copy") = py::none())
      .def("__dlpack_device__",
           [](py::handle self) {
             (void)native<TensorObject>(self);
             return dlpack_device();
           })
      .def("bind", method(&TensorObject::bind), py::arg("array"), py::pos_only())
      .def("unbind", method(&TensorObject::unbind));
}

}  // namespace zerolite::bindings
