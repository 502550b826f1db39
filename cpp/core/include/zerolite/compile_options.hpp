// How a model is compiled for the CPU.
#pragma once

#include <cstdint>
#include <string>

#include "zerolite/handle.hpp"

namespace zerolite {

enum class CpuKernels {
  delegate,   // XNNPACK where it can, builtin kernels for the rest
  builtin,    // TensorFlow Lite's optimized kernels only
  reference,  // TensorFlow Lite's plain reference kernels only
};

struct CompileOptions {
  int threads = 1;  // the runtime's own default
  CpuKernels kernels = CpuKernels::delegate;
  // Where XNNPACK keeps packed weights, to be mapped by those who compile the model after the first; empty for nowhere.
  std::string weight_cache;

  // Throws ValueError for a value that the runtime can't be asked for.
  void validate() const;
  [[nodiscard]] OptionsHandle to_runtime() const;
};

}  // namespace zerolite
