#include "zerolite/model/compiled_parts.hpp"

#include <algorithm>
#include <array>

namespace zerolite {
namespace {

struct CompiledPart {
  std::string_view operation;
  std::string_view chip;
};

constexpr auto kCompiledParts = std::to_array<CompiledPart>({
    {"ethos-u", "an Arm Ethos-U NPU"},
    {"edgetpu-custom-op", "a Coral Edge TPU"},
    {"NeutronGraph", "an NXP eIQ Neutron NPU"},
    {"vsi-npu", "a VeriSilicon NPU"},
});

}  // namespace

std::string_view chip_of(const OperatorCode& code) {
  if (!code.is_custom()) return {};
  const auto* const known = std::ranges::find(kCompiledParts, code.custom_code, &CompiledPart::operation);
  return known == kCompiledParts.end() ? std::string_view() : known->chip;
}

}  // namespace zerolite
