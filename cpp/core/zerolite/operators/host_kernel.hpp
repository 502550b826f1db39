// What computes a custom operator in the language of the program that loaded the model.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "zerolite/tensor/element_type.hpp"

namespace zerolite {

using Shape = std::vector<std::int32_t>;

// A tensor of a node, for the length of a call.
struct HostOperand {
  ElementType type = ElementType::none;
  std::span<const std::int32_t> shape;
  std::span<std::byte> bytes;
  // The shape is the same in every run, as the file says.
  bool has_fixed_shape = true;
};

// A node as a call of its kernel sees it.
class NodeCall {
 public:
  NodeCall() = default;
  virtual ~NodeCall() = default;
  NodeCall(const NodeCall&) = delete;
  NodeCall& operator=(const NodeCall&) = delete;

  [[nodiscard]] virtual std::size_t input_count() const = 0;
  // Nothing for an input that the model leaves out.
  [[nodiscard]] virtual std::optional<HostOperand> input(std::size_t index) const = 0;
  [[nodiscard]] virtual std::size_t output_count() const = 0;
  [[nodiscard]] virtual HostOperand output(std::size_t index) const = 0;
  // What the file has for the kernel, in a form that only the kernel knows.
  [[nodiscard]] virtual std::span<const std::byte> options() const = 0;
  // Where a result of this shape goes. Throws ValueError when the output has another one.
  [[nodiscard]] virtual std::span<std::byte> place(std::size_t output, std::span<const std::int32_t> shape) const = 0;
};

// Called by one thread at a time for each model, by several for several models. What it throws ends the run, and comes
// out of it as an Error; see KernelFailure.
class HostKernel {
 public:
  HostKernel() = default;
  virtual ~HostKernel() = default;
  HostKernel(const HostKernel&) = delete;
  HostKernel& operator=(const HostKernel&) = delete;

  // Of each output; nothing for a shape that only the run tells.
  [[nodiscard]] virtual std::vector<std::optional<Shape>> output_shapes(const NodeCall& call) const = 0;
  virtual void run(const NodeCall& call) const = 0;
};

}  // namespace zerolite
