#include "signature/vectorcall.hpp"

#include <algorithm>
#include <array>
#include <cstring>
#include <mutex>

#include "arrays/dlpack_import.hpp"
#include "python/errors.hpp"
#include "python/instance.hpp"
#include "python/locking.hpp"
#include "signature/signature_call.hpp"
#include "signature/signature_object.hpp"
#include "signature/tensor_values.hpp"
#include "zerolite/platform/error.hpp"

namespace py = pybind11;

namespace zerolite::bindings {
namespace {

// Of what is an array.
bool is_contiguous_match(const TensorInfo& tensor, PyObject* object) {
  PyArrayObject* const array = as_array(object);
  return tensor.plain && tensor.matches(array) && PyArray_IS_C_CONTIGUOUS(array);
}

// Made when the type is, and not by the first call: a thread that waits for a C++ static keeps its thread state, and
// without a GIL could so wait for one that CPython has stopped.
PyObject* out_name() {
  static PyObject* const name = PyUnicode_InternFromString("out");
  return name;
}

// The arguments of a call as the short way takes them: one array per input by position, and `out` at most.
struct PlainArguments {
  std::span<PyObject* const> inputs;
  PyObject* out = nullptr;

  // False for anything else, which then goes the general way.
  bool take(const SignatureObject& signature, PyObject* const* args, std::size_t count, PyObject* names) {
    if (count != signature.inputs().size()) return false;
    inputs = {args, count};
    if (!std::ranges::all_of(inputs, [](PyObject* input) { return PyArray_Check(input); })) return false;
    if (names == nullptr || PyTuple_GET_SIZE(names) == 0) return true;
    if (PyTuple_GET_SIZE(names) != 1 || PyTuple_GET_ITEM(names, 0) != out_name()) return false;
    out = args[count];
    return PyArray_Check(out);
  }
};

void store(SignatureRunner& runner, std::span<PyObject* const> inputs) {
  for (std::size_t i = 0; i < inputs.size(); ++i) {
    const std::span<std::byte> memory = runner.binding(Side::input, i).bytes();
    // Not memcpy, here and below: the array may overlap the memory that is bound.
    std::memmove(memory.data(), PyArray_DATA(as_array(inputs[i])), memory.size());
  }
}

PyObject* new_output(const SignatureRunner& runner, std::size_t index, const TensorInfo& tensor) {
  Py_INCREF(tensor.dtype.ptr());  // NumPy takes the reference
  PyObject* array = PyArray_NewFromDescr(&PyArray_Type, tensor.descriptor(), static_cast<int>(tensor.shape.size()),
                                         tensor.shape.data(), nullptr, nullptr, 0, nullptr);
  if (array == nullptr) throw py::error_already_set();
  const std::span<const std::byte> memory = runner.binding(Side::output, index).bytes();
  std::memcpy(PyArray_DATA(as_array(array)), memory.data(), memory.size());
  return array;
}

bool fits(const SignatureObject& signature, const PlainArguments& arguments) {
  for (std::size_t i = 0; i < arguments.inputs.size(); ++i) {
    if (!is_contiguous_match(signature.inputs()[i], arguments.inputs[i])) return false;
  }
  return arguments.out == nullptr ||
         (is_contiguous_match(signature.outputs()[0], arguments.out) && PyArray_ISWRITEABLE(as_array(arguments.out)));
}

// The short way, for one output. Null without an error set when the call is not of its kind; then nothing has happened.
PyObject* call_plain(SignatureObject& signature, PyObject* const* args, std::size_t count, PyObject* names) {
  PlainArguments arguments;
  if (signature.outputs().size() != 1 || !arguments.take(signature, args, count, names)) return nullptr;
  const std::unique_lock lock = lock_model(signature.model().lock());
  SignatureRunner& runner = signature.runner();
  if (!signature.takes_short_way() || !fits(signature, arguments)) return nullptr;
  store(runner, arguments.inputs);
  run_locked(runner);
  (void)signature.runner();  // brings a shape up to date that only the run could tell
  if (arguments.out == nullptr) return new_output(runner, 0, signature.outputs()[0]);
  require_match("output", signature.outputs()[0], arguments.out);
  const std::span<const std::byte> memory = runner.binding(Side::output, 0).bytes();
  std::memmove(PyArray_DATA(as_array(arguments.out)), memory.data(), memory.size());
  Py_INCREF(arguments.out);
  return arguments.out;
}

// The short way for tensors of other libraries that lend them, among arrays or not. Null as above.
PyObject* call_lent(SignatureObject& signature, PyObject* const* args, std::size_t count, PyObject* names) {
  constexpr std::size_t kMostInputs = 8;
  const bool has_names = names != nullptr && PyTuple_GET_SIZE(names) > 0;
  if (signature.outputs().size() != 1 || count != signature.inputs().size() || count > kMostInputs || has_names) {
    return nullptr;
  }
  std::array<LendTensor, kMostInputs> lenders{};
  for (std::size_t i = 0; i < count; ++i) {
    if (PyArray_Check(args[i])) continue;
    lenders[i] = lender_of(args[i]);
    if (lenders[i] == nullptr) return nullptr;
  }
  const std::unique_lock lock = lock_model(signature.model().lock());
  SignatureRunner& runner = signature.runner();
  if (!signature.takes_short_way()) return nullptr;
  std::array<const void*, kMostInputs> values{};
  for (std::size_t i = 0; i < count; ++i) {
    const TensorInfo& tensor = signature.inputs()[i];
    if (lenders[i] == nullptr) {
      if (!is_contiguous_match(tensor, args[i])) return nullptr;
      values[i] = PyArray_DATA(as_array(args[i]));
      continue;
    }
    dlpack::Tensor lent{};
    if (lenders[i](args[i], &lent) != 0) {
      PyErr_Clear();  // the general way tells what it is
      return nullptr;
    }
    if (!tensor.matches(lent)) return nullptr;
    values[i] = static_cast<const std::byte*>(lent.data) + lent.byte_offset;
  }
  for (std::size_t i = 0; i < count; ++i) {
    const std::span<std::byte> memory = runner.binding(Side::input, i).bytes();
    if (!memory.empty()) std::memmove(memory.data(), values[i], memory.size());
  }
  run_locked(runner);
  (void)signature.runner();  // brings a shape up to date that only the run could tell
  return new_output(runner, 0, signature.outputs()[0]);
}

PyObject* call_general(PyObject* self, PyObject* const* args, std::size_t count, PyObject* names) {
  py::tuple positional(count);
  for (std::size_t i = 0; i < count; ++i) positional[i] = py::reinterpret_borrow<py::object>(args[i]);
  py::dict named;
  for (const py::handle name : py::reinterpret_borrow<py::tuple>(names == nullptr ? py::tuple().ptr() : names)) {
    named[name] = py::reinterpret_borrow<py::object>(args[count++]);
  }
  const py::object chosen = chosen_signature(self, positional, named);
  return call_signature(native<SignatureObject>(chosen), positional, named).release().ptr();
}

// A call as Python makes it (PEP 590), without a tuple and a dict for its arguments.
PyObject* call(PyObject* self, PyObject* const* args, std::size_t flagged_count, PyObject* names) {
  return translated([&]() -> PyObject* {
    auto& signature = native<SignatureObject>(self);
    const auto count = static_cast<std::size_t>(PyVectorcall_NARGS(flagged_count));
    if (PyObject* result = call_plain(signature, args, count, names)) return result;
    if (PyObject* result = call_lent(signature, args, count, names)) return result;
    return call_general(self, args, count, names);
  });
}

// Each instance has a place for the function that calls it, behind what pybind11 keeps.
PyObject* new_instance(PyTypeObject* type, PyObject* args, PyObject* kwargs) {
  auto* base = reinterpret_cast<PyTypeObject*>(py::detail::get_internals().instance_base);
  PyObject* self = base->tp_new(type, args, kwargs);
  if (self == nullptr) return nullptr;
  auto* const place = reinterpret_cast<std::byte*>(self) + type->tp_vectorcall_offset;
  const vectorcallfunc function = &call;
  std::memcpy(place, static_cast<const void*>(&function), sizeof(function));
#if PY_VERSION_HEX < 0x030C0000
  // Until Python 3.12 a class written in Python does not inherit the flag.
  type->tp_flags |= Py_TPFLAGS_HAVE_VECTORCALL;
#endif
  return self;
}

// None when it is not given. The only argument that `run` has.
py::object timeout_of(PyObject* const* args, Py_ssize_t count, PyObject* names) {
  if (count > 0) throw TypeError("run takes no inputs; write them into the tensors' memory, or call the model");
  if (names == nullptr || PyTuple_GET_SIZE(names) == 0) return py::none();
  if (PyTuple_GET_SIZE(names) > 1 || !py::str(PyTuple_GET_ITEM(names, 0)).equal(py::str("timeout"))) {
    throw TypeError("run takes timeout, and got " + py::repr(names).cast<std::string>() + "; leave the others out");
  }
  return py::reinterpret_borrow<py::object>(args[0]);
}

PyObject* run(PyObject* self, PyObject* const* args, Py_ssize_t count, PyObject* names) {
  return translated([&]() -> PyObject* {
    auto& signature = native<SignatureObject>(self);
    if (count == 0 && names == nullptr) {
      const std::unique_lock lock = lock_model(signature.model().lock());
      run_locked(signature.model().signature(signature.index()));
      Py_RETURN_NONE;
    }
    const RunLimits limits(timeout_of(args, count, names));
    const std::unique_lock lock = lock_model(signature.model().lock());
    run_locked(signature.model().signature(signature.index()), limits);
    Py_RETURN_NONE;
  });
}

}  // namespace

void add_vectorcall(PyHeapTypeObject* type) {
  if (out_name() == nullptr) throw py::error_already_set();
  // CPython refers to it for as long as the type lives.
  static std::array<PyMethodDef, 2> methods = {
      // CPython calls it by its flags, with the arguments that it has.
      PyMethodDef{"run", reinterpret_cast<PyCFunction>(reinterpret_cast<void (*)()>(&run)),
                  METH_FASTCALL | METH_KEYWORDS,
                  "run($self, /, *, timeout=None)\n--\n\nRuns over the tensors' memory as it is: nothing is copied."},
      PyMethodDef{nullptr, nullptr, 0, nullptr}};
  PyTypeObject& object = type->ht_type;
  object.tp_vectorcall_offset = static_cast<Py_ssize_t>(sizeof(py::detail::instance));
  object.tp_basicsize = object.tp_vectorcall_offset + static_cast<Py_ssize_t>(sizeof(vectorcallfunc));
  object.tp_flags |= Py_TPFLAGS_HAVE_VECTORCALL;
  object.tp_new = &new_instance;
  object.tp_call = &PyVectorcall_Call;
  object.tp_methods = methods.data();
}

}  // namespace zerolite::bindings
