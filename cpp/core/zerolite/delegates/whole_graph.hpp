// For delegates that look at the graph of a signature as a whole.
#pragma once

#include <cstddef>
#include <optional>
#include <span>

#include "litert_abi/tflite.hpp"

namespace zerolite {

// Which of `count` subgraphs a delegate is asked to prepare; nothing when the runtime does not tell.
[[nodiscard]] std::optional<std::size_t> subgraph_of(abi::tflite::Context* context, std::size_t count);

// Within a delegate's Prepare: puts nodes of this kernel in the place of these, one for each part of them that can run
// at once.
abi::tflite::Status take_nodes(abi::tflite::Context* context, std::span<const int> nodes,
                               const abi::tflite::Registration& kernel, abi::tflite::Delegate* delegate);

// Within a delegate's Prepare: puts one node, of this kernel, in the place of all that are planned.
abi::tflite::Status take_whole_graph(abi::tflite::Context* context, const abi::tflite::Registration& kernel,
                                     abi::tflite::Delegate* delegate);

}  // namespace zerolite
