#include "interpreter/interpreter_object.hpp"

#include <algorithm>
#include <utility>

#include "arrays/dtypes.hpp"
#include "zerolite/platform/error.hpp"
#include "zerolite/runtime/runtime_library.hpp"

namespace py = pybind11;

namespace zerolite::bindings {

py::object interpreter_dtype(ElementType type) {
  switch (type) {
    case ElementType::int2:
    case ElementType::int4:
    case ElementType::float8_e4m3fn:
    case ElementType::float8_e5m2:
      return dtype_of(ElementType::int8);
    case ElementType::uint4:
      return dtype_of(ElementType::uint8);
    case ElementType::resource:
    case ElementType::variant:
      return dtype_of(ElementType::string);
    case ElementType::none:
      return {};
    default:
      return dtype_of(type);
  }
}

InterpreterObject::InterpreterObject(std::shared_ptr<const Model> model, const Options& options)
    : model_(std::move(model)),
      contents_(ModelContents::read(model_->bytes().span())),
      preserve_all_tensors_(options.preserve_all_tensors),
      own_lock_(model_->name(), ModelLock::Threads::none) {
  RuntimeLibrary::get().require_known("zl.Interpreter, which shows every tensor of a graph,");
  try {
    compiled_ = std::make_shared<CompiledModel>(model_, options.compile);
    lock_ = &compiled_->lock();
  } catch (const InvalidModelError&) {
    throw;
  } catch (const RuntimeLibraryError&) {
    throw;
  } catch (const DelegateError&) {
    throw;
  } catch (const Error& error) {
    refusal_ = error.what();
  }
  for (std::size_t i = 0; i < model_->interface().subgraphs.size(); ++i) {
    graphs_.emplace_back(*model_, contents_, i, compiled_.get());
  }
}

InterpreterState& InterpreterObject::graph(std::ptrdiff_t subgraph) {
  if (subgraph < 0 || std::cmp_greater_equal(subgraph, graphs_.size())) {
    throw ValueError("the subgraph index is " + std::to_string(subgraph) + ", and the model has " +
                     std::to_string(graphs_.size()) + " subgraphs");
  }
  return graphs_[static_cast<std::size_t>(subgraph)];
}

std::size_t InterpreterObject::tensor_index(std::ptrdiff_t index, std::ptrdiff_t subgraph) {
  const std::size_t count = graph(subgraph).count();
  if (index < 0 || std::cmp_greater_equal(index, count)) {
    throw ValueError("Invalid tensor index " + std::to_string(index) + " exceeds max tensor index " +
                     std::to_string(count) + ", the number of tensors of the subgraph");
  }
  return static_cast<std::size_t>(index);
}

void InterpreterObject::note_state() {
  InterpreterState& main = graphs_.front();
  main_runner_ = main.is_allocated() ? &main.runner() : nullptr;
  generation_ = 0;
}

// The model may have made another one, for whichever subgraph.
void InterpreterObject::follow_runner() {
  if (main_runner_ != nullptr && main_runner_ != graphs_.front().known_runner()) note_state();
}

void InterpreterObject::refresh() {
  const InterpreterState& main = graphs_.front();
  accesses_.resize(main.count());
  for (TensorAccess& access : accesses_) access.binding = -1;
  const std::span<const TensorBinding> bindings = main_runner_->bindings();
  for (std::size_t i = 0; i < bindings.size(); ++i) {
    const TensorBinding& binding = bindings[i];
    TensorAccess& access = accesses_[static_cast<std::size_t>(binding.tensor_index())];
    // What is constant is read from the model, and some outputs have no memory before a run.
    const std::optional<TensorMemory> memory = main.memory(static_cast<std::size_t>(binding.tensor_index()));
    if (!memory || !memory->writable) continue;
    if (!access.info.dtype) access.info.dtype = interpreter_dtype(binding.type());
    access.info.type = binding.type();
    access.info.plain = binding.type() != ElementType::string && !is_packed(binding.type()) && access.info.dtype;
    access.info.shape.assign(binding.shape().begin(), binding.shape().end());
    access.info.size = binding.size();
    access.binding = access.info.plain ? static_cast<std::ptrdiff_t>(i) : -1;
  }
  generation_ = main_runner_->generation();
}

void InterpreterObject::allocate(std::ptrdiff_t subgraph) {
  InterpreterState& tensors = graph(subgraph);
  if (!refusal_.empty()) throw Error(refusal_);
  if (tensors.is_allocated()) return;
  trace_.clear();
  tensors.allocate();
  for (InterpreterState& graph : graphs_) graph.note_prepared();
  note_state();
}

void InterpreterObject::run(std::ptrdiff_t subgraph) {
  InterpreterState& tensors = graph(subgraph);
  SignatureRunner& runner = tensors.runner();
  follow_runner();
  if (preserve_all_tensors_) {
    trace_.clear();
    const py::gil_scoped_release release;
    runner.run_instrumented(compiled_->observer(), trace_);
  } else {
    run_locked(runner);
  }
  note_run(tensors);
}

std::unique_ptr<ValueRanges> InterpreterObject::run_for_ranges(std::ptrdiff_t subgraph) {
  InterpreterState& tensors = graph(subgraph);
  SignatureRunner& runner = tensors.runner();
  follow_runner();
  trace_.clear();  // which would hide the values of this run
  auto ranges = std::make_unique<ValueRanges>();
  {
    const py::gil_scoped_release release;
    runner.run_instrumented(compiled_->observer(), *ranges);
  }
  note_run(tensors);
  return ranges;
}

void InterpreterObject::note_run(InterpreterState& tensors) {
  if (tensors.has_run()) return;
  tensors.note_run();
  generation_ = 0;  // there are outputs to be had now
}

void InterpreterObject::reset_variables() {
  for (InterpreterState& graph : graphs_) graph.reset_variables();
}

const TracedTensor* InterpreterObject::traced(std::size_t subgraph, std::size_t index) const {
  return trace_.find(subgraph, static_cast<std::int32_t>(index));
}

}  // namespace zerolite::bindings
