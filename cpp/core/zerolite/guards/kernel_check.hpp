// What builtin kernels believe of their operands without a look, and end the process over (LiteRT 2.3.0).
//
// Values come with a run, from the program's user or from other operators, and so do shapes, with a resize or a run: no
// check of the file can find them.
#pragma once

#include <cstddef>
#include <span>

#include "litert_abi/tflite.hpp"
#include "zerolite/tensor/element_type.hpp"
#include "zerolite/verification/operand_rules.hpp"

namespace zerolite {

// What is to be done with a node.
struct CheckResult {
  enum class Action { run, skip, refuse };

  Action action = Action::run;
  const char* reason = nullptr;  // for a refusal: what is wrong with the tensor
  const abi::tflite::Tensor* tensor = nullptr;

  static CheckResult skip() { return {Action::skip, nullptr, nullptr}; }
  static CheckResult refuse(const abi::tflite::Tensor& tensor, const char* reason) {
    return {Action::refuse, reason, &tensor};
  }
  static CheckResult refuse_unless(bool sound, const abi::tflite::Tensor& tensor, const char* reason) {
    return sound ? CheckResult() : refuse(tensor, reason);
  }
};

// A node whose operands have their values.
class LiveNode {
 public:
  LiveNode(const abi::tflite::Context& context, const abi::tflite::Node& node) : context_(context), node_(node) {}

  [[nodiscard]] const abi::tflite::Tensor& input(std::size_t position) const {
    return tensor(node_.inputs->values()[position]);
  }
  // The first one.
  [[nodiscard]] const abi::tflite::Tensor& output() const { return tensor(node_.outputs->values()[0]); }
  [[nodiscard]] bool computes_nothing() const { return is_empty(output().dims->values()); }
  // Whether the values of all inputs are there before a run.
  [[nodiscard]] bool has_constant_inputs() const;
  template <typename Parameters>
  [[nodiscard]] const Parameters& parameters() const {
    return *static_cast<const Parameters*>(node_.builtin_data);
  }
  // What the kernel keeps for the node; null without.
  template <typename State>
  [[nodiscard]] const State* state() const {
    return static_cast<const State*>(node_.user_data);
  }

  // For the rules of operands.
  [[nodiscard]] std::span<const int> shape(std::size_t position) const { return input(position).dims->values(); }
  [[nodiscard]] ElementType type(std::size_t position) const { return static_cast<ElementType>(input(position).type); }
  [[nodiscard]] std::span<const std::byte> constant(std::size_t position) const;

 private:
  [[nodiscard]] const abi::tflite::Tensor& tensor(int index) const {
    return context_.tensors[static_cast<std::size_t>(index)];
  }

  const abi::tflite::Context& context_;
  const abi::tflite::Node& node_;
};

using KernelCheck = CheckResult(const LiveNode&);

}  // namespace zerolite
