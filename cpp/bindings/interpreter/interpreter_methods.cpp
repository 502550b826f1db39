#include "interpreter/interpreter_methods.hpp"

#include <algorithm>
#include <array>
#include <cstring>
#include <memory>
#include <mutex>
#include <span>
#include <string>
#include <utility>

#include "arrays/array_memory.hpp"
#include "interpreter/interpreter_object.hpp"
#include "interpreter/interpreter_values.hpp"
#include "python/errors.hpp"
#include "python/instance.hpp"
#include "python/locking.hpp"
#include "zerolite/platform/error.hpp"

namespace py = pybind11;

namespace zerolite::bindings {
namespace {

// Arguments by position or by name, as a function written in Python takes them; null for what is missing.
template <std::size_t count>
std::array<PyObject*, count> take_arguments(const char* function, const std::array<const char*, count>& parameters,
                                            PyObject* const* args, Py_ssize_t positional, PyObject* names) {
  std::array<PyObject*, count> values{};
  const std::string who = std::string(function) + "() ";
  if (static_cast<std::size_t>(positional) > count) {
    throw TypeError(who + "takes " + std::to_string(count) + " arguments, and got " + std::to_string(positional));
  }
  for (Py_ssize_t i = 0; i < positional; ++i) values[static_cast<std::size_t>(i)] = args[i];
  const Py_ssize_t named = names == nullptr ? 0 : PyTuple_GET_SIZE(names);
  for (Py_ssize_t i = 0; i < named; ++i) {
    PyObject* name = PyTuple_GET_ITEM(names, i);
    std::size_t place = 0;
    while (place < count && PyUnicode_CompareWithASCIIString(name, parameters[place]) != 0) ++place;
    if (place == count) throw TypeError(who + "has no argument " + py::repr(name).cast<std::string>());
    if (values[place] != nullptr) throw TypeError(who + "got '" + parameters[place] + "' twice");
    values[place] = args[positional + i];
  }
  return values;
}

Py_ssize_t as_index(PyObject* value, const char* function, const char* parameter) {
  if (value == nullptr) throw TypeError(std::string(function) + "() needs the argument '" + parameter + "'");
  const Py_ssize_t index = PyNumber_AsSsize_t(value, PyExc_IndexError);
  if (index != -1 || PyErr_Occurred() == nullptr) return index;
  const bool too_large = PyErr_ExceptionMatches(PyExc_IndexError) != 0;
  if (!too_large) throw py::error_already_set();
  PyErr_Clear();
  throw ValueError(std::string(parameter) + " is no index of anything");
}

// With memory of its own, whatever was given away of an output.
const TensorBinding& own_binding(InterpreterObject& interpreter, const TensorAccess& access) {
  SignatureRunner& runner = *interpreter.main_runner();
  const auto position = static_cast<std::size_t>(access.binding);
  if (runner.has_dynamic_outputs()) runner.collect_again(position);
  return runner.bindings()[position];
}

// False when the call is not of the simple kind; then nothing has happened.
bool set_plain(InterpreterObject& interpreter, PyObject* index, PyObject* value) {
  if (PyLong_CheckExact(index) == 0 || !PyArray_Check(value)) return false;
  PyArrayObject* const array = as_array(value);
  const Py_ssize_t position = PyLong_AsSsize_t(index);
  if (position == -1 && PyErr_Occurred() != nullptr) PyErr_Clear();
  const std::unique_lock lock = lock_model(interpreter.lock());
  const TensorAccess* access = interpreter.binding_access(position);
  if (access == nullptr || !PyArray_IS_C_CONTIGUOUS(array) || !access->info.matches(array)) return false;
  const TensorBinding& binding = own_binding(interpreter, *access);
  // Not memcpy: the array may be a view of the tensor's own memory.
  std::memmove(binding.data(), PyArray_DATA(array), binding.size());
  return true;
}

PyObject* set_tensor(PyObject* self, PyObject* const* args, Py_ssize_t count, PyObject* names) {
  return translated([&]() -> PyObject* {
    auto& interpreter = native<InterpreterObject>(self);
    const bool simple = count == 2 && names == nullptr && set_plain(interpreter, args[0], args[1]);
    if (!simple) {
      const auto [index, value] = take_arguments<2>("set_tensor", {"tensor_index", "value"}, args, count, names);
      const Py_ssize_t position = as_index(index, "set_tensor", "tensor_index");
      if (value == nullptr) throw TypeError("set_tensor() needs the argument 'value'");
      set_tensor_value(interpreter, position, value, 0);
    }
    Py_RETURN_NONE;
  });
}

// Null without an error set when the call is not of the simple kind.
PyObject* get_plain(InterpreterObject& interpreter, PyObject* index) {
  if (PyLong_CheckExact(index) == 0) return nullptr;
  const Py_ssize_t position = PyLong_AsSsize_t(index);
  if (position == -1 && PyErr_Occurred() != nullptr) PyErr_Clear();
  const std::unique_lock lock = lock_model(interpreter.lock());
  const TensorAccess* access = interpreter.binding_access(position);
  if (access == nullptr) return nullptr;
  const TensorInfo& info = access->info;
  // A value without dimensions is answered as a NumPy scalar, in the general way.
  if (info.shape.empty() || std::ranges::any_of(info.shape, [](npy_intp dimension) { return dimension < 0; })) {
    return nullptr;
  }
  const TensorBinding& binding = own_binding(interpreter, *access);
  if (std::shared_ptr<void> owner = interpreter.main_runner()->give_away(static_cast<std::size_t>(access->binding))) {
    const std::size_t readable = binding.size() + kReadPastEnd;
    return array_over(binding.data(), info.dtype, binding.shape(), std::move(owner), readable).release().ptr();
  }
  Py_INCREF(info.dtype.ptr());  // NumPy takes the reference
  PyObject* array = PyArray_NewFromDescr(&PyArray_Type, info.descriptor(), static_cast<int>(info.shape.size()),
                                         info.shape.data(), nullptr, nullptr, 0, nullptr);
  if (array == nullptr) throw py::error_already_set();
  std::memcpy(PyArray_DATA(as_array(array)), binding.data(), binding.size());
  return array;
}

PyObject* get_tensor(PyObject* self, PyObject* const* args, Py_ssize_t count, PyObject* names) {
  return translated([&]() -> PyObject* {
    auto& interpreter = native<InterpreterObject>(self);
    if (count == 1 && names == nullptr) {
      if (PyObject* array = get_plain(interpreter, args[0])) return array;
    }
    const auto [index, subgraph] =
        take_arguments<2>("get_tensor", {"tensor_index", "subgraph_index"}, args, count, names);
    const Py_ssize_t position = as_index(index, "get_tensor", "tensor_index");
    const Py_ssize_t graph = subgraph == nullptr ? 0 : as_index(subgraph, "get_tensor", "subgraph_index");
    return get_tensor_value(interpreter, position, graph).release().ptr();
  });
}

PyObject* invoke(PyObject* self, PyObject* /*unused*/) {
  return translated([&]() -> PyObject* {
    auto& interpreter = native<InterpreterObject>(self);
    {
      const std::unique_lock lock = lock_model(interpreter.lock());
      interpreter.run(0);
    }
    Py_RETURN_NONE;
  });
}

template <typename Function>
PyCFunction as_c_function(Function function) {
  return reinterpret_cast<PyCFunction>(reinterpret_cast<void (*)()>(function));
}

}  // namespace

void add_interpreter_methods(PyHeapTypeObject* type) {
  static std::array<PyMethodDef, 4> methods = {
      PyMethodDef{"set_tensor", as_c_function(&set_tensor), METH_FASTCALL | METH_KEYWORDS,
                  "set_tensor($self, /, tensor_index, value)\n--\n\nCopies a value into a tensor.\n\n"
                  "Raises:\n    ValueError: the value has another dtype or shape than the tensor, or there is no such "
                  "tensor, or it has no memory before `allocate_tensors`."},
      PyMethodDef{"get_tensor", as_c_function(&get_tensor), METH_FASTCALL | METH_KEYWORDS,
                  "get_tensor($self, /, tensor_index, subgraph_index=0)\n--\n\nCopies a tensor's value into a new "
                  "array.\n\nRaises:\n    ValueError: there is no such tensor, or it has no value."},
      PyMethodDef{
          "invoke", &invoke, METH_NOARGS,
          "invoke($self, /)\n--\n\nRuns the model over its tensors.\n\nRaises:\n    Error: (a RuntimeError) the "
          "tensors are not allocated, or a kernel failed."},
      PyMethodDef{nullptr, nullptr, 0, nullptr}};
  type->ht_type.tp_methods = methods.data();
}

}  // namespace zerolite::bindings
