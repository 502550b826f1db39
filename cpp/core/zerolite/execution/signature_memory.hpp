// The memory of a signature's inputs and outputs.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <utility>
#include <vector>

#include "zerolite/execution/compiled_signature.hpp"
#include "zerolite/execution/tensor_binding.hpp"
#include "zerolite/tensor/tensor_spec.hpp"

namespace zerolite {

enum class Side { input, output };

class SignatureMemory {
 public:
  // There is no memory before fit().
  explicit SignatureMemory(const CompiledSignature& signature);
  ~SignatureMemory() = default;
  SignatureMemory(const SignatureMemory&) = delete;
  SignatureMemory& operator=(const SignatureMemory&) = delete;

  // By the signature's names.
  [[nodiscard]] std::size_t count(Side side) const { return positions(side).size(); }
  [[nodiscard]] const TensorBinding& binding(Side side, std::size_t index) const {
    return bindings_[positions(side)[index]];
  }
  // Among all bindings, of which each distinct tensor among the inputs and outputs of the subgraph has one.
  [[nodiscard]] std::size_t position(Side side, std::size_t index) const { return positions(side)[index]; }
  [[nodiscard]] std::vector<std::size_t> positions(const std::vector<std::int32_t>& tensors) const;
  [[nodiscard]] std::span<const TensorBinding> bindings() const { return bindings_; }
  [[nodiscard]] std::span<TensorBinding> bindings() { return bindings_; }
  // The subgraph's outputs that are no inputs at the same time.
  [[nodiscard]] const std::vector<std::int32_t>& computed_outputs() const { return computed_outputs_; }
  [[nodiscard]] TensorSpec spec(Side side, std::size_t index) const;
  // Changes whenever the shape or the size of a tensor may have changed.
  [[nodiscard]] std::uint64_t generation() const { return generation_; }
  void note_allocation() noexcept { ++generation_; }

  // Gives every tensor memory for the shape that the graph has. All or nothing: throws Error for an impossible shape,
  // std::bad_alloc where memory runs out.
  void fit();
  // Fills a string input; its memory grows as needed.
  void set_strings(std::size_t input, std::span<const std::byte> encoded);
  enum class Outputs { all, strings };
  // Of outputs that turned out larger than their memory. True when there were some.
  bool grow(Outputs outputs);
  // The memory of an output that collect_outputs() has filled, for whoever keeps its value; null where a copy is right.
  // See TensorBinding::give_away. The runtime never gets such memory again.
  [[nodiscard]] std::shared_ptr<void> give_away(std::size_t position);
  // Gives a binding whose memory was given away the value of the last run once more, in memory of its own.
  void collect_again(std::size_t position);
  // Before a run: parts with what was given away, so that it is freed where nobody kept it.
  void part_with_given_away();
  // Takes over the values and the shapes of outputs that the runtime did not compute into the memory it was given.
  void collect_outputs();

  // Takes the caller's memory for a tensor, of the tensor's size and 64-byte aligned; `owner` keeps it alive.
  void bind(Side side, std::size_t index, std::byte* data, std::shared_ptr<void> owner);
  void unbind(Side side, std::size_t index);
  // The inputs that have their memory from an output, with the values that the next run will overwrite.
  class OverwrittenInputs {
   public:
    OverwrittenInputs() = default;
    explicit OverwrittenInputs(const SignatureMemory& memory);
    // Puts the values back.
    void restore() const;

   private:
    std::vector<std::pair<std::span<std::byte>, std::vector<std::byte>>> values_;
  };
  // What kept memory alive that was bound before a change of size.
  [[nodiscard]] std::vector<std::shared_ptr<void>> take_retired() { return std::exchange(retired_, {}); }

  // Uses other memory for a tensor until end_borrowing(), and leaves alone what it is bound to.
  void borrow(Side side, std::size_t index, std::byte* data);
  // `visit` gets the position of every binding that has its own memory back.
  template <typename Visit>
  void end_borrowing(const Visit& visit) {
    // From the last to the first: a tensor that has two names may have borrowed twice.
    for (; !set_aside_.empty(); set_aside_.pop_back()) {
      auto& [position, own] = set_aside_.back();
      bindings_[position] = std::move(own);
      visit(position);
    }
  }

  // Takes all memory out and leaves fresh memory in its place; gives it back.
  [[nodiscard]] std::vector<TensorBinding> swap_out();
  void swap_in(std::vector<TensorBinding> bindings) noexcept;
  // Exchanges all memory with the same signature of another compilation of the model.
  void exchange(SignatureMemory& other) noexcept;

 private:
  [[nodiscard]] const std::vector<std::size_t>& positions(Side side) const {
    return side == Side::input ? inputs_ : outputs_;
  }
  [[nodiscard]] std::size_t position_of(std::int32_t tensor) const;
  std::size_t add(std::int32_t tensor);
  std::vector<std::size_t> add(const std::vector<NamedTensor>& tensors);
  void require_type(const abi::tflite::Tensor& tensor, ElementType type) const;
  [[nodiscard]] TensorBinding::Fitting fitting_of(const TensorBinding& binding) const;
  [[nodiscard]] std::vector<TensorBinding::Fitting> fittings(std::span<const TensorBinding> bindings) const;
  void fit(TensorBinding& binding, std::size_t size);
  void use(TensorBinding& binding, TensorBinding::Fitting fitting) noexcept;

  const CompiledSignature& signature_;
  std::vector<TensorBinding> bindings_;
  std::vector<std::size_t> inputs_;   // positions, by the signature's names
  std::vector<std::size_t> outputs_;  // likewise
  std::vector<std::int32_t> computed_outputs_;
  std::vector<std::pair<std::size_t, TensorBinding>> set_aside_;  // as they were before borrowing, by position
  std::vector<std::shared_ptr<void>> retired_;
  std::uint64_t generation_ = 0;
};

}  // namespace zerolite
