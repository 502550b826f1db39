// The native object behind a Python object.
//
// A Python object whose __init__ did not run, or failed, has none: tracebacks and debuggers meet such objects, and
// pybind11's own conversion would make up an uninitialized one.
#pragma once

#include <pybind11/pybind11.h>

#include <string>

#include "zerolite/platform/error.hpp"

namespace zerolite::bindings {

template <typename Native>
Native& native(PyObject* object) {
  auto* instance = reinterpret_cast<pybind11::detail::instance*>(object);
  auto* value = instance->get_value_and_holder().value_ptr<Native>();
  if (value == nullptr) {
    throw Error("this " + std::string(Py_TYPE(object)->tp_name) + " was not initialized: its loading failed");
  }
  return *value;
}

template <typename Native>
Native& native(pybind11::handle object) {
  if (!pybind11::isinstance<Native>(object)) {
    throw TypeError("got " + std::string(Py_TYPE(object.ptr())->tp_name) + ", which is no object of zerolite's");
  }
  return native<Native>(object.ptr());
}

// A member function as a method that checks the object first.
template <typename Native, typename Result, typename... Arguments>
auto method(Result (Native::*member)(Arguments...)) {
  return [member](pybind11::handle self, Arguments... arguments) {
    return (native<Native>(self).*member)(std::forward<Arguments>(arguments)...);
  };
}

template <typename Native, typename Result, typename... Arguments>
auto method(Result (Native::*member)(Arguments...) const) {
  return [member](pybind11::handle self, Arguments... arguments) {
    return (native<Native>(self).*member)(std::forward<Arguments>(arguments)...);
  };
}

}  // namespace zerolite::bindings
