#include "signature/signature_call.hpp"

#include <pybind11/critical_section.h>

#include <algorithm>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "arrays/array_memory.hpp"
#include "arrays/other_arrays.hpp"
#include "python/errors.hpp"
#include "python/instance.hpp"
#include "python/locking.hpp"
#include "python/names.hpp"
#include "signature/strings.hpp"
#include "signature/tensor_values.hpp"
#include "zerolite/platform/error.hpp"

namespace py = pybind11;

namespace zerolite::bindings {
namespace {

std::string list_names(const std::vector<TensorInfo>& tensors) {
  if (tensors.empty()) return "none";
  std::string names;
  for (const TensorInfo& tensor : tensors) names.append(names.empty() ? "'" : ", '").append(tensor.name).append("'");
  return names;
}

std::size_t position_of(const std::vector<TensorInfo>& tensors, py::handle name, const char* role) {
  for (std::size_t i = 0; i < tensors.size(); ++i) {
    const int equal = PyObject_RichCompareBool(tensors[i].key.ptr(), name.ptr(), Py_EQ);
    if (equal < 0) throw py::error_already_set();
    if (equal == 1) return i;
  }
  throw ArgumentError("there is no " + std::string(role) + " " + py::repr(name).cast<std::string>() +
                      "; the signature's are " + list_names(tensors));
}

// A signature as its caller sees it.
class Face {
 public:
  Face(SignatureObject& signature, Numbers numbers) : signature_(signature), numbers_(numbers) {}

  [[nodiscard]] SignatureObject& signature() const { return signature_; }
  [[nodiscard]] ModelLock& lock() const { return signature_.model().lock(); }
  [[nodiscard]] const std::vector<TensorInfo>& inputs() const { return signature_.tensors(Side::input, numbers_); }
  [[nodiscard]] const std::vector<TensorInfo>& outputs() const { return signature_.tensors(Side::output, numbers_); }

