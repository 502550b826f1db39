// The delegate of a model that runs in another process: it takes each graph whole, and its kernels ask that process.
//
// What the runtime has in this process is a stand-in, a model of one operator a signature that was made here. So all
// that there is around a run (memory, shapes, batches, limits of time) is the same as for any other model.
#pragma once

#include <memory>
#include <string>

#include "litert_abi/tflite.hpp"
#include "zerolite/delegates/isolated/remote_model.hpp"
#include "zerolite/delegates/model_delegate.hpp"

namespace zerolite {

struct IsolatedSettings {
  std::shared_ptr<isolated::RemoteModel> model;
};

class IsolatedDelegate final : public ModelDelegate {
 public:
  static constexpr const char* kName = "IsolatedProcess";

  explicit IsolatedDelegate(IsolatedSettings settings);

  abi::Status answer(const DelegateRequest& request, abi::DelegateWrapper* wrapper) noexcept override;
  [[nodiscard]] std::string name() const override { return kName; }
  [[nodiscard]] bool allows_dynamic_tensors() const override { return true; }

 private:
  static abi::tflite::Status prepare(abi::tflite::Context* context, abi::tflite::Delegate* delegate);
  static void* init(abi::tflite::Context* context, const char* buffer, std::size_t size);

  abi::tflite::Delegate delegate_{};
  std::shared_ptr<isolated::RemoteModel> model_;
  std::size_t subgraph_ = 0;  // whose kernel is being made
};

}  // namespace zerolite
