// Names as Python strings, whatever bytes they are made of.
#pragma once

#include <pybind11/pybind11.h>

#include <string>
#include <string_view>

namespace zerolite::bindings {

// A name from a model's file, which need not be UTF-8: bytes that are none become U+FFFD.
pybind11::str name_as_str(std::string_view name);

// A path, which need not be UTF-8 either; Python has a way to write such ones.
pybind11::str path_as_str(std::string_view path);

// The bytes of a path that Python has as str, bytes or os.PathLike.
std::string path_bytes(pybind11::handle path);

}  // namespace zerolite::bindings