 private:
  SignatureObject& signature_;
  Numbers numbers_;
};

struct Call {
  std::vector<py::object> inputs;  // by position
  py::object out;                  // none when not given
  py::object timeout;              // likewise
};

void assign(Call& call, const Face& face, py::handle name, py::handle value) {
  const std::size_t index = position_of(face.inputs(), name, "input");
  if (call.inputs[index]) {
    throw ArgumentError("input '" + face.inputs()[index].name + "' is given twice; pass it once");
  }
  call.inputs[index] = py::reinterpret_borrow<py::object>(value);
}

bool has_input(const Face& face, std::string_view name) {
  return std::ranges::any_of(face.inputs(), [&](const TensorInfo& input) { return input.name == name; });
}

// Of a mapping, to go through. Without a GIL it is a copy: another thread may change a dict meanwhile.
py::dict entries_of(const py::object& mapping) {
#ifdef Py_GIL_DISABLED
  if (PyDict_Check(mapping.ptr())) {
    auto copy = py::reinterpret_steal<py::object>(PyDict_Copy(mapping.ptr()));
    if (!copy) throw py::error_already_set();
    return copy;
  }
#endif
  return py::dict(mapping);
}

bool is_mapping(py::handle object) {
  return PyDict_Check(object.ptr()) || (!PyArray_Check(object.ptr()) && py::hasattr(object, "keys"));
}

void assign_positional(Call& call, const Face& face, const py::tuple& args) {
  const std::size_t expected = face.inputs().size();
  if (args.size() == 1 && is_mapping(args[0])) {
    for (const auto& [name, value] : entries_of(args[0])) assign(call, face, name, value);
    return;
  }
  if (args.size() > expected) {
    throw ArgumentError(std::to_string(args.size()) + " inputs are given by position, and the signature takes " +
                        std::to_string(expected) + ": " + list_names(face.inputs()));
  }
  if (args.size() > 1) warn_of_positions(face.signature(), 1);
  for (std::size_t i = 0; i < args.size(); ++i) call.inputs[i] = args[i];
}

Call parse(const Face& face, py::handle args, py::handle kwargs) {
  Call call{std::vector<py::object>(face.inputs().size()), py::none(), py::none()};
  assign_positional(call, face, py::reinterpret_borrow<py::tuple>(args));
  if (kwargs) {
    for (const auto& [name, value] : py::reinterpret_borrow<py::dict>(kwargs)) {
      if (py::str(name).equal(py::str("out"))) {
        call.out = py::reinterpret_borrow<py::object>(value);
      } else if (py::str(name).equal(py::str("timeout")) && !has_input(face, "timeout")) {
        call.timeout = py::reinterpret_borrow<py::object>(value);
      } else {
        assign(call, face, name, value);
      }
    }
  }
  for (std::size_t i = 0; i < call.inputs.size(); ++i) {
    if (!call.inputs[i]) {
      throw ArgumentError("input '" + face.inputs()[i].name + "' is missing; the signature's inputs are " +
                          list_names(face.inputs()));
    }
  }
  return call;
}

// Where the caller wants an output: an array over memory of theirs, and what they have given for it. Null where nothing
// was given.
struct Target {
  py::object array;
  py::object given;
};

// The caller's memory for the outputs, by position.
std::vector<Target> parse_out(const Face& face, const py::object& out) {
  const std::vector<TensorInfo>& outputs = face.outputs();
  std::vector<Target> targets(outputs.size());
  if (out.is_none()) return targets;
  const auto who = [&](std::size_t i) { return "the array for output '" + outputs[i].name + "'"; };
  if (is_mapping(out)) {
    for (const auto& [name, value] : entries_of(out)) {
      targets[position_of(outputs, name, "output")].given = py::reinterpret_borrow<py::object>(value);
    }
  } else {
    if (outputs.size() != 1) {
      throw TypeError("out is one array, and the signature has " + std::to_string(outputs.size()) +
                      " outputs; pass a mapping from their names (" + list_names(outputs) + ") to arrays");
    }
    targets[0].given = out;
  }
  for (std::size_t i = 0; i < targets.size(); ++i) {
    auto& [array, given] = targets[i];
    if (!given) continue;
    array = array_over_memory(given, who(i));
    if (!array) {
      throw TypeError(who(i) + " is no NumPy array and no other buffer, but of type " +
                      std::string(Py_TYPE(given.ptr())->tp_name) + "; pass one, or a mapping from names to such");
    }
    if (!PyArray_ISWRITEABLE(as_array(array))) throw ValueError(who(i) + " is read-only; pass a writable one");
  }
  return targets;
}

// What a run left in an output: an array, or the memory of a string tensor and its shape, which are decoded when no
// lock is held.
struct OutputValue {
  py::object array;
  std::vector<std::byte> strings;
  std::vector<npy_intp> shape;
};

OutputValue take_output(SignatureRunner& runner, std::size_t index, const TensorInfo& tensor) {
  const TensorBinding& binding = runner.binding(Side::output, index);
  const std::span<std::byte> bytes = binding.bytes();
  if (tensor.type == ElementType::string) return {py::none(), {bytes.begin(), bytes.end()}, tensor.shape};
  // The runtime has the value of a dynamic output a second time, so a third would be one too many.
  if (tensor.plain) {
    if (std::shared_ptr<void> owner = runner.give_away(runner.position(Side::output, index))) {
      const std::size_t readable = bytes.size() + kReadPastEnd;
      return {array_over(bytes.data(), tensor.dtype, binding.shape(), std::move(owner), readable), {}, {}};
    }
  }
  return {load_output(tensor, bytes), {}, {}};
}

std::vector<InputValue> converted_inputs(const Face& face, const Call& call) {
  const bool all_arrays =
      std::ranges::all_of(call.inputs, [](const py::object& input) { return PyArray_Check(input.ptr()); });
  if (!all_arrays) {
    // So that messages can tell how a quantized tensor stores real numbers.
    const std::unique_lock lock = lock_model(face.lock());
    (void)face.signature().runner();
  }
  std::vector<InputValue> inputs;
  inputs.reserve(call.inputs.size());
  for (std::size_t i = 0; i < call.inputs.size(); ++i) {
    inputs.push_back(convert_input(face.inputs()[i], call.inputs[i]));
  }
  return inputs;
}

void require_inputs(const Face& face, const std::vector<InputValue>& inputs) {
  for (std::size_t i = 0; i < inputs.size(); ++i) require_match("input", face.inputs()[i], inputs[i].array);
}

std::vector<OutputValue> run(const Face& face, const std::vector<InputValue>& inputs,
                             const std::vector<Target>& targets, const RunLimits& limits) {
  const std::unique_lock lock = lock_model(face.lock());
  SignatureRunner& runner = face.signature().runner();
  require_inputs(face, inputs);
  const auto require_targets = [&](auto&& require) {
    for (std::size_t i = 0; i < targets.size(); ++i) {
      if (targets[i].array) require("output", face.outputs()[i], targets[i].array);
    }
  };
  // Before the run where the shapes are known then, so that a mistake changes nothing.
  const bool known = runner.knows_output_shapes();
  require_targets(known ? &require_match : &require_dtype);
  for (std::size_t i = 0; i < inputs.size(); ++i) store_input(runner, i, face.inputs()[i], inputs[i]);
  run_locked(runner, limits);
  (void)face.signature().runner();  // brings shapes up to date that only the run could tell
  if (!known) require_targets(&require_match);
  std::vector<OutputValue> outputs;
  outputs.reserve(face.outputs().size());
  for (std::size_t i = 0; i < face.outputs().size(); ++i) {
    outputs.push_back(take_output(runner, i, face.outputs()[i]));
  }
  return outputs;
}

py::object finish(const TensorInfo& tensor, const OutputValue& value, const Target& target) {
  py::object array = tensor.type == ElementType::string ? decode_strings(value.strings, value.shape) : value.array;
  if (!target.array) return array;
  if (PyArray_CopyInto(as_array(target.array), as_array(array)) != 0) throw py::error_already_set();
  return target.given;
}

}  // namespace

void warn_of_positions(SignatureObject& signature, int stack_level) {
  if (!signature.model().interface().signatures[signature.index()].inputs_in_doubt) return;
  {
    const std::unique_lock lock = lock_model(signature.model().lock());
    (void)signature.runner();  // brings shapes up to date
    if (!signature.positions_in_doubt()) return;
  }
  const std::vector<TensorInfo>& inputs = signature.inputs();
  std::string example;
  for (const TensorInfo& input : inputs) {
    example.append(example.empty() ? "{'" : ", '").append(input.name).append("': ...");
  }
  const std::string message = signature.model().model()->name() +
                              ": inputs are given by position, and the file does not tell in which order its " +
                              "source takes them; they are taken as " + list_names(inputs) +
                              ", of which some have the same shape and dtype, so that a mistake would not be an error; "
                              "give them by name, as in " +
                              example + "}";
  const py::str text = name_as_str(message);
  if (PyErr_WarnFormat(PyExc_UserWarning, stack_level, "%U", text.ptr()) != 0) throw py::error_already_set();
  const std::unique_lock lock = lock_model(signature.model().lock());
  signature.settle_positions();
}

py::object call_signature(SignatureObject& signature, py::handle args, py::handle kwargs, Numbers numbers,
                          const std::shared_ptr<const StopRequest>& stop) {
  if (numbers == Numbers::real) {
    // Which tensors are quantized, only the prepared graph tells.
    const std::unique_lock lock = lock_model(signature.model().lock());
    (void)signature.runner();
  }
  const Face face(signature, numbers);
  const Call call = parse(face, args, kwargs);
  const RunLimits limits(call.timeout, stop);
  const std::vector<Target> targets = parse_out(face, call.out);
  const std::vector<InputValue> inputs = converted_inputs(face, call);
  const std::vector<OutputValue> values = run(face, inputs, targets, limits);
  const std::vector<TensorInfo>& outputs = face.outputs();
  if (outputs.size() == 1) return finish(outputs[0], values[0], targets[0]);
  py::dict results;
  for (std::size_t i = 0; i < outputs.size(); ++i) {
    results[outputs[i].key] = finish(outputs[i], values[i], targets[i]);
  }
  return results;
}

py::object chosen_signature(py::handle self, const py::tuple& args, const py::dict& kwargs) {
  py::object chooser;
  {
    const py::scoped_critical_section section(self);
    chooser = native<SignatureObject>(self).chooser();
  }
  return chooser ? chooser(self, args, kwargs) : py::reinterpret_borrow<py::object>(self);
}

void fill_inputs(SignatureObject& signature, py::handle args, py::handle kwargs) {
  const Face face(signature, Numbers::stored);
  const Call call = parse(face, args, kwargs);
  if (!call.out.is_none()) throw TypeError("there is no 'out' here, where no outputs are returned");
  if (!call.timeout.is_none()) throw TypeError("there is no 'timeout' here; leave it out");
  const std::vector<InputValue> inputs = converted_inputs(face, call);
  const std::unique_lock lock = lock_model(signature.model().lock());
  SignatureRunner& runner = signature.runner();
  require_inputs(face, inputs);
  for (std::size_t i = 0; i < inputs.size(); ++i) store_input(runner, i, signature.inputs()[i], inputs[i]);
}

}  // namespace zerolite::bindings
