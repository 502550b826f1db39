// Whether a model's file holds together. The runtime trusts much of what a file says; what is wrong with it then shows
// as a crash of the process, in a kernel far from the cause.
#pragma once

#include "zerolite/model/model_bytes.hpp"
#include "zerolite/model/model_interface.hpp"

namespace zerolite {

enum class Verification {
  // What tensors, buffers, quantization, sparsity, operators and subgraphs refer to.
  structure,
  // Also the operands and options of those builtin operators whose kernels are known to rely on them.
  full,
};

// Throws InvalidModelError, which names the tensor or the operator, what came and what is expected.
void verify(const ModelBytes& bytes, const ModelInterface& interface, Verification level);

}  // namespace zerolite
