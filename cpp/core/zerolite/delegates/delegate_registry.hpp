// The way of a model's delegates into the runtime.
//
// LiteRT asks the accelerators of an environment for a delegate each, in the order of registration. The environment
// is the process's and the delegates are a model's, so the environment has a number of places: accelerators that hand
// out the delegate which the options of the model being compiled name for them, or none.
#pragma once

#include <array>
#include <cstddef>
#include <memory>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "litert_abi/types.hpp"
#include "zerolite/delegates/external_delegate.hpp"
#include "zerolite/delegates/gpu_delegate.hpp"
#include "zerolite/delegates/isolated/isolated_delegate.hpp"
#include "zerolite/delegates/model_delegate.hpp"
#include "zerolite/delegates/npu_delegate.hpp"
#include "zerolite/delegates/openvino/settings.hpp"
#include "zerolite/model/model.hpp"

namespace zerolite {

using DelegateSettings =
    std::variant<ExternalDelegateSettings, GpuSettings, NpuSettings, OpenVinoSettings, IsolatedSettings>;

// A delegate that a model goes without, and why.
struct UnusedDelegate {
  std::string name;
  std::string reason;
};

class DelegateRegistry {
 public:
  static constexpr std::size_t kPerSide = 4;  // before and after XNNPACK

  // Makes the delegates of a model. Throws DelegateError, also when there are more than the places of a side.
  DelegateRegistry(const std::shared_ptr<const Model>& model, const std::vector<DelegateSettings>& before_xnnpack,
                   const std::vector<DelegateSettings>& after_xnnpack);
  ~DelegateRegistry() = default;
  DelegateRegistry(const DelegateRegistry&) = delete;
  DelegateRegistry& operator=(const DelegateRegistry&) = delete;

  // Register the places whose delegates are applied before, or after, what is registered between the two calls.
  static void register_before_xnnpack(abi::Environment environment);
  static void register_after_xnnpack(abi::Environment environment);

  [[nodiscard]] bool empty() const;
  [[nodiscard]] std::string names() const;
  // Delegates that take no graph with dynamic tensors.
  [[nodiscard]] bool has_static_only() const;
  void leave_out_static_only();
  // Delegates that a model may go without when they fail.
  [[nodiscard]] bool has_dispensable() const;
  // Leaves out those that refused, or all of them when none did; `reason` is theirs then.
  void leave_out_dispensable(const std::string& reason);
  void leave_out_all(const std::string& reason);
  // Leaves out the one of that name.
  void leave_out(const std::string& name, const std::string& reason);
  // Counts those that gave a delegate and left a graph to others to what is left out, and tells whether there are any.
  // They stay, since the compiled model knows them.
  bool note_refusals();
  // Whether there is one of that name, which was not left out.
  [[nodiscard]] bool has(const std::string& name) const;
  // What was left out because it failed or refused.
  [[nodiscard]] const std::vector<UnusedDelegate>& unused() const { return unused_; }
  // Names these delegates in the options of the model that is compiled next. They must outlive the compiled model.
  void attach_to(abi::Options options);

 private:
  template <std::size_t place>
  static abi::Status create_delegate(abi::RuntimeContext context, abi::Environment environment,
                                     abi::AcceleratorConst accelerator, abi::Options options,
                                     abi::DelegateWrapper* wrapper);
  template <std::size_t first, std::size_t... offsets>
  static void register_places(abi::Environment environment, std::index_sequence<offsets...>);

  std::array<std::unique_ptr<ModelDelegate>, 2 * kPerSide> delegates_;
  std::vector<UnusedDelegate> unused_;
};

}  // namespace zerolite
