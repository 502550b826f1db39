// Custom operators that stand for a part of a model which a compiler made for one kind of chip.
#pragma once

#include <string_view>

#include "zerolite/model/model_interface.hpp"

namespace zerolite {

// The chip, with its article; empty for any other operator. Those that LiteRT's own compilers make go by another name
// (see kDispatchOperator).
std::string_view chip_of(const OperatorCode& code);

}  // namespace zerolite
