// Element types as NumPy dtypes, and as DLPack's types.
#pragma once

#include <pybind11/pybind11.h>

#include <array_exchange/dlpack.hpp>
#include <optional>

#include "zerolite/tensor/element_type.hpp"

namespace zerolite::bindings {

// bfloat16, the 8-bit floats and the packed integers are ml_dtypes' (which is imported at the first of them);
// strings are objects. Throws Error for types that have no dtype.
pybind11::object dtype_of(ElementType type);

// Empty for types that DLPack does not have, or lays out otherwise: strings and packed integers.
std::optional<dlpack::DataType> dlpack_type_of(ElementType type);
// The type that DLPack's is, if it is one of ours.
std::optional<ElementType> type_of(const dlpack::DataType& type);

}  // namespace zerolite::bindings
