#include "zerolite/delegates/xnnpack_flags.hpp"

#include <algorithm>
#include <array>

#include "zerolite/platform/error.hpp"

namespace zerolite {
namespace {

constexpr std::array kFlags = std::to_array<NamedXnnpackFlag>({
    {"qs8", XnnpackFlag::qs8, true},
    {"qu8", XnnpackFlag::qu8, true},
    {"force_fp16", XnnpackFlag::force_fp16, false},
    {"dynamic_fully_connected", XnnpackFlag::dynamic_fully_connected, false},
    {"transient_indirection_buffer", XnnpackFlag::transient_indirection_buffer, false},
    {"enable_latest_operators", XnnpackFlag::enable_latest_operators, false},
    {"slow_consistent_arithmetic", XnnpackFlag::slow_consistent_arithmetic, false},
    {"disable_subgraph_reshaping", XnnpackFlag::disable_subgraph_reshaping, false},
    {"disable_dynamically_quantized_ops", XnnpackFlag::disable_dynamically_quantized_ops, false},
});

}  // namespace

std::span<const NamedXnnpackFlag> known_xnnpack_flags() { return kFlags; }

std::uint32_t xnnpack_flags(std::span<const std::string> names) {
  std::uint32_t bits = 0;
  for (const std::string& name : names) {
    const auto* found = std::ranges::find(kFlags, name, &NamedXnnpackFlag::name);
    if (found == kFlags.end()) throw ValueError("there is no XNNPACK flag '" + name + "'");
    bits |= static_cast<std::uint32_t>(found->flag);
  }
  return bits;
}

}  // namespace zerolite
