// Parts of a file for which the runtime refuses all of it, although a run needs none of them (LiteRT 2.3.0). They are
// taken out of our copy of the bytes; whoever checks these checks what is left.
#pragma once

#include <cstddef>
#include <span>
#include <vector>

#include "zerolite/model/model_bytes.hpp"

namespace zerolite {

// Operator codes that no operator uses: the runtime looks for the kernel of every code in the list, and passes over
// custom ones alone that it does not find. The bytes are those of a model that was parsed. Says whether there were any.
bool replace_unused_codes(std::span<std::byte> bytes);

// Signatures by their places, in order; see ModelInterface::incomplete_signatures.
void leave_out_signatures(ModelBytes& bytes, const std::vector<std::size_t>& places);

}  // namespace zerolite
