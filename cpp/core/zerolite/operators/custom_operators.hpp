// The kernels that users bring for the custom operators of a model.
//
// LiteRT's own way, LiteRtAddCustomOpKernelOption, is not used: it ignores what a kernel's functions return, has one
// kernel for all nodes of a name, knows no inputs that are left out, and makes and destroys a tensor buffer for every
// operand in every run (LiteRT 2.3.0, litert/runtime/custom_op_dispatcher.cc). Instead a delegate that takes no node,
// and is asked before all others, gives each node of such a name its kernel. An operator that the runtime does not know
// is a node with a kernel that only says so; what comes later, XNNPACK and the preparation of the graph, meets the
// user's.
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "litert_abi/tflite.hpp"
#include "litert_abi/types.hpp"
#include "zerolite/model/model_interface.hpp"
#include "zerolite/operators/host_kernel.hpp"
#include "zerolite/operators/running_function.hpp"

namespace zerolite {

struct CustomOperator {
  std::string name;
  // The kernel of a library, or a function of the program's.
  std::variant<abi::tflite::Registration, std::shared_ptr<const HostKernel>> kernel;
};

class CustomOperators {
 public:
  explicit CustomOperators(std::vector<CustomOperator> operators);
  ~CustomOperators() = default;
  CustomOperators(const CustomOperators&) = delete;
  CustomOperators& operator=(const CustomOperators&) = delete;

  // Before all other accelerators of the environment.
  static void register_with(abi::Environment environment);
  // For the model that is compiled next, which they must outlive.
  void attach_to(abi::Options options);

  [[nodiscard]] bool has(std::string_view name) const;
  // Throws ValueError for an operator that the model does not have.
  void require_in(const ModelInterface& model, const std::string& model_name) const;

  // The same kernels for another model.
  [[nodiscard]] std::shared_ptr<CustomOperators> for_another_model() const;
  // The lock that a run of the model holds.
  void set_lock(const void* lock) const noexcept { lock_->store(lock, std::memory_order_relaxed); }

 private:
  static abi::Status create_delegate(abi::RuntimeContext, abi::Environment, abi::AcceleratorConst, abi::Options options,
                                     abi::DelegateWrapper* wrapper);
  static abi::tflite::Status prepare(abi::tflite::Context* context, abi::tflite::Delegate* delegate);
  void install(abi::tflite::Context* context) const;
  [[nodiscard]] const CustomOperator* find(std::string_view name) const;

  abi::tflite::Delegate delegate_{};
  std::vector<CustomOperator> operators_;
  std::shared_ptr<LockOfModel> lock_;
};

}  // namespace zerolite
