// What a Python object in the manner of tf.lite.Interpreter holds: a compiled model, its subgraphs with every tensor by
// index, and what a call needs to know about them.
#pragma once

#include <pybind11/pybind11.h>

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "signature/signature_object.hpp"
#include "zerolite/inference/interpreter_state.hpp"
#include "zerolite/inference/model_lock.hpp"
#include "zerolite/instrumentation/value_ranges.hpp"

namespace zerolite::bindings {

// A tensor as the interpreter's calls see it; the dtype is tf.lite's, which knows no 4-bit integers.
struct TensorAccess {
  TensorInfo info;
  std::ptrdiff_t binding = -1;  // among the runner's bindings; -1 for a tensor that is no input or output
};

class InterpreterObject {
 public:
  struct Options {
    CompileOptions compile;
    bool preserve_all_tensors = false;
  };

  // Throws InvalidModelError, DelegateError and FileError; what the runtime has against a sound model is kept for the
  // allocation, where tf.lite.Interpreter reports it.
  InterpreterObject(std::shared_ptr<const Model> model, const Options& options);

  [[nodiscard]] const Model& model() const { return *model_; }
  [[nodiscard]] const ModelContents& contents() const { return contents_; }
  // Empty when the runtime compiled the model.
  [[nodiscard]] const std::string& refusal() const { return refusal_; }
  [[nodiscard]] ModelLock& lock() { return *lock_; }

  // All below need the lock.
  [[nodiscard]] std::size_t subgraph_count() const { return graphs_.size(); }
  // Throws ValueError for an index that there is not.
  [[nodiscard]] InterpreterState& graph(std::ptrdiff_t subgraph);
  [[nodiscard]] std::size_t tensor_index(std::ptrdiff_t index, std::ptrdiff_t subgraph);

  void allocate(std::ptrdiff_t subgraph);
  void run(std::ptrdiff_t subgraph);
  // Runs, and notes the range of the values of every tensor.
  [[nodiscard]] std::unique_ptr<ValueRanges> run_for_ranges(std::ptrdiff_t subgraph);
  void reset_variables();
  // The values that a run left in a tensor which the runtime gives no memory of its own; null when there are none.
  [[nodiscard]] const TracedTensor* traced(std::size_t subgraph, std::size_t index) const;

  [[nodiscard]] const TensorTrace& trace() const { return trace_; }

  // For the calls that are made again and again: the main subgraph's tensor when it is an input or output of an
  // allocated graph, is made of plain numbers and `index` means it; null else.
  [[nodiscard]] const TensorAccess* binding_access(std::ptrdiff_t index) {
    if (main_runner_ == nullptr || index < 0) return nullptr;
    if (main_runner_->generation() != generation_) refresh();
    const auto position = static_cast<std::size_t>(index);
    return position < accesses_.size() && accesses_[position].binding >= 0 ? &accesses_[position] : nullptr;
  }
  [[nodiscard]] SignatureRunner* main_runner() { return main_runner_; }
  // To be called after every change of the main graph's state.
  void note_state();

 private:
  void refresh();
  void follow_runner();
  void note_run(InterpreterState& tensors);

  std::shared_ptr<const Model> model_;
  ModelContents contents_;
  std::shared_ptr<CompiledModel> compiled_;
  std::string refusal_;
  bool preserve_all_tensors_;
  std::vector<InterpreterState> graphs_;
  TensorTrace trace_;
  std::vector<TensorAccess> accesses_;      // of the main subgraph
  SignatureRunner* main_runner_ = nullptr;  // while the main subgraph is allocated
  std::uint64_t generation_ = 0;
  ModelLock own_lock_;
  ModelLock* lock_ = &own_lock_;  // the compiled model's, once there is one
};

// The dtype in which tf.lite.Interpreter shows a type: 2-bit and 4-bit integers and 8-bit floats as bytes. Null for
// types that it does not show.
pybind11::object interpreter_dtype(ElementType type);

}  // namespace zerolite::bindings
