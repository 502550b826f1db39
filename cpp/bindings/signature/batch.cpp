// `map`: the loop over a batch, in one model or in several replicas.
#include <pybind11/pybind11.h>
#include <pybind11/stl.h>

#include <chrono>
#include <cstddef>
#include <memory>
#include <tuple>
#include <utility>
#include <vector>

#include "arrays/array_memory.hpp"
#include "arrays/numpy_api.hpp"
#include "python/instance.hpp"
#include "python/locking.hpp"
#include "register.hpp"
#include "signature/signature_object.hpp"
#include "zerolite/inference/batch_loop.hpp"
#include "zerolite/platform/error.hpp"

namespace py = pybind11;

namespace zerolite::bindings {
namespace {

// (items per run, tensors have the items along their leading axis, that axis may be resized, an item's output shapes)
using Layout = std::tuple<std::size_t, bool, bool, std::vector<std::vector<std::int32_t>>>;

Layout batch_layout(py::handle object) {
  auto& signature = native<SignatureObject>(object);
  const std::unique_lock lock = lock_model(signature.model().lock());
  SignatureRunner& runner = signature.runner();
  const BatchLayout layout = BatchRunner(runner).layout();
  std::vector<std::vector<std::int32_t>> shapes;
  shapes.reserve(runner.count(Side::output));
  for (std::size_t i = 0; i < runner.count(Side::output); ++i) {
    shapes.push_back(layout.item_shape(runner.binding(Side::output, i).shape()));
  }
  return {layout.items_per_run, layout.leading_axis, layout.resizable, std::move(shapes)};
}

// An array whose items are contiguous, of which Python has made sure.
BatchTensor batch_tensor(py::handle object) {
  PyArrayObject* const array = as_array(object);
  BatchTensor tensor;
  tensor.data = static_cast<std::byte*>(PyArray_DATA(array));
  const auto items = static_cast<std::size_t>(PyArray_DIM(array, 0));
  tensor.item_size = items == 0 ? 0 : static_cast<std::size_t>(PyArray_NBYTES(array)) / items;
  tensor.stride = items <= 1 ? static_cast<std::ptrdiff_t>(tensor.item_size) : PyArray_STRIDE(array, 0);
  if (tensor.is_contiguous()) tensor.readable_past_end = readable_past_end(object);
  return tensor;
}

void map_batch(const std::vector<py::object>& replicas, const std::vector<py::object>& inputs,
               const std::vector<py::object>& outputs, std::size_t items, std::size_t chunk, const py::object& progress,
               bool resets, const py::object& timeout) {
  const RunLimits limits(timeout);
  Batch batch;
  batch.items = items;
  for (const py::object& input : inputs) batch.inputs.push_back(batch_tensor(input));
  for (const py::object& output : outputs) batch.outputs.push_back(batch_tensor(output));
  std::vector<std::shared_ptr<CompiledModel>> models;
  models.reserve(replicas.size());
  for (const py::object& replica : replicas) models.push_back(native<SignatureObject>(replica).shared_model());

  BatchLoop loop(std::move(models), native<SignatureObject>(replicas.front()).index(), std::move(batch), chunk,
                 resets ? ItemState::fresh : ItemState::carried);
  // Long enough to cost nothing, short enough for Ctrl-C, progress bars and other users of the model.
  constexpr auto kStretch = std::chrono::milliseconds(50);
  for (bool done = false; !done;) {
    try {
      const py::gil_scoped_release release;
      done = loop.advance(limits.until(BatchLoop::Clock::now() + kStretch),
                          limits.until(BatchLoop::Clock::time_point::max()));
    } catch (const Error&) {
      limits.require_not_over();
      throw;
    }
    if (!done) limits.require_not_over();
    if (PyErr_CheckSignals() != 0) throw py::error_already_set();
    if (!progress.is_none()) progress(loop.done(), loop.items());
  }
}

}  // namespace

void register_batch(py::module_& module) {
  module.def("batch_layout", &batch_layout, py::arg("signature"), "How a signature's tensors are made of items.");
  module.def(
      "has_dynamic_outputs",
      [](py::handle object) {
        auto& signature = native<SignatureObject>(object);
        const std::unique_lock lock = lock_model(signature.model().lock());
        return signature.runner().has_dynamic_outputs();
      },
      py::arg("signature"), "Whether the shape of an output is known only after a run.");
  module.def(
      "knows_output_shapes",
      [](py::handle object) {
        auto& signature = native<SignatureObject>(object);
        const std::unique_lock lock = lock_model(signature.model().lock());
        return signature.runner().knows_output_shapes();
      },
      py::arg("signature"), "Whether the shapes of all outputs are known by now.");
  module.def("candidate_chunks", &candidate_chunks, py::arg("items"),
             "The sizes that are worth a try for the chunks of a batch, the smallest first.");
  module.def("map_batch", &map_batch, py::arg("replicas"), py::arg("inputs"), py::arg("outputs"), py::kw_only(),
             py::arg("items"), py::arg("chunk"), py::arg("progress"), py::arg("resets"), py::arg("timeout"),
             "Runs all items; chunk 0 measures what is fastest. Each begins anew where it `resets`.");
}

}  // namespace zerolite::bindings
