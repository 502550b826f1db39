// The settings of delegates as Python makes them: a small class for each, with named fields.
#pragma once

#include <pybind11/stl.h>

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "zerolite/compilation/compile_options.hpp"

namespace zerolite::bindings {

// Throws ValueError when there are no kernels of that name.
CpuKernels kernels_of(std::string_view name);

// Settings for the CPU. The other delegates have theirs in the core.
struct CpuSettings {
  int threads = CompileOptions().threads;
  CpuKernels kernels = CpuKernels::delegate;
  Weights weights = Weights::stored;
  std::string weight_cache;
  std::string weight_cache_file;
  // XNNPACK's flags that are on, by name; without them the runtime's defaults hold.
  std::optional<std::vector<std::string>> flags;

  // Throws ValueError when there is no flag of a name.
  [[nodiscard]] CompileOptions options() const;
};

}  // namespace zerolite::bindings
