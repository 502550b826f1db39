// A delegate of one model, as the environment asks for it (see delegate_registry.hpp).
#pragma once

#include <new>
#include <string>
#include <string_view>

#include "litert_abi/types.hpp"

namespace zerolite {

// What the runtime says when it asks an accelerator for a delegate.
struct DelegateRequest {
  abi::RuntimeContext context;
  abi::Environment environment;
  abi::AcceleratorConst accelerator;
  abi::Options options;
};

class ModelDelegate {
 public:
  ModelDelegate() = default;
  virtual ~ModelDelegate() = default;
  ModelDelegate(const ModelDelegate&) = delete;
  ModelDelegate& operator=(const ModelDelegate&) = delete;

  // Answers the runtime, which calls this while it compiles the model. No exception may leave it.
  virtual abi::Status answer(const DelegateRequest& request, abi::DelegateWrapper* wrapper) noexcept = 0;
  // How messages call it.
  [[nodiscard]] virtual std::string name() const = 0;
  // Whether it may be offered a graph with dynamic tensors.
  [[nodiscard]] virtual bool allows_dynamic_tensors() const = 0;
  // Whether a model goes without it, when the fallback is allowed and it fails: for hardware that may not be there.
  [[nodiscard]] virtual bool is_dispensable() const { return false; }
  // Why it gave no delegate, in a sentence; empty when it did, or was not asked.
  [[nodiscard]] const std::string& refusal() const { return refusal_; }

 protected:
  void refuse(std::string_view reason) noexcept {
    try {
      refusal_ = reason;
    } catch (const std::bad_alloc&) {
      refusal_ = "no memory";  // as short as this, a string needs none
    }
  }

 private:
  std::string refusal_;
};

}  // namespace zerolite
