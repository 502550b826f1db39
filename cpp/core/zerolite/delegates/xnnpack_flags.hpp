// XNNPACK's flags by name.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>

namespace zerolite {

// As in tflite/delegates/xnnpack/xnnpack_delegate.h of LiteRT 2.3.0. Two more that stand there, VARIABLE_OPERATORS and
// ENABLE_SUBGRAPH_RESHAPING, are deprecated and change nothing.
enum class XnnpackFlag : std::uint32_t {
  qs8 = 0x1,
  qu8 = 0x2,
  force_fp16 = 0x4,
  dynamic_fully_connected = 0x8,
  transient_indirection_buffer = 0x20,
  enable_latest_operators = 0x40,
  slow_consistent_arithmetic = 0x200,
  disable_subgraph_reshaping = 0x400,
  disable_dynamically_quantized_ops = 0x800,
};

struct NamedXnnpackFlag {
  std::string_view name;
  XnnpackFlag flag;
  // Whether the published library sets it when nobody chooses: read from the delegate that LiteRT 2.3.0 makes.
  bool is_default;
};

// All flags, in the order of their bits.
std::span<const NamedXnnpackFlag> known_xnnpack_flags();

// The bits of the flags that are on; all others are off, the defaults among them. Throws ValueError for an unknown
// name.
std::uint32_t xnnpack_flags(std::span<const std::string> names);

// Whether a flag is on that is off by default; nothing chosen stands for the defaults.
inline bool is_chosen(const std::optional<std::uint32_t>& flags, XnnpackFlag flag) {
  return (flags.value_or(0) & static_cast<std::uint32_t>(flag)) != 0;
}

}  // namespace zerolite
