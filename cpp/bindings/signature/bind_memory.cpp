#include "signature/bind_memory.hpp"

#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "arrays/array_memory.hpp"
#include "arrays/other_arrays.hpp"
#include "python/locking.hpp"
#include "signature/tensor_values.hpp"
#include "zerolite/platform/aligned_buffer.hpp"
#include "zerolite/platform/error.hpp"

namespace py = pybind11;

namespace zerolite::bindings {
namespace {

constexpr const char* kUseEmpty = "; make it with zl.empty(shape, dtype)";

// Holds a Python object from where the GIL may not be held.
std::shared_ptr<void> hold(py::object object) {
  return {object.release().ptr(), [](void* held) {
            if (Py_IsInitialized() == 0) return;
            const py::gil_scoped_acquire acquire;
            Py_DECREF(static_cast<PyObject*>(held));
          }};
}

bool overlap(const std::byte* first, std::size_t first_size, const std::byte* second, std::size_t second_size) {
  return first < second + second_size && second < first + first_size;
}

void require_bindable(const std::string& who, const TensorInfo& tensor, Side side, py::handle array) {
  PyArrayObject* const values = as_array(array);
  if (!tensor.plain) {
    throw TypeError(who + " can't be bound: its values (" + std::string(name_of(tensor.type)) +
                    ") do not lie in memory as NumPy keeps them; pass them in a call instead");
  }
  if (!PyArray_IS_C_CONTIGUOUS(values)) {
    throw ValueError(who + " can't be bound to a non-contiguous array, which a run would have to copy" + kUseEmpty);
  }
  if (!PyArray_ISWRITEABLE(values)) {
    throw ValueError(who + " can't be bound to a read-only array, since the runtime may write to it" + kUseEmpty);
  }
  if (!is_aligned(PyArray_DATA(values))) {
    throw ValueError(who + " can't be bound to memory that is not 64-byte aligned, which the runtime refuses" +
                     kUseEmpty);
  }
  if (side == Side::input && readable_past_end(array) < kReadPastEnd) {
    throw ValueError(
        who +
        " can't be bound to this array: kernels may read up to 16 bytes past its end, and nothing is known "
        "to be there" +
        kUseEmpty);
  }
}

// A run that has finished with an input before it writes an output may have one array for both.
void require_in_place(const std::string& who, SignatureObject& signature, SignatureRunner& runner,
                      const std::vector<std::size_t>& inputs, std::size_t output) {
  std::vector<std::size_t> positions;
  positions.reserve(inputs.size());
  for (const std::size_t input : inputs) positions.push_back(runner.position(Side::input, input));
  const std::string obstacle = runner.in_place_obstacle(positions, runner.position(Side::output, output));
  if (obstacle.empty()) return;
  const std::string& input = signature.inputs()[inputs.front()].name;
  throw ValueError(who + " can't be bound to memory that " +
                   (who.starts_with("input") ? "output '" + signature.outputs()[output].name : "input '" + input) +
                   "' uses too: " + obstacle + "; use another array, or carry({'" + input + "': '" +
                   signature.outputs()[output].name + "'}), which lets two take turns");
}

void require_disjoint(const std::string& who, SignatureObject& signature, SignatureRunner& runner, Side side,
                      std::size_t index, py::handle array) {
  const auto* data = static_cast<const std::byte*>(PyArray_DATA(as_array(array)));
  const auto size = static_cast<std::size_t>(PyArray_NBYTES(as_array(array)));
  const TensorBinding& own = runner.binding(side, index);
  std::vector<std::size_t> inputs;
  std::optional<std::size_t> output;
  if (side == Side::input) {
    inputs.push_back(index);
  } else {
    output = index;
  }
  for (const Side other_side : {Side::input, Side::output}) {
    const std::vector<TensorInfo>& tensors = signature.tensors(other_side);
    for (std::size_t i = 0; i < tensors.size(); ++i) {
      const TensorBinding& other = runner.binding(other_side, i);
      if (&other == &own || !overlap(data, size, other.data(), other.size())) continue;
      const bool is_same = data == other.data() && size == other.size();
      const bool is_second_output = other_side == Side::output && output;
      if (other_side == Side::input && (side == Side::input || is_same)) {
        inputs.push_back(i);
      } else if (is_same && !is_second_output) {
        output = i;
      } else {
        throw ValueError(who + " can't be bound to memory that " +
                         (other_side == Side::input ? "input '" : "output '") + tensors[i].name +
                         "' uses too: the kernels may read it after they have written it; use another array");
      }
    }
  }
  if (output && !inputs.empty()) require_in_place(who, signature, runner, inputs, *output);
}

// Its memory is not the caller's to choose.
void require_not_carried(const std::string& who, const SignatureRunner& runner, Side side, std::size_t index) {
  if (!runner.is_carried(side, index)) return;
  throw ValueError(who + " can't be bound while an output is carried over to an input in its memory; bind it before, " +
                   "or end that with carry(name=None), where name is the input's");
}

}  // namespace

void bind_array(SignatureObject& signature, Side side, std::size_t index, const py::object& memory) {
  const TensorInfo& tensor = signature.tensors(side)[index];
  const char* role = side == Side::input ? "input" : "output";
  const std::string who = std::string(role) + " '" + tensor.name + "'";
  const py::object array = array_over_memory(memory, who);
  if (!array) {
    throw TypeError(who + " can be bound to a NumPy array or another buffer, and got " +
                    std::string(Py_TYPE(memory.ptr())->tp_name) + kUseEmpty);
  }
  auto* data = static_cast<std::byte*>(PyArray_DATA(as_array(array)));
  std::shared_ptr<void> owner = hold(array);
  std::shared_ptr<void> previous;  // let go after the lock: that may run Python code
  {
    const std::unique_lock lock = lock_model(signature.model().lock());
    SignatureRunner& runner = signature.runner();
    if (runner.has_dynamic_outputs() && side == Side::output) {
      throw ValueError(who + " can't be bound: the runtime allocates the outputs of this model anew in each run");
    }
    require_not_carried(who, runner, side, index);
    require_match(role, tensor, array);
    require_bindable(who, tensor, side, array);
    require_disjoint(who, signature, runner, side, index, array);
    previous = runner.binding(side, index).owner();
    runner.bind(side, index, data, std::move(owner));
  }
}

void unbind_array(SignatureObject& signature, Side side, std::size_t index) {
  std::shared_ptr<void> previous;
  {
    const std::unique_lock lock = lock_model(signature.model().lock());
    SignatureRunner& runner = signature.runner();
    const char* role = side == Side::input ? "input" : "output";
    require_not_carried(std::string(role) + " '" + signature.tensors(side)[index].name + "'", runner, side, index);
    previous = runner.binding(side, index).owner();
    runner.unbind(side, index);
  }
}

void carry_output(SignatureObject& signature, std::size_t input, std::optional<std::size_t> output) {
  if (input >= signature.inputs().size() || output.value_or(0) >= signature.outputs().size()) {
    throw py::index_error("no tensor at that position");
  }
  std::vector<std::shared_ptr<void>> previous;  // let go after the lock: that may run Python code
  const std::unique_lock lock = lock_model(signature.model().lock());
  SignatureRunner& runner = signature.runner();
  if (output) {
    previous.push_back(runner.binding(Side::output, *output).owner());
    previous.push_back(runner.carry(input, *output));
  } else {
    previous.push_back(runner.stop_carrying(input));
  }
}

}  // namespace zerolite::bindings
