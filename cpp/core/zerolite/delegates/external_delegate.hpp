// Delegates that come as libraries with TensorFlow Lite's plug-in entry points.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "litert_abi/tflite.hpp"
#include "litert_abi/types.hpp"
#include "zerolite/delegates/model_delegate.hpp"

namespace zerolite {

class ExternalDelegate;

// What is asked of a library: its path, and options as text.
struct ExternalDelegateSettings {
  std::string library;
  std::vector<std::pair<std::string, std::string>> options;
  // The delegate, for models that share one; each gets one of its own without it.
  std::shared_ptr<ExternalDelegate> made = nullptr;
};

// One delegate, made and destroyed by its library. It outlives the compiled model that uses it.
class ExternalDelegate final : public ModelDelegate {
 public:
  // Throws DelegateError, with the library's own message where there is one.
  explicit ExternalDelegate(const ExternalDelegateSettings& settings);
  ~ExternalDelegate() override;
  ExternalDelegate(const ExternalDelegate&) = delete;
  ExternalDelegate& operator=(const ExternalDelegate&) = delete;

  [[nodiscard]] abi::tflite::Delegate* get() const { return delegate_; }
  abi::Status answer(const DelegateRequest& request, abi::DelegateWrapper* wrapper) noexcept override;
  [[nodiscard]] std::string name() const override { return "the delegate library " + library_; }
  [[nodiscard]] bool allows_dynamic_tensors() const override {
    return (static_cast<std::uint64_t>(delegate_->flags) & std::uint64_t{abi::tflite::kDelegateAllowDynamicTensors}) !=
           0;
  }

 private:
  std::string library_;
  void (*destroy_)(abi::tflite::Delegate*) = nullptr;
  abi::tflite::Delegate* delegate_ = nullptr;
};

// The part of one model in a delegate that models share, which is destroyed after the last of them.
class SharedExternalDelegate final : public ModelDelegate {
 public:
  explicit SharedExternalDelegate(std::shared_ptr<ExternalDelegate> shared) : shared_(std::move(shared)) {}

  abi::Status answer(const DelegateRequest& request, abi::DelegateWrapper* wrapper) noexcept override {
    return shared_->answer(request, wrapper);
  }
  [[nodiscard]] std::string name() const override { return shared_->name(); }
  [[nodiscard]] bool allows_dynamic_tensors() const override { return shared_->allows_dynamic_tensors(); }

 private:
  std::shared_ptr<ExternalDelegate> shared_;
};

}  // namespace zerolite
