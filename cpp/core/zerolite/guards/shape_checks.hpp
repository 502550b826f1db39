// Checks of the shapes of a node's operands.
#pragma once

#include "zerolite/guards/kernel_check.hpp"

namespace zerolite {

KernelCheck check_axis_of_reverse;
KernelCheck check_axis_of_split;
KernelCheck check_axis_of_split_v;
KernelCheck check_broadcast;
KernelCheck check_dequantize;
KernelCheck check_diagonal;
KernelCheck check_elementwise_broadcast;
KernelCheck check_lstm;
KernelCheck check_numeric_verify;
KernelCheck check_quantize;
KernelCheck check_same_shapes;
KernelCheck check_select;
KernelCheck check_softmax;

}  // namespace zerolite
