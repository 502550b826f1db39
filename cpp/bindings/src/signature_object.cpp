#include "signature_object.hpp"

#include <algorithm>
#include <utility>

#include "dtypes.hpp"
#include "model_lock.hpp"

namespace py = pybind11;

namespace zerolite::bindings {

bool TensorInfo::matches(PyArrayObject* array) const {
  return PyArray_TYPE(array) == descriptor()->type_num && PyArray_ISNOTSWAPPED(array) &&
         static_cast<std::size_t>(PyArray_NDIM(array)) == shape.size() &&
         std::equal(shape.begin(), shape.end(), PyArray_DIMS(array));
}

SignatureObject::SignatureObject(std::shared_ptr<CompiledModel> model, std::size_t index)
    : model_(std::move(model)), index_(index) {
  const SignatureDescription& description = model_->description().signatures[index_];
  const SubgraphDescription& subgraph = model_->description().subgraphs[description.subgraph];
  const auto describe = [&](const std::vector<NamedTensor>& tensors, std::vector<TensorInfo>& infos) {
    for (const NamedTensor& tensor : tensors) {
      TensorInfo info;
      info.name = tensor.name;
      info.key = py::reinterpret_steal<py::object>(
          PyUnicode_DecodeUTF8(tensor.name.data(), static_cast<Py_ssize_t>(tensor.name.size()), "replace"));
      info.type = subgraph.tensors[static_cast<std::size_t>(tensor.tensor_index)].type;
      info.dtype = dtype_of(info.type);
      info.plain = info.type != ElementType::string && !is_packed(info.type);
      infos.push_back(std::move(info));
    }
  };
  describe(description.inputs, inputs_);
  describe(description.outputs, outputs_);
  plain_outputs_ = std::ranges::all_of(outputs_, &TensorInfo::plain);
}

void SignatureObject::refresh(SignatureRunner& runner) {
  const auto update = [&](Side side, std::vector<TensorInfo>& infos) {
    for (std::size_t i = 0; i < infos.size(); ++i) {
      const TensorSlot& slot = runner.slot(side, i);
      infos[i].shape.assign(slot.shape().begin(), slot.shape().end());
      infos[i].size = slot.size();
    }
  };
  update(Side::input, inputs_);
  update(Side::output, outputs_);
  generation_ = runner.generation();
}

void run_locked(SignatureRunner& runner) {
  constexpr double kShort = 20e-6;  // seconds; far below the 5 ms after which Python itself changes threads
  if (runner.is_direct() && runner.direct_seconds() < kShort) {
    runner.run();
  } else {
    const py::gil_scoped_release release;
    runner.run();
  }
}

}  // namespace zerolite::bindings
