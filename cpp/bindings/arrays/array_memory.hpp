// NumPy arrays over memory that is kept alive by the array itself.
#pragma once

#include <pybind11/pybind11.h>

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>

namespace zerolite::bindings {

// An array over `data`, whose base object holds `owner`. `readable` is how many bytes from `data` on may be
// read.
pybind11::object array_over(std::byte* data, const pybind11::object& dtype, std::span<const std::int32_t> shape,
                            std::shared_ptr<void> owner, std::size_t readable);

// A new array in 64-byte aligned, padded memory.
pybind11::object aligned_array(const pybind11::object& shape, const pybind11::object& dtype);

// How many bytes may be read past the array's last one, as far as its chain of base objects tells.
std::size_t readable_past_end(pybind11::handle array);

}  // namespace zerolite::bindings
