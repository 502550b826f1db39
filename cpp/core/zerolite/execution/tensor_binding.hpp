// The memory that stands for one input or output tensor of a signature.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <utility>
#include <vector>

#include "zerolite/platform/aligned_buffer.hpp"
#include "zerolite/runtime/handle.hpp"
#include "zerolite/tensor/element_type.hpp"

namespace zerolite {

class TensorBinding {
 public:
  TensorBinding(std::int32_t tensor_index, ElementType type) : tensor_index_(tensor_index), type_(type) {}

  [[nodiscard]] std::int32_t tensor_index() const { return tensor_index_; }
  [[nodiscard]] ElementType type() const { return type_; }
  [[nodiscard]] std::byte* data() const { return data_; }
  [[nodiscard]] std::size_t size() const { return size_; }
  [[nodiscard]] std::span<std::byte> bytes() const { return {data_, size_}; }
  [[nodiscard]] const std::vector<std::int32_t>& shape() const { return shape_; }
  // What keeps the memory alive: views hold it too, so they outlive the model.
  [[nodiscard]] const std::shared_ptr<void>& owner() const { return owner_; }
  [[nodiscard]] bool is_bound() const { return bound_; }

  // What a binding is given to hold `size` bytes of a shape: fresh zeroed memory of our own, unless the memory that the
  // binding has, bound or not, is of just that size.
  struct Fitting {
    std::vector<std::int32_t> shape;
    std::size_t size = 0;
    std::shared_ptr<AlignedBuffer> memory;  // null where the binding's own is kept
  };
  // Takes memory, and changes nothing.
  [[nodiscard]] Fitting fitting(std::vector<std::int32_t> shape, std::size_t size) const;
  // True when the memory is another one afterwards.
  bool fit(Fitting fitting) noexcept;
  bool fit(std::vector<std::int32_t> shape, std::size_t size) { return fit(fitting(std::move(shape), size)); }
  // Takes the caller's memory, of the binding's size and 64-byte aligned; `owner` keeps it alive.
  void bind(std::byte* data, std::shared_ptr<void> owner);
  // Stands for another binding with memory that somebody else keeps alive.
  void use_without_owning(std::byte* data, const TensorBinding& like);
  // Goes back to memory of our own.
  void unbind();
  // Gives memory of our own away for good: whatever fits the binding next takes other memory, and until then it still
  // shows the same values. Null when it is the caller's, or when somebody already has a view of it, which follows the
  // binding from run to run.
  std::shared_ptr<void> give_away();
  [[nodiscard]] bool is_given_away() const { return given_away_; }

  // The runtime's object for the memory, made when first asked for and again after a change. Null for memory
  // that can't be registered: no bytes, or more dimensions than LiteRT's interface takes (8).
  abi::TensorBuffer registration();
  // The same for an output that can't be registered as what it is: a run insists on a buffer for every
  // output.
  abi::TensorBuffer output_registration();

 private:
  [[nodiscard]] bool is_registrable() const;
  abi::TensorBuffer registered_as(ElementType type, const std::vector<std::int32_t>& shape, std::size_t size);
  void use(std::byte* data, std::size_t size, std::shared_ptr<void> owner, bool bound) noexcept;

  std::int32_t tensor_index_;
  ElementType type_;
  std::byte* data_ = nullptr;
  std::size_t size_ = 0;
  std::vector<std::int32_t> shape_;
  std::shared_ptr<void> owner_;
  bool bound_ = false;
  bool given_away_ = false;
  TensorBufferHandle registration_;
};

}  // namespace zerolite
