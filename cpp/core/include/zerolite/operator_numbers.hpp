// The builtin operators that are checked one by one, by their numbers in TensorFlow Lite's schema (BuiltinOperator).
#pragma once

#include <cstdint>

namespace zerolite::builtin {

enum class Operator : std::int32_t {
  add = 0,
  average_pool_2d = 1,
  conv_2d = 3,
  depthwise_conv_2d = 4,
  depth_to_space = 5,
  dequantize = 6,
  fully_connected = 9,
  l2_pool_2d = 12,
  lstm = 16,
  max_pool_2d = 17,
  softmax = 25,
  space_to_depth = 26,
  svdf = 27,
  custom = 32,
  sub = 41,
  unidirectional_sequence_lstm = 44,
  bidirectional_sequence_rnn = 46,
  split = 49,
  bidirectional_sequence_lstm = 52,
  less = 58,
  greater = 61,
  greater_equal = 62,
  less_equal = 63,
  transpose_conv = 67,
  equal = 71,
  not_equal = 72,
  unpack = 88,
  squared_difference = 99,
  split_v = 102,
  quantize = 114,
  densify = 124,
  conv_3d = 132,
  conv_3d_transpose = 141,
  var_handle = 142,
  read_variable = 143,
  assign_variable = 144,
};

}  // namespace zerolite::builtin
