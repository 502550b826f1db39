// TFLite_Detection_PostProcess, the custom operator at the end of detectors.
#pragma once

#include <cstddef>

#include "zerolite/model/subgraph_view.hpp"

namespace zerolite {

// Throws InvalidModelError for settings and operands that its kernel computes sizes and places with, without looking
// whether they fit (2.3.0). The settings are a FlexBuffer that can be read.
void check_detection(const GraphView& graph, std::size_t index);

}  // namespace zerolite
