// What a Python object that stands for a signature holds: the compiled model, which signature it is, and what
// a call needs to know about its tensors, prepared once.
#pragma once

#include <pybind11/pybind11.h>

#include <array_exchange/dlpack.hpp>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "arrays/numpy_api.hpp"
#include "python/run_limits.hpp"
#include "zerolite/inference/compiled_model.hpp"

namespace zerolite::bindings {

// One tensor as calls see it. Name, type and dtype never change; shape and size follow the tensor.
struct TensorInfo {
  std::string name;
  pybind11::object key;  // the name as a Python string
  ElementType type = ElementType::none;
  pybind11::object dtype;
  // Elements are addressable in memory, so values are copied as bytes (not so for strings and packed
  // integers).
  bool plain = false;
  std::vector<npy_intp> shape;
  std::size_t size = 0;
  std::vector<std::int32_t> shape_signature;
  std::string scaling;  // "scale 0.5 and zero point 3" of a quantized tensor, for messages
  // Of a quantized tensor as real numbers, how its memory holds them. All above is then of the real numbers.
  struct Storage {
    ElementType type;
    Quantization quantization;
  };
  std::optional<Storage> storage;

  [[nodiscard]] PyArray_Descr* descriptor() const { return reinterpret_cast<PyArray_Descr*>(dtype.ptr()); }
  // Same dtype in native byte order, same shape.
  [[nodiscard]] bool matches(PyArrayObject* array) const;
  // The same for a tensor that another library lends, which also has to lie in C order in memory of the CPU. Nothing is
  // asked of what is there only when numbers are read: never true for complex numbers, which PyTorch may have to
  // conjugate, nor for a single element. More than one of a conjugated tensor's imaginary part, which it has to negate,
  // is not in C order.
  [[nodiscard]] bool matches(const dlpack::Tensor& other) const;
  // The model leaves the axes open in which the shape differs, or does not say that it fixes any.
  [[nodiscard]] bool may_become(std::span<const npy_intp> other) const;
};

// What a call takes and gives: the numbers that tensors store, or, of quantized ones, the real numbers those stand for.
enum class Numbers { stored, real };

class SignatureObject {
 public:
  SignatureObject(std::shared_ptr<CompiledModel> model, std::size_t index);

  [[nodiscard]] CompiledModel& model() const { return *model_; }
  [[nodiscard]] const std::shared_ptr<CompiledModel>& shared_model() const { return model_; }
  [[nodiscard]] std::size_t index() const { return index_; }
  [[nodiscard]] const std::string& key() const { return model_->interface().signatures[index_].key; }
  [[nodiscard]] const std::vector<TensorInfo>& inputs() const { return inputs_; }
  [[nodiscard]] const std::vector<TensorInfo>& outputs() const { return outputs_; }
  [[nodiscard]] const std::vector<TensorInfo>& tensors(Side side) const {
    return side == Side::input ? inputs_ : outputs_;
  }
  // Float32 for quantized tensors, once runner() has been called.
  [[nodiscard]] const std::vector<TensorInfo>& tensors(Side side, Numbers numbers) const {
    if (numbers == Numbers::stored) return tensors(side);
    return side == Side::input ? real_inputs_ : real_outputs_;
  }
  // No output is a string or packed, and positions say which input is meant.
  [[nodiscard]] bool takes_short_way() const { return plain_outputs_ && !positions_in_doubt_; }
  // Inputs of equal shape and dtype could be given by position in another order than the model's source takes them in,
  // and nobody was warned yet. Up to date with the shapes above. This and the next need the model's lock.
  [[nodiscard]] bool positions_in_doubt() const { return positions_in_doubt_; }
  void settle_positions() { positions_settled_ = true, positions_in_doubt_ = false; }

  // What names the signature that runs a call for which this one does not have the shapes; null where there is none.
  // Needs the critical section of the Python object.
  [[nodiscard]] const pybind11::object& chooser() const { return chooser_; }
  void set_chooser(pybind11::object chooser) { chooser_ = std::move(chooser); }

  // The runner, with shapes and sizes above brought up to date. Needs the model's lock.
  SignatureRunner& runner() {
    SignatureRunner& runner = model_->signature(index_);
    if (runner.generation() != generation_) refresh(runner);
    return runner;
  }

 private:
  void refresh(SignatureRunner& runner);
  [[nodiscard]] bool has_like_inputs() const;

  std::shared_ptr<CompiledModel> model_;
  std::size_t index_;
  std::vector<TensorInfo> inputs_;
  std::vector<TensorInfo> outputs_;
  std::vector<TensorInfo> real_inputs_;
  std::vector<TensorInfo> real_outputs_;
  pybind11::object chooser_;
  bool plain_outputs_;
  bool positions_settled_;
  bool positions_in_doubt_ = false;
  std::uint64_t generation_ = 0;
};

// By key, why nothing can run it.
pybind11::dict unusable_signatures(const ModelInterface& model);

// Runs with the GIL when a run takes less than giving the GIL away and fetching it again is worth; without it
// else. Needs the model's lock.
void run_locked(SignatureRunner& runner);
// The same, which ends before a node when the limits are over. Throws RunTimeout or RunStopped then.
void run_locked(SignatureRunner& runner, const RunLimits& limits);

}  // namespace zerolite::bindings
