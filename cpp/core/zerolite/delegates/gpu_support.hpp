// Models that the GPU's accelerator must not get.
#pragma once

#include <string>

#include "zerolite/model/model.hpp"

namespace zerolite {

// Why, in words for the user; empty when it may have the model. The accelerator of LiteRT 2.3.0 takes graphs that it
// then computes wrongly, or that end the process.
std::string gpu_unsupported_reason(const Model& model);

}  // namespace zerolite
