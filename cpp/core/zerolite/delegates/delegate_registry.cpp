#include "zerolite/delegates/delegate_registry.hpp"

#include <algorithm>
#include <string>
#include <utility>

#include "zerolite/platform/error.hpp"
#include "zerolite/runtime/accelerator.hpp"

namespace zerolite {
namespace {

constexpr const char* kIdentifier = "zerolite_delegate_slots";

using SlotPointer = std::unique_ptr<SlotDelegate>;

bool is_static_only(const SlotPointer& delegate) { return delegate != nullptr && !delegate->allows_dynamic_tensors(); }

bool is_dispensable(const SlotPointer& delegate) { return delegate != nullptr && delegate->is_dispensable(); }

bool has_refused(const SlotPointer& delegate) { return is_dispensable(delegate) && !delegate->refusal().empty(); }

SlotPointer make(const ExternalDelegateSettings& settings) { return std::make_unique<ExternalDelegate>(settings); }
SlotPointer make(const GpuSettings& settings) { return std::make_unique<GpuDelegate>(settings); }
SlotPointer make(const NpuSettings& settings) { return std::make_unique<NpuDelegate>(settings); }

}  // namespace

DelegateSlots::DelegateSlots(const std::vector<DelegateSettings>& before_xnnpack,
                             const std::vector<DelegateSettings>& after_xnnpack) {
  std::size_t first = 0;
  for (const auto* side : {&before_xnnpack, &after_xnnpack}) {
    if (side->size() > kPerSide) {
      throw DelegateError("there are " + std::to_string(side->size()) + " delegates on one side of XNNPACK, and " +
                          std::to_string(kPerSide) + " are the most; leave some out");
    }
    for (std::size_t i = 0; i < side->size(); ++i) {
      delegates_[first + i] = std::visit([](const auto& settings) { return make(settings); }, (*side)[i]);
    }
    first += kPerSide;
  }
}

template <std::size_t first, std::size_t... offsets>
void DelegateSlots::register_slots(abi::Environment environment, std::index_sequence<offsets...> /*sequence*/) {
  (register_accelerator(environment, &DelegateSlots::create_delegate<first + offsets>), ...);
}

void DelegateSlots::register_before_xnnpack(abi::Environment environment) {
  register_slots<0>(environment, std::make_index_sequence<kPerSide>());
}

void DelegateSlots::register_after_xnnpack(abi::Environment environment) {
  register_slots<kPerSide>(environment, std::make_index_sequence<kPerSide>());
}

bool DelegateSlots::empty() const {
  return std::ranges::all_of(delegates_, [](const auto& delegate) { return delegate == nullptr; });
}

bool DelegateSlots::has_static_only() const { return std::ranges::any_of(delegates_, &is_static_only); }

void DelegateSlots::leave_out_static_only() {
  for (SlotPointer& delegate : delegates_) {
    if (!is_static_only(delegate)) continue;
    unused_.push_back(
        {delegate->name(), "the graph has tensors whose shapes only a run tells, which it does not take"});
    delegate.reset();
  }
}

std::string DelegateSlots::names() const {
  std::string names;
  for (const SlotPointer& delegate : delegates_) {
    if (delegate == nullptr) continue;
    if (!names.empty()) names += ", ";
    names += delegate->name();
  }
  return names;
}

bool DelegateSlots::has_dispensable() const { return std::ranges::any_of(delegates_, &is_dispensable); }

void DelegateSlots::leave_out_dispensable(const std::string& words) {
  const bool refused = std::ranges::any_of(delegates_, &has_refused);
  for (SlotPointer& delegate : delegates_) {
    if (refused ? !has_refused(delegate) : !is_dispensable(delegate)) continue;
    unused_.push_back({delegate->name(), refused ? delegate->refusal() : words});
    delegate.reset();
  }
}

void DelegateSlots::leave_out(const std::string& name, const std::string& reason) {
  for (SlotPointer& delegate : delegates_) {
    if (delegate == nullptr || delegate->name() != name) continue;
    unused_.push_back({name, reason});
    delegate.reset();
  }
}

bool DelegateSlots::has(const std::string& name) const {
  return std::ranges::any_of(delegates_, [&](const auto& delegate) { return delegate && delegate->name() == name; });
}

void DelegateSlots::attach_to(abi::Options options) {
  if (!empty()) attach_settings(options, kIdentifier, this);
}

template <std::size_t slot>
abi::Status DelegateSlots::create_delegate(abi::RuntimeContext context, abi::Environment environment,
                                           abi::AcceleratorConst accelerator, abi::Options options,
                                           abi::DelegateWrapper* wrapper) {
  *wrapper = nullptr;
  const auto* slots = static_cast<const DelegateSlots*>(find_settings(options, kIdentifier));
  if (slots == nullptr || slots->delegates_[slot] == nullptr) return abi::Status::ok;
  return slots->delegates_[slot]->answer({context, environment, accelerator, options}, wrapper);
}

}  // namespace zerolite
