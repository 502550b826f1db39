// For delegates that take the graph of a signature whole or leave it.
#pragma once

#include <cstddef>
#include <optional>

#include "litert_abi/tflite.hpp"

namespace zerolite {

// Which of `count` subgraphs a delegate is asked to prepare; nothing when the runtime does not tell.
[[nodiscard]] std::optional<std::size_t> subgraph_of(abi::tflite::Context* context, std::size_t count);

// Within a delegate's Prepare: puts one node, of this kernel, in the place of all that are planned.
abi::tflite::Status take_whole_graph(abi::tflite::Context* context, const abi::tflite::Registration& kernel,
                                     abi::tflite::Delegate* delegate);

}  // namespace zerolite
