#include "signature/bind_memory.hpp"

#include <memory>
#include <string>
#include <utility>

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

void require_disjoint(const std::string& who, SignatureObject& signature, SignatureRunner& runner, Side side,
                      std::size_t index, py::handle array) {
  const auto* data = static_cast<const std::byte*>(PyArray_DATA(as_array(array)));
  const auto size = static_cast<std::size_t>(PyArray_NBYTES(as_array(array)));
  const TensorBinding& own = runner.binding(side, index);
  for (const Side other_side : {Side::input, Side::output}) {
    const std::vector<TensorInfo>& tensors = signature.tensors(other_side);
    for (std::size_t i = 0; i < tensors.size(); ++i) {
      const TensorBinding& other = runner.binding(other_side, i);
      if (&other == &own || (side == Side::input && other_side == Side::input)) continue;
      if (overlap(data, size, other.data(), other.size())) {
        throw ValueError(who + " can't be bound to memory that " +
                         (other_side == Side::input ? "input '" : "output '") + tensors[i].name +
                         "' uses too: the kernels may read it after they have written it; use another array");
      }
    }
  }
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
    previous = runner.binding(side, index).owner();
    runner.unbind(side, index);
  }
}

}  // namespace zerolite::bindings
