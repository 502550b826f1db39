// Checks of the values of a node's operands.
#pragma once

#include "zerolite/guards/kernel_check.hpp"

namespace zerolite {

KernelCheck check_broadcast_args;
KernelCheck check_dilate;
KernelCheck check_division;
KernelCheck check_modulus;
KernelCheck check_random;
KernelCheck check_resize_nearest_neighbor;
KernelCheck check_reverse_sequence;
KernelCheck check_sparse_lookup;
KernelCheck check_transpose;

}  // namespace zerolite
