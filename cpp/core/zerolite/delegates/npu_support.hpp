// Models that an NPU's compiler must not get.
#pragma once

#include <string>

#include "zerolite/model/model.hpp"

namespace zerolite {

// Why, in words for the user; empty when it may have the model. Intel's plug-in of LiteRT 2.3.0, the one that could be
// tried, takes such models and computes them wrongly.
std::string npu_unsupported_reason(const Model& model);

}  // namespace zerolite
