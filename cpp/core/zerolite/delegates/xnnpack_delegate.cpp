#include "zerolite/delegates/xnnpack_delegate.hpp"

#include <array>
#include <new>
#include <optional>
#include <vector>

#include "zerolite/model/operators.hpp"
#include "zerolite/runtime/accelerator.hpp"
#include "zerolite/runtime/runtime_library.hpp"

namespace zerolite {
namespace {

using abi::tflite::Context;
using abi::tflite::Delegate;
using abi::tflite::IntArray;
using abi::tflite::Registration;
using abi::tflite::Status;

constexpr const char* kIdentifier = "zerolite_xnnpack_nodes";

std::optional<Operator> kind_of_node(Context* context, int index) {
  abi::tflite::Node* node = nullptr;
  Registration* registration = nullptr;
  if (context->get_node_and_registration(context, index, &node, &registration) != Status::ok) return std::nullopt;
  return static_cast<Operator>(registration->builtin_code);
}

bool works_on_variables(std::optional<Operator> kind) {
  return kind == Operator::VAR_HANDLE || kind == Operator::READ_VARIABLE || kind == Operator::ASSIGN_VARIABLE;
}

}  // namespace

std::atomic<XnnpackDelegate::Prepare> XnnpackDelegate::xnnpack_prepare = nullptr;
thread_local XnnpackDelegate::Replace XnnpackDelegate::replace_together = nullptr;

void XnnpackDelegate::register_with(abi::Environment environment) {
  register_accelerator(environment, RuntimeLibrary::get().cpu_accelerator(), &XnnpackDelegate::create_delegate);
}

void XnnpackDelegate::request_nodes(abi::Options options, XnnpackNodes nodes) {
  static std::array prepares = {Prepare{nullptr}, &XnnpackDelegate::prepare<&replace_gathered>,
                                &XnnpackDelegate::prepare<&replace_one_by_one>,
                                &XnnpackDelegate::prepare<&replace_custom>};
  if (nodes == XnnpackNodes::gathered) return;
  attach_settings(options, kIdentifier, static_cast<void*>(&prepares.at(static_cast<std::size_t>(nodes))));
}

abi::Status XnnpackDelegate::create_delegate(abi::RuntimeContext context, abi::Environment environment,
                                             abi::AcceleratorConst accelerator, abi::Options options,
                                             abi::DelegateWrapper* wrapper) {
  const abi::Status status =
      RuntimeLibrary::get().cpu_accelerator().create_delegate(context, environment, accelerator, options, wrapper);
  const auto* asked = static_cast<const Prepare*>(find_settings(options, kIdentifier));
  if (status != abi::Status::ok || *wrapper == nullptr || asked == nullptr) return status;
  abi::OpaqueDelegate opaque = nullptr;
  if (const abi::Status unwrapped = runtime().UnwrapDelegate(*wrapper, &opaque); unwrapped != abi::Status::ok) {
    return unwrapped;
  }
  auto* delegate = reinterpret_cast<Delegate*>(opaque);
  xnnpack_prepare = delegate->prepare;
  delegate->prepare = *asked;
  return abi::Status::ok;
}

template <XnnpackDelegate::Replace replace>
Status XnnpackDelegate::prepare(Context* context, Delegate* delegate) {
  const Replace outer = replace_together;
  const Replace own = context->replace_node_subsets_with_delegate_kernels;
  replace_together = own;
  context->replace_node_subsets_with_delegate_kernels = replace;
  const Status status = xnnpack_prepare.load()(context, delegate);
  context->replace_node_subsets_with_delegate_kernels = own;
  replace_together = outer;
  return status;
}

Status XnnpackDelegate::replace_gathered(Context* context, Registration registration, const IntArray* nodes,
                                         Delegate* delegate) {
  try {
    std::vector<int> taken = {0};  // an IntArray, whose length is its first element
    for (const int node : nodes->values()) {
      if (!works_on_variables(kind_of_node(context, node))) taken.push_back(node);
    }
    if (taken.size() == 1) return Status::ok;
    taken.front() = static_cast<int>(taken.size()) - 1;
    return replace_together(context, registration, reinterpret_cast<const IntArray*>(taken.data()), delegate);
  } catch (const std::bad_alloc&) {
    return Status::error;
  }
}

Status XnnpackDelegate::replace_one_by_one(Context* context, Registration registration, const IntArray* nodes,
                                           Delegate* delegate) {
  for (const int node : nodes->values()) {
    if (works_on_variables(kind_of_node(context, node))) continue;
    const std::array<int, 2> one = {1, node};  // an IntArray of one element
    const Status status =
        replace_together(context, registration, reinterpret_cast<const IntArray*>(one.data()), delegate);
    if (status != Status::ok) return status;
  }
  return Status::ok;
}

Status XnnpackDelegate::replace_custom(Context* context, Registration registration, const IntArray* nodes,
                                       Delegate* delegate) {
  for (const int node : nodes->values()) {
    if (kind_of_node(context, node) != Operator::CUSTOM) continue;
    const std::array<int, 2> one = {1, node};
    const auto* subset = reinterpret_cast<const IntArray*>(one.data());
    if (const Status status = replace_one_by_one(context, registration, subset, delegate); status != Status::ok) {
      return status;
    }
  }
  return Status::ok;
}

}  // namespace zerolite
