// Which graphs are kept from OpenVINO.
#pragma once

#include <cstddef>
#include <string>

#include "zerolite/model/model.hpp"

namespace zerolite::openvino {

// Why, in words for the user; empty when OpenVINO may have the subgraph. Release 2026.4 takes graphs that it then
// computes wrongly; what it refuses itself, it says itself.
std::string unsupported_reason(const Model& model, std::size_t subgraph);

}  // namespace zerolite::openvino
