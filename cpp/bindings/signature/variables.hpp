// The variables of a stateful model: their values, copied out and in.
#pragma once

#include <pybind11/pybind11.h>

#include <cstddef>
#include <cstdint>
#include <tuple>
#include <vector>

namespace zerolite::bindings {

// The subgraph and the tensor that it is, its name, and a copy of its values.
using ReadVariable = std::tuple<std::size_t, std::int32_t, pybind11::str, pybind11::object>;
// Likewise, with an array of the variable's dtype and shape in C order.
using WrittenVariable = std::tuple<std::size_t, std::int32_t, pybind11::object>;

// Of the model that `signature` belongs to.
std::vector<ReadVariable> read_variables(pybind11::handle signature);
// Writes all or, with ValueError, none.
void write_variables(pybind11::handle signature, const std::vector<WrittenVariable>& written);

}  // namespace zerolite::bindings
