#include "zerolite/delegates/delegate_registry.hpp"

#include <algorithm>
#include <string>
#include <utility>

#include "zerolite/delegates/openvino/openvino_delegate.hpp"
#include "zerolite/platform/error.hpp"
#include "zerolite/runtime/accelerator.hpp"

namespace zerolite {
namespace {

constexpr const char* kIdentifier = "zerolite_delegate_registry";

using DelegatePointer = std::unique_ptr<ModelDelegate>;

bool is_static_only(const DelegatePointer& delegate) {
  return delegate != nullptr && !delegate->allows_dynamic_tensors();
}

bool is_dispensable(const DelegatePointer& delegate) { return delegate != nullptr && delegate->is_dispensable(); }

bool has_refused(const DelegatePointer& delegate) { return is_dispensable(delegate) && !delegate->refusal().empty(); }

DelegatePointer make(const ExternalDelegateSettings& settings, const std::shared_ptr<const Model>& /*model*/) {
  if (settings.made != nullptr) return std::make_unique<SharedExternalDelegate>(settings.made);
  return std::make_unique<ExternalDelegate>(settings);
}
DelegatePointer make(const GpuSettings& settings, const std::shared_ptr<const Model>& /*model*/) {
  return std::make_unique<GpuDelegate>(settings);
}
DelegatePointer make(const NpuSettings& settings, const std::shared_ptr<const Model>& /*model*/) {
  return std::make_unique<NpuDelegate>(settings);
}
DelegatePointer make(const OpenVinoSettings& settings, const std::shared_ptr<const Model>& model) {
  return std::make_unique<OpenVinoDelegate>(settings, model);
}
DelegatePointer make(const IsolatedSettings& settings, const std::shared_ptr<const Model>& /*model*/) {
  return std::make_unique<IsolatedDelegate>(settings);
}

}  // namespace

DelegateRegistry::DelegateRegistry(const std::shared_ptr<const Model>& model,
                                   const std::vector<DelegateSettings>& before_xnnpack,
                                   const std::vector<DelegateSettings>& after_xnnpack) {
  std::size_t first = 0;
  for (const auto* side : {&before_xnnpack, &after_xnnpack}) {
    if (side->size() > kPerSide) {
      throw DelegateError("there are " + std::to_string(side->size()) + " delegates on one side of XNNPACK, and " +
                          std::to_string(kPerSide) + " are the most; leave some out");
    }
    for (std::size_t i = 0; i < side->size(); ++i) {
      delegates_[first + i] = std::visit([&](const auto& settings) { return make(settings, model); }, (*side)[i]);
    }
    first += kPerSide;
  }
}

template <std::size_t first, std::size_t... offsets>
void DelegateRegistry::register_places(abi::Environment environment, std::index_sequence<offsets...> /*sequence*/) {
  (register_accelerator(environment, &DelegateRegistry::create_delegate<first + offsets>), ...);
}

void DelegateRegistry::register_before_xnnpack(abi::Environment environment) {
  register_places<0>(environment, std::make_index_sequence<kPerSide>());
}

void DelegateRegistry::register_after_xnnpack(abi::Environment environment) {
  register_places<kPerSide>(environment, std::make_index_sequence<kPerSide>());
}

bool DelegateRegistry::empty() const {
  return std::ranges::all_of(delegates_, [](const auto& delegate) { return delegate == nullptr; });
}

bool DelegateRegistry::has_static_only() const { return std::ranges::any_of(delegates_, &is_static_only); }

void DelegateRegistry::leave_out_static_only() {
  for (DelegatePointer& delegate : delegates_) {
    if (!is_static_only(delegate)) continue;
    unused_.push_back(
        {delegate->name(), "the graph has tensors whose shapes only a run tells, which it does not take"});
    delegate.reset();
  }
}

std::string DelegateRegistry::names() const {
  std::string names;
  for (const DelegatePointer& delegate : delegates_) {
    if (delegate == nullptr) continue;
    if (!names.empty()) names += ", ";
    names += delegate->name();
  }
  return names;
}

bool DelegateRegistry::has_dispensable() const { return std::ranges::any_of(delegates_, &is_dispensable); }

void DelegateRegistry::leave_out_dispensable(const std::string& reason) {
  const bool refused = std::ranges::any_of(delegates_, &has_refused);
  for (DelegatePointer& delegate : delegates_) {
    if (refused ? !has_refused(delegate) : !is_dispensable(delegate)) continue;
    unused_.push_back({delegate->name(), refused ? delegate->refusal() : reason});
    delegate.reset();
  }
}

void DelegateRegistry::leave_out_all(const std::string& reason) {
  for (DelegatePointer& delegate : delegates_) {
    if (delegate == nullptr) continue;
    unused_.push_back({delegate->name(), reason});
    delegate.reset();
  }
}

void DelegateRegistry::leave_out(const std::string& name, const std::string& reason) {
  for (DelegatePointer& delegate : delegates_) {
    if (delegate == nullptr || delegate->name() != name) continue;
    unused_.push_back({name, reason});
    delegate.reset();
  }
}

bool DelegateRegistry::note_refusals() {
  for (const DelegatePointer& delegate : delegates_) {
    if (has_refused(delegate)) unused_.push_back({delegate->name(), delegate->refusal()});
  }
  return std::ranges::any_of(delegates_, &has_refused);
}

bool DelegateRegistry::has(const std::string& name) const {
  return std::ranges::any_of(delegates_, [&](const auto& delegate) { return delegate && delegate->name() == name; });
}

void DelegateRegistry::attach_to(abi::Options options) {
  if (!empty()) attach_settings(options, kIdentifier, this);
}

template <std::size_t place>
abi::Status DelegateRegistry::create_delegate(abi::RuntimeContext context, abi::Environment environment,
                                              abi::AcceleratorConst accelerator, abi::Options options,
                                              abi::DelegateWrapper* wrapper) {
  *wrapper = nullptr;
  const auto* registry = static_cast<const DelegateRegistry*>(find_settings(options, kIdentifier));
  if (registry == nullptr || registry->delegates_[place] == nullptr) return abi::Status::ok;
  return registry->delegates_[place]->answer({context, environment, accelerator, options}, wrapper);
}

}  // namespace zerolite
