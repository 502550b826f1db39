// What builtin kernels believe of their operands without a look, and end the process over (LiteRT 2.3.0).
//
// Values come with a run, from the program's user or from other operators, and so do shapes, with a resize or a run: no
// check of the file can find them.
#pragma once

#include <cstddef>

#include "litert_abi/tflite.hpp"

namespace zerolite {

// What is to be done with a node.
struct Verdict {
  enum class Action { run, skip, refuse };

  Action action = Action::run;
  const char* words = nullptr;  // for a refusal: what is wrong with the tensor
  const abi::tflite::Tensor* tensor = nullptr;

  static Verdict skip() { return {Action::skip, nullptr, nullptr}; }
  static Verdict refuse(const abi::tflite::Tensor& tensor, const char* words) {
    return {Action::refuse, words, &tensor};
  }
};

// Looks at the operands of a node whose values are there.
using KernelCheck = Verdict(const abi::tflite::Context&, const abi::tflite::Node&);

inline const abi::tflite::Tensor& input_of(const abi::tflite::Context& context, const abi::tflite::Node& node,
                                           std::size_t position) {
  return context.tensors[static_cast<std::size_t>(node.inputs->values()[position])];
}

// Of the values.
KernelCheck check_broadcast_args;
KernelCheck check_dilate;
KernelCheck check_floor_mod;
KernelCheck check_random;
KernelCheck check_resize_nearest_neighbor;
KernelCheck check_reverse_sequence;
KernelCheck check_transpose;

// Of the shapes.
KernelCheck check_axis_of_reverse;
KernelCheck check_axis_of_split;
KernelCheck check_axis_of_split_v;
KernelCheck check_dequantize;
KernelCheck check_diagonal;
KernelCheck check_elementwise;
KernelCheck check_lstm;
KernelCheck check_quantize;
KernelCheck check_same_shapes;
KernelCheck check_softmax;

}  // namespace zerolite
