// The runtime's own accelerator for GPUs, which comes as a library beside the runtime's.
#pragma once

#include <string>
#include <utility>
#include <vector>

#include "zerolite/delegates/model_delegate.hpp"
#include "zerolite/graph/captured_graph.hpp"

namespace zerolite {

// The numbers that the accelerator's payload has for them (litert/c/litert_common.h of LiteRT 2.3.0).
enum class GpuPrecision { automatic = 0, fp16 = 1, fp32 = 2, fp16_fp32_accumulation = 3 };
enum class GpuStorage { automatic = 0, buffer = 1 };
enum class GpuPriority { low = 1, normal = 2 };
enum class GpuWaitType { automatic = 0, passive = 1, active = 2 };

// What is asked of the accelerator.
struct GpuSettings {
  std::string library;  // the accelerator's
  GpuPrecision precision = GpuPrecision::automatic;
  GpuStorage storage = GpuStorage::automatic;
  GpuPriority priority = GpuPriority::normal;
  GpuWaitType wait_type = GpuWaitType::automatic;
  std::string device;  // what the device's name must contain, in any case; empty for the first one
  std::string cache;   // a directory for compiled programs and packed weights; empty for none

  // The entries of the accelerator's payload, as TOML values by name.
  [[nodiscard]] std::vector<std::pair<std::string, std::string>> options() const;
  // Models with the same key share a device: an environment of the runtime has one, chosen by the first model that is
  // compiled there (LiteRT 2.3.0). The key is what the accelerator only asks when it opens a device.
  [[nodiscard]] std::string device_key() const;
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
