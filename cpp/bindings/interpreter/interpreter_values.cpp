#include "interpreter/interpreter_values.hpp"

#include <algorithm>
#include <cstring>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "arrays/array_memory.hpp"
#include "python/locking.hpp"
#include "signature/strings.hpp"
#include "signature/tensor_values.hpp"
#include "zerolite/platform/aligned_buffer.hpp"
#include "zerolite/platform/error.hpp"
#include "zerolite/tensor/string_tensor.hpp"

namespace py = pybind11;

namespace zerolite::bindings {
namespace {

std::string whom(const InterpreterState& graph, std::size_t index) {
  return "tensor " + std::to_string(index) + " ('" + graph.name(index) + "')";
}

TensorInfo info_of(const InterpreterState& graph, std::size_t index) {
  TensorInfo info;
  info.name = graph.name(index);
  info.type = graph.type(index);
  info.dtype = interpreter_dtype(info.type);
  if (!info.dtype) throw ValueError(whom(graph, index) + " has no type");
  const std::vector<std::int32_t> shape = graph.shape(index);
  info.shape.assign(shape.begin(), shape.end());
  return info;
}

py::object as_readable_array(py::handle value) {
  PyObject* array = PyArray_CheckFromAny(value.ptr(), nullptr, 0, 0, NPY_ARRAY_CARRAY | NPY_ARRAY_NOTSWAPPED, nullptr);
  if (array == nullptr) {
    py::raise_from(PyExc_ValueError, "the value is nothing that NumPy makes an array of");
    throw py::error_already_set();
  }
  return py::reinterpret_steal<py::object>(array);
}

bool holds_strings(py::handle array) {
  const int type = PyArray_TYPE(as_array(array));
  return type == NPY_OBJECT || type == NPY_STRING || type == NPY_UNICODE;
}

std::vector<std::byte> encoded(const TensorInfo& info, py::handle value) {
  if (!PyArray_Check(value.ptr())) {
    throw ValueError("input '" + info.name + "' takes strings as a NumPy array, and got " +
                     std::string(Py_TYPE(value.ptr())->tp_name));
  }
  // A single value of a fixed size counts with the zeros that fill it.
  if (PyArray_NDIM(as_array(value)) == 0 && PyArray_TYPE(as_array(value)) == NPY_STRING) {
    const std::string_view text(static_cast<const char*>(PyArray_DATA(as_array(value))),
                                static_cast<std::size_t>(PyArray_NBYTES(as_array(value))));
    return string_tensor::encode(std::span(&text, 1));
  }
  try {
    return encode_strings(info, value);
  } catch (const TypeError& error) {
    throw ValueError(error.what());
  }
}

void require_same_shape(const InterpreterState& graph, std::size_t index, const TensorInfo& info, py::handle array) {
  const std::span<const npy_intp> shape(PyArray_DIMS(as_array(array)),
                                        static_cast<std::size_t>(PyArray_NDIM(as_array(array))));
  if (std::ranges::equal(shape, info.shape)) return;
  std::vector<std::int32_t> dimensions;
  for (const npy_intp dimension : shape) dimensions.push_back(static_cast<std::int32_t>(dimension));
  throw ValueError("Cannot set " + whom(graph, index) + ": the value has the shape " + to_string(dimensions) +
                   ", and " + to_string(graph.shape(index)) +
                   " is expected; call resize_tensor_input and allocate_tensors first");
}

void require_range(const TensorInfo& info, py::handle array) {
  int low = 0;
  int high = 15;
  if (info.type == ElementType::int4) {
    low = -8;
    high = 7;
  } else if (info.type == ElementType::int2) {
    low = -2;
    high = 1;
  }
  if (PyArray_SIZE(as_array(array)) == 0) return;
  if (array.attr("min")().cast<int>() < low || array.attr("max")().cast<int>() > high) {
    throw ValueError("a value for input '" + info.name + "' is not from " + std::to_string(low) + " to " +
                     std::to_string(high));
  }
}

// The facts about a tensor, looked up under the lock, with which a value is checked without it.
TensorInfo look_up(InterpreterObject& interpreter, std::ptrdiff_t index, std::ptrdiff_t subgraph) {
  const std::unique_lock lock = lock_model(interpreter.lock());
  return info_of(interpreter.graph(subgraph), interpreter.tensor_index(index, subgraph));
}

void store_strings(InterpreterObject& interpreter, std::size_t index, std::ptrdiff_t subgraph,
                   std::span<const std::byte> strings) {
  InterpreterState& graph = interpreter.graph(subgraph);
  if (!graph.input(index)) throw ValueError("Cannot set " + whom(graph, index) + ": it holds strings and is no input");
  graph.set_strings(index, strings);
}

void require_type(const TensorInfo& info, py::handle array, std::ptrdiff_t index) {
  const bool matches = info.type == ElementType::string
                           ? holds_strings(array)
                           : PyArray_EquivTypes(PyArray_DESCR(as_array(array)), info.descriptor()) != 0;
  // Any kind of byte does for floats of 8 bits.
  const bool is_float8 = info.type == ElementType::float8_e4m3fn || info.type == ElementType::float8_e5m2;
  if (matches || (is_float8 && PyArray_TYPE(as_array(array)) == NPY_UINT8)) return;
  throw ValueError("Cannot set tensor " + std::to_string(index) + " ('" + info.name + "'): the value has the dtype " +
                   py::str(py::handle(array).attr("dtype")).cast<std::string>() + ", and " +
                   py::str(info.dtype).cast<std::string>() + " is expected");
}

}  // namespace

void set_tensor_value(InterpreterObject& interpreter, std::ptrdiff_t index, py::handle value, std::ptrdiff_t subgraph) {
  const TensorInfo info = look_up(interpreter, index, subgraph);
  if (info.type == ElementType::resource || info.type == ElementType::variant) {
    throw ValueError("tensor '" + info.name + "' is a resource of the runtime's and can't be set");
  }
  const py::object array = as_readable_array(value);
  require_type(info, array, index);
  std::vector<std::byte> strings;
  if (info.type == ElementType::string) strings = encoded(info, value);
  if (is_packed(info.type)) require_range(info, array);

  const std::unique_lock lock = lock_model(interpreter.lock());
  InterpreterState& graph = interpreter.graph(subgraph);
  const std::size_t position = interpreter.tensor_index(index, subgraph);
  const TensorInfo current = info_of(graph, position);
  // Elements of 4 bits are counted, whatever the shape.
  const bool counted = is_packed(info.type);
  if (!counted) require_same_shape(graph, position, current, array);
  if (info.type == ElementType::string) {
    store_strings(interpreter, position, subgraph, strings);
    return;
  }
  const std::optional<std::size_t> size = byte_size(info.type, graph.shape(position));
  const std::optional<TensorMemory> memory = graph.memory(position);
  if (counted &&
      byte_size(ElementType::int8, graph.shape(position)) != static_cast<std::size_t>(PyArray_SIZE(as_array(array)))) {
    throw ValueError("Cannot set " + whom(graph, position) + ": the value has another number of elements");
  }
  if (size == std::size_t{0}) return;
  if (!memory) {
    throw ValueError("Cannot set " + whom(graph, position) +
                     ": Tensor is unallocated. Try calling allocate_tensors() first");
  }
  if (!memory->writable) throw ValueError("Cannot set " + whom(graph, position) + ": it is a constant");
  if (memory->size != size) {
    throw ValueError("Cannot set " + whom(graph, position) + ": its memory holds " + std::to_string(memory->size) +
                     " bytes, and " + std::to_string(size.value_or(0)) + " are expected");
  }
  store_values(current, array, memory->data);
}

namespace {

// A tensor's values, copied or pointed at while the lock is held.
struct Values {
  TensorInfo info;
  TensorMemory memory;
};

bool is_sparse(const InterpreterState& graph, std::size_t index) {
  const TensorDetails* details = graph.details(index);
  return details != nullptr && details->sparsity.has_value();
}

Values values_of(InterpreterObject& interpreter, std::ptrdiff_t subgraph, std::size_t index) {
  InterpreterState& graph = interpreter.graph(subgraph);
  Values values{info_of(graph, index), {}};
  if (values.info.type == ElementType::resource || values.info.type == ElementType::variant) {
    throw ValueError(whom(graph, index) + " is a resource of the runtime's, which has no values to show");
  }
  const TracedTensor* traced = interpreter.traced(static_cast<std::size_t>(subgraph), index);
  if (traced != nullptr && !graph.binding(index)) {
    values.info.shape.assign(traced->shape.begin(), traced->shape.end());
    // Only read, and only while the trace is there.
    values.memory.data = const_cast<std::byte*>(traced->bytes.data());  // NOLINT(cppcoreguidelines-pro-type-const-cast)
    values.memory.size = traced->bytes.size();
    return values;
  }
  const std::optional<TensorMemory> memory = graph.memory(index);
  const std::optional<std::size_t> expected = byte_size(values.info.type, graph.shape(index));
  const bool is_missing = !memory || (expected && memory->size < *expected && !is_sparse(graph, index));
  if (is_missing && expected != std::size_t{0}) {
    throw ValueError("Tensor data is null: " + whom(graph, index) +
                     " has no values. Run allocate_tensors() first; for a tensor inside the network, make the "
                     "interpreter with experimental_preserve_all_tensors=True and invoke it");
  }
  values.memory = memory.value_or(TensorMemory{});
  if (is_sparse(graph, index)) {
    const std::size_t element = bits_of(values.info.type).value_or(8) / 8;
    values.info.shape = {static_cast<npy_intp>(values.memory.size / std::max<std::size_t>(element, 1))};
  }
  return values;
}

py::object copied(const Values& values) {
  if (values.info.type == ElementType::string) {
    return decode_strings({values.memory.data, values.memory.size}, values.info.shape);
  }
  const bool negative = std::ranges::any_of(values.info.shape, [](npy_intp dimension) { return dimension < 0; });
  if (negative) throw ValueError("tensor '" + values.info.name + "' has a shape that only a run tells");
  return load_output(values.info, {values.memory.data, values.memory.size});
}

}  // namespace

py::object get_tensor_value(InterpreterObject& interpreter, std::ptrdiff_t index, std::ptrdiff_t subgraph) {
  const std::unique_lock lock = lock_model(interpreter.lock());
  const std::size_t position = interpreter.tensor_index(index, subgraph);
  py::object array = copied(values_of(interpreter, subgraph, position));
  if (PyArray_DESCR(as_array(array))->type_num == NPY_OBJECT) return array;
  return py::reinterpret_steal<py::object>(PyArray_Return(as_array(array.release())));
}

py::object view_tensor_value(InterpreterObject& interpreter, std::ptrdiff_t index, std::ptrdiff_t subgraph) {
  const std::unique_lock lock = lock_model(interpreter.lock());
  const std::size_t position = interpreter.tensor_index(index, subgraph);
  const Values values = values_of(interpreter, subgraph, position);
  const bool plain = values.info.type != ElementType::string && !is_packed(values.info.type);
  if (plain && values.memory.owner != nullptr) {
    const std::vector<std::int32_t> shape(values.info.shape.begin(), values.info.shape.end());
    return array_over(values.memory.data, values.info.dtype, shape, values.memory.owner,
                      values.memory.size + kReadPastEnd);
  }
  py::object copy = copied(values);
  PyArray_CLEARFLAGS(as_array(copy), NPY_ARRAY_WRITEABLE);
  return copy;
}

}  // namespace zerolite::bindings
