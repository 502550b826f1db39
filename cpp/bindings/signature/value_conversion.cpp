#include "signature/value_conversion.hpp"

#include <string_view>

#include "arrays/other_arrays.hpp"
#include "zerolite/platform/error.hpp"

namespace py = pybind11;

namespace zerolite::bindings {
namespace {

// NumPy's letter: b, i, u, f, c, O and so on. ml_dtypes' own types are V or f, and none of them is needed here.
char kind_of(py::handle dtype) { return dtype.attr("kind").cast<std::string>().front(); }

bool is_integer(char kind) { return kind == 'i' || kind == 'u'; }
bool is_whole(char kind) { return is_integer(kind) || kind == 'b'; }

py::object numpy(const char* function) { return py::module_::import("numpy").attr(function); }

// "-128 to 127"; empty for what is no integer of NumPy's own.
std::string limits_of(py::handle dtype) {
  if (!is_integer(kind_of(dtype))) return {};
  const py::object limits = numpy("iinfo")(dtype);
  return text_of(limits.attr("min")) + " to " + text_of(limits.attr("max"));
}

std::string quantized_values(const TensorInfo& tensor) {
  return "inputs[" + py::repr(tensor.key).cast<std::string>() + "].quantization.quantize(values)";
}

std::string quantization_advice(const TensorInfo& tensor) {
  return tensor.scaling.empty() ? "" : ", or, where they are real numbers, " + quantized_values(tensor);
}

bool may_be_converted(const TensorInfo& tensor, const py::object& array) {
  const char from = kind_of(array.attr("dtype"));
  if (from == 'O') return false;
  if (is_integer(from) && is_integer(kind_of(tensor.dtype))) return true;
  return PyArray_CanCastTypeTo(PyArray_DESCR(as_array(array)), tensor.descriptor(), NPY_SAME_KIND_CASTING) != 0;
}

// The elements that are not what they were.
py::object changed(const py::object& before, const py::object& after) {
  const char from = kind_of(before.attr("dtype"));
  if (!is_whole(from)) {
    // Real numbers are rounded; one that turns infinite is another number.
    const py::object isinf = numpy("isinf");
    return numpy("not_equal")(isinf(after), isinf(before));
  }
  py::object different = numpy("not_equal")(after.attr("astype")(before.attr("dtype")), before);
  if (!is_integer(kind_of(after.attr("dtype")))) return different;
  // 200 in uint8 is -56 in int8, and 200 again on the way back.
  return numpy("logical_or")(different, numpy("not_equal")(after, before));
}

// Of an array that another library has to convert: not all of their types are known to NumPy.
std::string other_librarys_advice(const TensorInfo& tensor, py::handle dtype) {
  if (!tensor.scaling.empty() && kind_of(dtype) == 'f') return conversion_advice(tensor, dtype);
  return "; convert it in its own library, as .to(dtype) of PyTorch and .astype(dtype) of JAX do";
}

py::object as_numpy_takes_it(py::handle value, const std::string& who) {
  try {
    return numpy("asarray")(value);
  } catch (py::error_already_set& error) {
    // What a list of unlike lengths is, NumPy says itself; a tensor of another library tells of nothing but itself.
    if (!py::hasattr(py::type::handle_of(value), "__dlpack__") || !error.matches(PyExc_Exception)) throw;
    const std::string message = who + " can't be read from this " +
                                text_of(py::type::handle_of(value).attr("__module__")) + "." +
                                Py_TYPE(value.ptr())->tp_name + ": " + text_of(error.value());
    py::raise_from(error, PyExc_TypeError, message.c_str());
    throw py::error_already_set();
  }
}

// NumPy warns of what is looked for here.
class SilentErrors {
 public:
  SilentErrors() : state_(numpy("errstate")(py::arg("all") = "ignore")) { state_.attr("__enter__")(); }
  ~SilentErrors() {
    // By C's API, which throws nothing.
    PyObject* result = PyObject_CallMethod(state_.ptr(), "__exit__", "OOO", Py_None, Py_None, Py_None);
    if (result == nullptr) PyErr_Clear();
    Py_XDECREF(result);
  }
  SilentErrors(const SilentErrors&) = delete;
  SilentErrors& operator=(const SilentErrors&) = delete;

 private:
  py::object state_;
};

}  // namespace

std::string text_of(py::handle object) { return py::str(object).cast<std::string>(); }

py::object exactly_converted(const TensorInfo& tensor, py::handle value, const std::string& who) {
  if (PyArray_Check(value.ptr())) return py::reinterpret_borrow<py::object>(value);
  if (py::object array = array_of_other(value, who)) {
    require_dtype(tensor, array, who, [&](py::handle dtype) { return other_librarys_advice(tensor, dtype); });
    return array;
  }
  py::object array = as_numpy_takes_it(value, who);
  const py::object dtype = array.attr("dtype");
  if (PyArray_EquivTypes(PyArray_DESCR(as_array(array)), tensor.descriptor()) != 0) return array;
  if (!may_be_converted(tensor, array)) {
    throw TypeError(who + " was given values of dtype " + text_of(dtype) + ", and " + text_of(tensor.dtype) +
                    " is expected" + conversion_advice(tensor, dtype));
  }
  const SilentErrors silent;
  py::object converted = array.attr("astype")(tensor.dtype);
  const py::object mask = changed(array, converted);
  if (numpy("any")(mask).cast<bool>()) {
    const py::object position = numpy("argmax")(mask);
    const std::string limits = limits_of(tensor.dtype);
    const std::string advice = limits.empty() ? "; pass numbers that it can hold" : "; pass numbers from " + limits;
    throw ValueError(who + " was given " + text_of(array.attr("ravel")()[position]) + ", which " +
                     text_of(tensor.dtype) + " can't hold" + advice + quantization_advice(tensor));
  }
  return converted;
}

std::string conversion_advice(const TensorInfo& tensor, py::handle dtype) {
  const char from = kind_of(dtype);
  const std::string to = text_of(tensor.dtype);
  if (tensor.storage && is_whole(from)) return "; pass real numbers, or call the model itself with what it stores";
  if (from == 'O') return "; pass numbers of one kind, in lists of one length";
  if (!tensor.scaling.empty() && from == 'f') {
    return ": its integers stand for real numbers, with " + tensor.scaling + "; pass " + quantized_values(tensor) +
           ", or the real numbers themselves to the model's .real(values)";
  }
  const std::string limits = limits_of(tensor.dtype);
  if (limits.empty()) return "; convert them with np.asarray(values).astype(\"" + to + "\")";
  const std::string which = is_whole(from) ? "all are from " : "all are whole numbers from ";
  return "; convert them with np.asarray(values).astype(\"" + to + "\") where " + which + limits +
         quantization_advice(tensor);
}

}  // namespace zerolite::bindings
