// What TensorFlow Lite's schema calls the operators.
#pragma once

#include <string>

#include "zerolite/model/model_interface.hpp"

namespace zerolite {

// As in "CONV_2D"; for a custom operator, the name that it has in the model.
std::string name_of(const OperatorCode& code);

}  // namespace zerolite
