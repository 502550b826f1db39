#include "python/errors.hpp"

#include <pybind11/gil_safe_call_once.h>
#include <pybind11/pybind11.h>

#include <cerrno>
#include <exception>
#include <new>
#include <string>

#include "python/run_limits.hpp"
#include "register.hpp"
#include "zerolite/operators/kernel_failure.hpp"
#include "zerolite/platform/error.hpp"
#include "zerolite/runtime/log_line.hpp"

namespace py = pybind11;

namespace zerolite::bindings {
namespace {

struct ErrorClasses {
  py::object error;
  py::object invalid_model;
  py::object delegate;
  py::object argument;
  py::object run_timeout;
};

ErrorClasses& classes() {
  static py::gil_safe_call_once_and_store<ErrorClasses> storage;
  return storage.call_once_and_store_result([] { return ErrorClasses{}; }).get_stored();
}

py::object new_class(const py::module_& module, const char* name, const py::tuple& bases, const char* doc) {
  const std::string full_name = std::string("zerolite.") + name;
  PyObject* type = PyErr_NewExceptionWithDoc(full_name.c_str(), doc, bases.ptr(), nullptr);
  if (type == nullptr) throw py::error_already_set();
  auto object = py::reinterpret_steal<py::object>(type);
  module.attr(name) = object;
  return object;
}

// A message ends on terminals, which must not obey the names in it, and may hold a path or a name that is no UTF-8.
void raise(py::handle type, const char* message) {
  const std::string shown = printable(message);
  const auto text = py::reinterpret_steal<py::object>(
      PyUnicode_DecodeUTF8(shown.data(), static_cast<Py_ssize_t>(shown.size()), "surrogateescape"));
  if (text) PyErr_SetObject(type.ptr(), text.ptr());
}

// The error that is set has what a user's kernel threw as its cause; what is no Exception, as KeyboardInterrupt, takes
// its place.
void add_cause_of(const char* message) {
  const std::exception_ptr failure = kernel_failure::take_for(message);
  if (failure == nullptr) return;
  try {
    std::rethrow_exception(failure);
  } catch (py::error_already_set& cause) {
    if (!cause.matches(PyExc_Exception)) {
      PyErr_Clear();
      cause.restore();
      return;
    }
    // Python does so when it handles an exception.
    if (cause.trace()) PyException_SetTraceback(cause.value().ptr(), cause.trace().ptr());
    py::error_already_set error;  // takes what is set
    PyException_SetCause(error.value().ptr(), cause.value().inc_ref().ptr());
    error.restore();
  } catch (const std::exception&) {  // NOLINT(bugprone-empty-catch): its message says all
  }
}

// Most derived first.
void set_error_for(const std::exception_ptr& exception) {
  try {
    std::rethrow_exception(exception);
  } catch (const InvalidModelError& error) {
    raise(classes().invalid_model, error.what());
  } catch (const DelegateError& error) {
    raise(classes().delegate, error.what());
    add_cause_of(error.what());
  } catch (const RuntimeLibraryError& error) {
    raise(PyExc_ImportError, error.what());
  } catch (const RunTimeout& error) {
    raise(classes().run_timeout, error.what());
  } catch (const RunStopped& error) {
    raise(py::module_::import("concurrent.futures").attr("CancelledError"), error.what());
  } catch (const Error& error) {
    raise(classes().error, error.what());
    add_cause_of(error.what());
  } catch (const ArgumentError& error) {
    raise(classes().argument, error.what());
  } catch (const TypeError& error) {
    raise(PyExc_TypeError, error.what());
  } catch (const ValueError& error) {
    raise(PyExc_ValueError, error.what());
  } catch (const FileError& error) {
    errno = error.error_number();
    PyErr_SetFromErrnoWithFilename(PyExc_OSError, error.path().c_str());
  } catch (const UntrustedFileError& error) {
    raise(PyExc_PermissionError, error.what());
  } catch (const py::error_already_set&) {
    throw;
  } catch (const py::builtin_exception&) {
    throw;
  } catch (const std::bad_alloc&) {
    throw;
  } catch (const std::exception& error) {
    // pybind11 would make an IndexError of a std::out_of_range, which is nothing that a caller did.
    raise(classes().error, (std::string("zerolite's native code failed unexpectedly: ") + error.what()).c_str());
  }
}

}  // namespace

void set_python_error() noexcept {
  try {
    try {
      set_error_for(std::current_exception());
    } catch (py::error_already_set& error) {
      error.restore();
    } catch (const py::builtin_exception& error) {
      error.set_error();
    } catch (const std::bad_alloc&) {
      PyErr_NoMemory();
    } catch (const std::exception& error) {
      PyErr_SetString(PyExc_RuntimeError, error.what());
    }
  } catch (...) {
    PyErr_SetString(PyExc_RuntimeError, "an unknown error in zerolite's native code");
  }
}

void register_errors(py::module_& module) {
  ErrorClasses& all = classes();
  const auto runtime_error = py::reinterpret_borrow<py::object>(PyExc_RuntimeError);
  const auto value_error = py::reinterpret_borrow<py::object>(PyExc_ValueError);
  const auto type_error = py::reinterpret_borrow<py::object>(PyExc_TypeError);
  all.error = new_class(module, "Error", py::make_tuple(runtime_error),
                        "The runtime refused something; the message carries the runtime's own words.");
  all.invalid_model = new_class(module, "InvalidModelError", py::make_tuple(all.error, value_error),
                                "The file or the bytes are not a sound TensorFlow Lite model.");
  all.delegate = new_class(module, "DelegateError", py::make_tuple(all.error),
                           "A delegate can't be loaded, or takes nothing when it must.");
  all.argument = new_class(module, "ArgumentError", py::make_tuple(type_error, value_error),
                           "The call does not fit the signature: too many, missing or unknown inputs.");
  all.run_timeout = new_class(module, "RunTimeoutError",
                              py::make_tuple(all.error, py::reinterpret_borrow<py::object>(PyExc_TimeoutError)),
                              "A run took longer than its timeout, and was stopped. The model is as usable as before.");
  // NOLINTNEXTLINE(performance-unnecessary-value-param): pybind11 decides about the parameter
  py::register_local_exception_translator([](std::exception_ptr exception) {
    if (exception) set_error_for(exception);
  });
}

}  // namespace zerolite::bindings
