// The runtime's own accelerator for GPUs, which comes as a library beside the runtime's.
#pragma once

#include <string>
#include <utility>
#include <vector>

#include "zerolite/delegates/model_delegate.hpp"
#include "zerolite/graph/captured_graph.hpp"

namespace zerolite {

// What is asked of the accelerator: its library, and the entries of its payload, as TOML values by name.
struct GpuSettings {
  std::string library;
  std::vector<std::pair<std::string, std::string>> options;
  std::string device;  // what the device's name must contain, in any case
  std::string cache;   // a directory for compiled programs and packed weights; empty for none
  // Models with the same key share a device: an environment of the runtime has one, chosen by the first model that is
  // compiled there (LiteRT 2.3.0).
  std::string device_key;
};

class GpuDelegate final : public ModelDelegate {
 public:
  static constexpr const char* kName = "GPU";

  explicit GpuDelegate(GpuSettings settings);

  // Whether the accelerator runs a part of the graph. It goes on computing the shapes that it was compiled for when the
  // graph is resized (LiteRT 2.3.0).
  static bool runs_in(const CapturedGraph& graph);

  abi::Status answer(const DelegateRequest& request, abi::DelegateWrapper* wrapper) noexcept override;
  [[nodiscard]] std::string name() const override { return kName; }
  [[nodiscard]] bool allows_dynamic_tensors() const override { return false; }
  [[nodiscard]] bool is_dispensable() const override { return true; }

 private:
  GpuSettings settings_;
};

}  // namespace zerolite
