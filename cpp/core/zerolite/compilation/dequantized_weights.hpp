// Weights in the form that kernels are fast at.
//
// Dynamic-range quantization leaves operators with float values and int8 weights. XNNPACK has kernels for CONV_2D,
// FULLY_CONNECTED, TRANSPOSE_CONV and BATCH_MATMUL of this kind, which are faster than those for float32, and it
// unpacks float16 weights itself. For DEPTHWISE_CONV_2D it has none, TensorFlow Lite's own kernel runs it, and the
// graph falls into parts; with float32 weights it is XNNPACK's again (LiteRT 2.3.0). These filters are small, so little
// memory buys much time.
#pragma once

#include <memory>

#include "zerolite/model/model.hpp"

namespace zerolite {

// A copy of the model in which the int8 filters of depthwise convolutions over float values are float32, where XNNPACK
// is faster with that. The model itself when it has none, or when they can't be told from what others use: filters that
// something else reads or that are inputs or outputs, sparse ones, and models with data behind the FlatBuffer. The copy
// is verified as closely as the model was. Throws InvalidModelError when the model's file was written to meanwhile.
std::shared_ptr<const Model> dequantize_weights(const std::shared_ptr<const Model>& model);

}  // namespace zerolite
