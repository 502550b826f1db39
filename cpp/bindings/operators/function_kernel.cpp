#include "operators/function_kernel.hpp"

#include <pybind11/stl.h>

#include <optional>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "arrays/dtypes.hpp"
#include "arrays/numpy_api.hpp"
#include "zerolite/platform/error.hpp"

namespace py = pybind11;

namespace zerolite::bindings {
namespace {

// Over memory that is the tensor's, and has no base object: an array that is made of it refers to this one.
py::object view_of(const HostOperand& operand, int flags) {
  if (operand.type == ElementType::string || is_packed(operand.type)) {
    throw TypeError("a tensor of dtype " + std::string(name_of(operand.type)) +
                    " can't be had as an array; write this operator in C++, and give it as zl.CustomOp");
  }
  py::object dtype = dtype_of(operand.type);
  const std::vector<npy_intp> shape(operand.shape.begin(), operand.shape.end());
  PyObject* array =
      PyArray_NewFromDescr(&PyArray_Type, reinterpret_cast<PyArray_Descr*>(dtype.release().ptr()),
                           static_cast<int>(shape.size()), shape.data(), nullptr, operand.bytes.data(), flags, nullptr);
  if (array == nullptr) throw py::error_already_set();
  return py::reinterpret_steal<py::object>(array);
}

// Whether another thread may come to an array that nobody refers to but this one: by a weak reference, where no GIL
// keeps it from doing so now.
bool may_be_taken([[maybe_unused]] PyArrayObject* array) {
#ifdef Py_GIL_DISABLED
  return reinterpret_cast<PyArrayObject_fields*>(array)->weakreflist != nullptr;
#else
  return false;
#endif
}

// The inputs of a call, which have the memory of tensors only as long as this lives.
class InputViews {
 public:
  explicit InputViews(const NodeCall& call) {
    for (std::size_t i = 0; i < call.input_count(); ++i) {
      const std::optional<HostOperand> operand = call.input(i);
      views_.push_back(operand ? view_of(*operand, NPY_ARRAY_C_CONTIGUOUS | NPY_ARRAY_ALIGNED) : py::none());
    }
  }

  [[nodiscard]] py::tuple arguments() const {
    py::tuple all(views_.size());
    for (std::size_t i = 0; i < views_.size(); ++i) all[i] = views_[i];
    return all;
  }

  // The first one that somebody keeps, or an array that is made of it. All of those get memory of their own.
  [[nodiscard]] std::optional<std::size_t> give_up() {
    std::optional<std::size_t> kept;
    for (std::size_t i = 0; i < views_.size(); ++i) {
      if (views_[i].is_none()) continue;
      PyArrayObject* const view = as_array(views_[i]);
      const bool is_kept = Py_REFCNT(views_[i].ptr()) != 1;
      if (!is_kept && !may_be_taken(view)) continue;
      if (is_kept && !kept) kept = i;
      PyObject* copy = PyArray_NewCopy(view, NPY_CORDER);
      if (copy == nullptr) throw py::error_already_set();
      reinterpret_cast<PyArrayObject_fields*>(view)->data = static_cast<char*>(PyArray_DATA(as_array(copy)));
      if (PyArray_SetBaseObject(view, copy) != 0) throw py::error_already_set();
    }
    return kept;
  }

 private:
  std::vector<py::object> views_;
};

py::tuple shape_as_tuple(std::span<const std::int32_t> shape) {
  py::tuple sizes(shape.size());
  for (std::size_t i = 0; i < shape.size(); ++i) sizes[i] = shape[i];
  return sizes;
}

py::object call_with(const PythonFunction& function, const py::tuple& arguments, const NodeCall& call) {
  if (!function.takes_options) return function.call(*arguments);
  const std::span<const std::byte> options = call.options();
  return function.call(*arguments,
                       py::arg("options") = py::bytes(reinterpret_cast<const char*>(options.data()), options.size()));
}

// One result for one output, and as many for several.
std::vector<py::object> results_of(const py::object& returned, std::size_t count, const char* what) {
  if (count == 1) return {returned};
  if (!py::isinstance<py::tuple>(returned) && !py::isinstance<py::list>(returned)) {
    throw TypeError("it has " + std::to_string(count) + " outputs and returned one " +
                    Py_TYPE(returned.ptr())->tp_name + "; return a tuple of as many " + what);
  }
  std::vector<py::object> results;
  for (const py::handle result : returned) results.push_back(py::reinterpret_borrow<py::object>(result));
  if (results.size() != count) {
    throw ValueError("it has " + std::to_string(count) + " outputs and returned " + std::to_string(results.size()) +
                     "; return a tuple of as many " + what);
  }
  return results;
}

std::optional<Shape> shape_of(const py::object& given) {
  if (given.is_none()) return std::nullopt;
  try {
    return py::cast<Shape>(given);
  } catch (const py::cast_error&) {
    throw TypeError("shapes returned " + std::string(py::repr(given)) +
                    " for an output; return a tuple of int for each, or None where only the run tells the shape");
  }
}

class FunctionKernel : public HostKernel {
 public:
  FunctionKernel(PythonFunction function, PythonFunction shapes)
      : function_(std::move(function)), shapes_(std::move(shapes)) {}

