// What differs between the series of LiteRT's library, in one table. See ../../README.md for where each fact comes
// from.
//
// A series is told by what the library says of itself, LiteRtGetRuntimeAbiVersion, which the 2.3 series does not have.
#pragma once

#include <array>
#include <compare>
#include <cstdint>
#include <string_view>

#include "litert_abi/types.hpp"

namespace zerolite::abi {

// The version of the library's C interface; not that of the package it comes in.
struct AbiVersion {
  int major = 0;
  int minor = 0;
  int patch = 0;

  friend auto operator<=>(const AbiVersion&, const AbiVersion&) = default;
};

struct Series {
  std::string_view name;      // of the package's releases
  AbiVersion abi;             // the patch does not count; 0.0 for libraries that do not tell
  const char* cpu_delegate;   // the object that points to the definition of XNNPACK's accelerator
  const char* ynnpack;        // the same of YNNPACK's, which may point to nothing; null where there is none
  std::uint16_t struct_size;  // of an AcceleratorDefinition, as the library has it; 0 for a 32-bit library
  std::uint16_t major_version;
  // The identifiers under which options are looked for.
  const char* cpu_options;
  const char* gpu_options;
  const char* runtime_options;
  // The inputs and outputs of a graph are made non_cpu before delegates see it, so that preparing gives them no memory.
  bool hides_inputs_and_outputs;
};

inline constexpr std::uint16_t kDefinitionSize = sizeof(void*) == 8 ? std::uint16_t{200} : std::uint16_t{0};

// From the oldest to the newest.
inline constexpr auto kSeries = std::to_array<Series>({
    {.name = "2.3",
     .abi = {},
     .cpu_delegate = "LiteRtStaticLinkedAcceleratorCpuDef",
     .ynnpack = nullptr,
     .struct_size = kDefinitionSize,
     .major_version = 1,
     .cpu_options = "xnnpack",
     .gpu_options = "gpu_options",
     .runtime_options = "runtime_options_string",
     .hides_inputs_and_outputs = false},
    {.name = "2.4",
     .abi = {1, 5, 0},
     .cpu_delegate = "LiteRtStaticLinkedAcceleratorXnnpackDef",
     .ynnpack = "LiteRtStaticLinkedAcceleratorYnnpackDef",
     .struct_size = kDefinitionSize,
     .major_version = 1,
     .cpu_options = "cpu_options",
     .gpu_options = "gpu_options",
     .runtime_options = "runtime_options_string",
     .hides_inputs_and_outputs = true},
});

}  // namespace zerolite::abi
