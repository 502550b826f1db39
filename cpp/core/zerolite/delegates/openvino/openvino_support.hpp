// Which graphs, and which of their operators, are kept from OpenVINO.
#pragma once

#include <cstddef>
#include <string>
#include <vector>

#include "zerolite/model/model.hpp"

namespace zerolite::openvino {

// Release 2026.4 takes graphs that it then computes wrongly; what it refuses itself, it says itself.
struct GraphSupport {
  std::string reason;       // why it does not get the graph whole, in words for the user; empty when it may have it
  std::vector<bool> takes;  // by operator, whether it may be in a part that OpenVINO gets
};

GraphSupport graph_support(const Model& model, std::size_t subgraph);

}  // namespace zerolite::openvino
