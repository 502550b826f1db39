// TFLite_Detection_PostProcess, the custom operator at the end of detectors.
#pragma once

#include "zerolite/verification/checked_operator.hpp"

namespace zerolite {

// Throws InvalidModelError for settings and operands that its kernel computes sizes and places with, without looking
// whether they fit (2.3.0). The settings are a FlexBuffer that can be read.
void check_detection(const CheckedOperator& operation);

}  // namespace zerolite
