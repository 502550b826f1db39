#include "zerolite/operators/custom_operators.hpp"

#include <algorithm>
#include <cstddef>
#include <exception>
#include <utility>

#include "zerolite/graph/captured_graph.hpp"
#include "zerolite/operators/function_node.hpp"
#include "zerolite/platform/error.hpp"
#include "zerolite/runtime/accelerator.hpp"

namespace zerolite {
namespace {

using abi::tflite::Context;
using abi::tflite::Registration;

constexpr const char* kIdentifier = "zerolite_custom_operators";

// The kernel takes the place of the node's own one, as if the runtime had known it when it read the model.
void give_kernel(Context* context, const PlannedNode& planned, Registration kernel, void* function_node) {
  abi::tflite::Node& node = *planned.node;
  Registration& registration = *planned.registration;
  if (registration.free != nullptr && node.user_data != nullptr) registration.free(context, node.user_data);
  kernel.builtin_code = registration.builtin_code;
  kernel.custom_name = registration.custom_name;
  kernel.version = registration.version;
  registration = kernel;
  node.user_data = function_node;
  if (kernel.init == nullptr) return;
  node.user_data = kernel.init(context, static_cast<const char*>(node.custom_initial_data),
                               static_cast<std::size_t>(std::max(node.custom_initial_data_size, 0)));
}

}  // namespace

CustomOperators::CustomOperators(std::vector<CustomOperator> operators)
    : operators_(std::move(operators)), lock_(std::make_shared<LockOfModel>(nullptr)) {
  delegate_.data = this;
  delegate_.prepare = &CustomOperators::prepare;
  // As the observer: else the runtime would prepare the graph before the nodes have their kernels.
  delegate_.flags = abi::tflite::kDelegateAllowDynamicTensors;
}

void CustomOperators::register_with(abi::Environment environment) {
  register_accelerator(environment, &CustomOperators::create_delegate);
}

void CustomOperators::attach_to(abi::Options options) { attach_settings(options, kIdentifier, this); }

const CustomOperator* CustomOperators::find(std::string_view name) const {
  const auto found = std::ranges::find(operators_, name, &CustomOperator::name);
  return found == operators_.end() ? nullptr : &*found;
}

bool CustomOperators::has(std::string_view name) const { return find(name) != nullptr; }

void CustomOperators::require_in(const ModelInterface& model, const std::string& model_name) const {
  std::string known;
  std::vector<std::string_view> names;
  for (const OperatorCode& code : model.operator_codes) {
    if (!code.is_custom()) continue;
    names.emplace_back(code.custom_code);
    known.append(known.empty() ? "'" : ", '").append(code.custom_code).append("'");
  }
  for (const CustomOperator& given : operators_) {
    if (std::ranges::find(names, given.name) != names.end()) continue;
    throw ValueError("custom_ops has the operator '" + given.name + "', which " + model_name + " does not have" +
                     (known.empty() ? "; it has no custom operators, so leave it out"
                                    : "; its custom operators are " + known + ", so correct the name or leave it out"));
  }
}

std::shared_ptr<CustomOperators> CustomOperators::for_another_model() const {
  return std::make_shared<CustomOperators>(operators_);
}

abi::Status CustomOperators::create_delegate(abi::RuntimeContext /*runtime_context*/, abi::Environment /*environment*/,
                                             abi::AcceleratorConst /*accelerator*/, abi::Options options,
                                             abi::DelegateWrapper* wrapper) {
  *wrapper = nullptr;
  auto* const operators = static_cast<CustomOperators*>(find_settings(options, kIdentifier));
  return operators == nullptr ? abi::Status::ok : lend_delegate(&operators->delegate_, wrapper);
}

abi::tflite::Status CustomOperators::prepare(Context* context, abi::tflite::Delegate* delegate) {
  try {
    static_cast<const CustomOperators*>(delegate->data)->install(context);
    return abi::tflite::Status::ok;
  } catch (const std::exception& error) {  // of a library's init
    // NOLINTNEXTLINE(cppcoreguidelines-pro-type-vararg): the runtime's only way to say why
    context->report_error(context, "the init of a custom operator failed: %s", error.what());
  } catch (...) {
    context->report_error(context,
                          "the init of a custom operator failed");  // NOLINT(cppcoreguidelines-pro-type-vararg)
  }
  return abi::tflite::Status::error;
}

void CustomOperators::install(Context* context) const {
  CapturedGraph(context).for_each_planned([&](const PlannedNode& planned) {
    const Registration& now = *planned.registration;
    if (now.builtin_code != abi::tflite::kBuiltinCustom || now.custom_name == nullptr) return;
    const CustomOperator* given = find(now.custom_name);
    if (given == nullptr) return;
    if (const auto* library = std::get_if<Registration>(&given->kernel)) {
      const bool has_it = now.prepare == library->prepare && now.free == library->free;
      if (!has_it) give_kernel(context, planned, *library, nullptr);
      return;
    }
    const Registration kernel = function_kernel();
    if (now.prepare == kernel.prepare) return;
    const auto& function = std::get<std::shared_ptr<const HostKernel>>(given->kernel);
    give_kernel(context, planned, kernel, make_function_node(given->name, function, lock_));
  });
}

}  // namespace zerolite
