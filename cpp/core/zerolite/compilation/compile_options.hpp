// How a model is compiled.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "zerolite/delegates/delegate_registry.hpp"
#include "zerolite/delegates/xnnpack_delegate.hpp"
#include "zerolite/operators/custom_operators.hpp"
#include "zerolite/runtime/handle.hpp"

namespace zerolite {

enum class CpuKernels {
  delegate,   // XNNPACK where it can, builtin kernels for the rest
  builtin,    // TensorFlow Lite's optimized kernels only
  reference,  // TensorFlow Lite's plain reference kernels only
};

enum class Weights {
  stored,       // as the file has them
  dequantized,  // as float32 where XNNPACK is faster with that, see dequantized_weights.hpp
};

struct CompileOptions {
  int threads = 1;  // the runtime's own default
  CpuKernels kernels = CpuKernels::delegate;
  Weights weights = Weights::stored;
  // Where XNNPACK keeps packed weights, to be mapped by those who compile the model after the first; empty for nowhere.
  std::string weight_cache;
  // A file for the same purpose that outlives the process, see weight_cache.hpp; empty for none.
  std::string weight_cache_file;
  // Delegates that get the graph before XNNPACK does, and those that get what it leaves; in this order.
  std::vector<DelegateSettings> before_xnnpack;
  std::vector<DelegateSettings> after_xnnpack;
  // Kernels for custom operators, or null. Each compiled model has an object of its own.
  std::shared_ptr<CustomOperators> custom_operators;
  // Operators that no delegate takes run on TensorFlow Lite's own kernels; without it they are an error.
  bool fallback = true;
  // XNNPACK's flags, all of them, in the place of its defaults.
  std::optional<std::uint32_t> xnnpack_flags;
  // The runtime keeps a profiler for the model (see RunProfile), some 70 MB of memory.
  bool profiling = false;
  // Of XNNPACK's gathered operators nobody sees what passes between them.
  XnnpackNodes xnnpack_nodes = XnnpackNodes::gathered;
  // A delegate's operators may be gathered into one node although others stand between them in the model.
  bool cluster_operators = true;

  // The one GPU in the lists, or null.
  [[nodiscard]] const GpuSettings* gpu() const { return find<GpuSettings>(); }
  // The one NPU, likewise.
  [[nodiscard]] const NpuSettings* npu() const { return find<NpuSettings>(); }
  [[nodiscard]] bool has_openvino() const { return find<OpenVinoSettings>() != nullptr; }
  // The process that runs the model which this one is the stand-in of, or null.
  [[nodiscard]] isolated::RemoteModel* remote_model() const {
    const auto* isolated = find<IsolatedSettings>();
    return isolated == nullptr ? nullptr : isolated->model.get();
  }
  // Throws ValueError for a value that the runtime can't be asked for.
  void validate() const;
  // The key tells the model from others in the GPU's cache.
  [[nodiscard]] OptionsHandle to_runtime(const std::string& model_key = {}) const;

 private:
  template <typename Settings>
  [[nodiscard]] const Settings* find() const {
    for (const auto* side : {&before_xnnpack, &after_xnnpack}) {
      for (const DelegateSettings& settings : *side) {
        if (const auto* found = std::get_if<Settings>(&settings)) return found;
      }
    }
    return nullptr;
  }
};

}  // namespace zerolite
