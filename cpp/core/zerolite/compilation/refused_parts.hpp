// Parts of a file for which the runtime refuses all of it, although a run needs none of them (LiteRT 2.3.0): signatures
// that do not name every input and output of their subgraph, and operator codes that no operator uses and that it has
// no kernel for. They are taken out of our copy of the bytes, for good; whoever checks these checks what is left.
#pragma once

#include <cstddef>
#include <span>

namespace zerolite {

// Of a model that was parsed. Says whether there were any.
bool remove_refused_parts(std::span<std::byte> bytes);

}  // namespace zerolite