  [[nodiscard]] std::vector<std::optional<Shape>> output_shapes(const NodeCall& call) const override {
    const py::gil_scoped_acquire acquire;
    std::vector<std::optional<Shape>> shapes;
    if (shapes_.call.is_none()) {
      for (std::size_t i = 0; i < call.output_count(); ++i) shapes.push_back(shape_in_file(call.output(i)));
      return shapes;
    }
    py::tuple arguments(call.input_count());
    for (std::size_t i = 0; i < call.input_count(); ++i) {
      const std::optional<HostOperand> operand = call.input(i);
      arguments[i] = operand ? py::object(shape_as_tuple(operand->shape)) : py::none();
    }
    const py::object returned = call_with(shapes_, arguments, call);
    for (const py::object& shape : results_of(returned, call.output_count(), "shapes")) {
      shapes.push_back(shape_of(shape));
    }
    return shapes;
  }

  void run(const NodeCall& call) const override {
    const py::gil_scoped_acquire acquire;
    InputViews views(call);
    try {
      store(call_with(function_, views.arguments(), call), call);
    } catch (const py::error_already_set& error) {
      // The frames of a traceback refer to what their functions had.
      if (error.trace()) py::module_::import("traceback").attr("clear_frames")(error.trace());
      (void)views.give_up();
      throw;
    } catch (...) {
      (void)views.give_up();
      throw;
    }
    if (const std::optional<std::size_t> kept = views.give_up()) {
      throw ValueError("it kept its input " + std::to_string(*kept) +
                       ", whose memory is lent for the call alone; keep a copy of it, as with input.copy()");
    }
  }

 private:
  // A result takes the place of the output that the file describes.
  static void store(const py::object& returned, const NodeCall& call) {
    const std::vector<py::object> results = results_of(returned, call.output_count(), "arrays");
    for (std::size_t i = 0; i < results.size(); ++i) {
      const auto array = py::reinterpret_steal<py::object>(PyArray_FROM_O(results[i].ptr()));
      if (!array) throw py::error_already_set();
      HostOperand output = call.output(i);
      const py::object dtype = dtype_of(output.type);
      auto* const returned_dtype = reinterpret_cast<PyObject*>(PyArray_DESCR(as_array(array)));
      if (PyArray_EquivTypes(PyArray_DESCR(as_array(array)), reinterpret_cast<PyArray_Descr*>(dtype.ptr())) == 0) {
        throw TypeError("it returned dtype " + std::string(py::str(py::handle(returned_dtype))) + " for output " +
                        std::to_string(i) + " of dtype " + std::string(py::str(dtype)) + "; return result.astype('" +
                        std::string(py::str(dtype)) + "')");
      }
      const std::span<const npy_intp> sizes(PyArray_DIMS(as_array(array)),
                                            static_cast<std::size_t>(PyArray_NDIM(as_array(array))));
      Shape shape;
      for (const npy_intp size : sizes) shape.push_back(static_cast<std::int32_t>(size));
      output.bytes = call.place(i, shape);
      output.shape = shape;
      const py::object target = view_of(output, NPY_ARRAY_CARRAY);
      if (PyArray_CopyInto(as_array(target), as_array(array)) != 0) throw py::error_already_set();
    }
  }

  // Of a tensor without dimensions the file may not know the rank.
  static std::optional<Shape> shape_in_file(const HostOperand& output) {
    if (!output.has_fixed_shape || output.shape.empty()) return std::nullopt;
    return Shape(output.shape.begin(), output.shape.end());
  }

  PythonFunction function_;
  PythonFunction shapes_;
};

void destroy(const FunctionKernel* kernel) {
  if (Py_IsInitialized() == 0) return;  // the functions are gone with the interpreter
  const py::gil_scoped_acquire acquire;
  delete kernel;
}

}  // namespace

std::shared_ptr<const HostKernel> function_kernel(PythonFunction function, PythonFunction shapes) {
  return {new FunctionKernel(std::move(function), std::move(shapes)), &destroy};
}

}  // namespace zerolite::bindings
