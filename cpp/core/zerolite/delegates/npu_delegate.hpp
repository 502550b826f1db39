// The runtime's way to NPUs: a vendor's dispatch library, which runs what the vendor's compiler has made of a model.
#pragma once

#include <cstdint>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "zerolite/delegates/model_delegate.hpp"
#include "zerolite/graph/captured_graph.hpp"

namespace zerolite {

// What a vendor's libraries are told.
using NpuOption = std::variant<bool, std::int64_t, double, std::string>;

// What is asked of a vendor's libraries.
struct NpuSettings {
  std::string dispatch_library;                            // a file; empty where there is none
  std::string compiler_library;                            // likewise; a model that was compiled before needs none
  std::string vendor;                                      // under which name its libraries look for their options
  std::vector<std::pair<std::string, NpuOption>> options;  // by name
  std::string cache;                                       // a directory for compiled models; empty for none

  // The options as the vendors' readers take them: TOML values by name.
  [[nodiscard]] std::vector<std::pair<std::string, std::string>> toml_options() const;

  friend bool operator==(const NpuSettings&, const NpuSettings&) = default;
};

// Opens a vendor's library and lets it write into our log. `purpose` is what it is called in errors. Throws
// DelegateError, with the message of the system's loader and with what helps.
void open_vendor_library(const std::string& library, const std::string& purpose, const NpuSettings& settings);

// Starts the dispatch library; the delegate itself is made by the runtime's own accelerator, which stands after the
// slots in environments with an NPU.
class NpuDelegate final : public ModelDelegate {
 public:
  static constexpr const char* kName = "NPU";

  explicit NpuDelegate(NpuSettings settings);

  // Whether a part of the graph runs on an NPU, and so for the shapes that it was compiled for only.
  static bool runs_in(const CapturedGraph& graph);

  abi::Status answer(const DelegateRequest& request, abi::DelegateWrapper* wrapper) noexcept override;
  [[nodiscard]] std::string name() const override { return kName; }
  [[nodiscard]] bool allows_dynamic_tensors() const override { return true; }
  [[nodiscard]] bool is_dispensable() const override { return true; }

 private:
  void start(const DelegateRequest& request) const;

  NpuSettings settings_;
};

}  // namespace zerolite
