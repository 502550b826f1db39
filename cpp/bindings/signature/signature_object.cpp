#include "signature/signature_object.hpp"

#include <algorithm>
#include <optional>
#include <sstream>
#include <utility>

#include "arrays/dtypes.hpp"
#include "python/keyboard_interruption.hpp"
#include "python/locking.hpp"
#include "python/names.hpp"
#include "zerolite/platform/error.hpp"
#include "zerolite/tensor/affine_quantization.hpp"

namespace py = pybind11;

namespace zerolite::bindings {
namespace {

const SubgraphDescription& subgraph_of(const ModelInterface& model, std::size_t signature) {
  return model.subgraphs[model.signatures[signature].subgraph];
}

// All that is known before a run: shapes and sizes are filled in when a runner is there.
std::vector<TensorInfo> describe(const std::vector<NamedTensor>& tensors, const SubgraphDescription& subgraph) {
  std::vector<TensorInfo> infos;
  infos.reserve(tensors.size());
  for (const NamedTensor& tensor : tensors) {
    TensorInfo info;
    info.name = tensor.name;
    info.key = name_as_str(tensor.name);
    info.type = subgraph.tensors[static_cast<std::size_t>(tensor.tensor_index)].type;
    info.dtype = dtype_of(info.type);
    info.plain = info.type != ElementType::string && !is_packed(info.type);
    infos.push_back(std::move(info));
  }
  return infos;
}

// A quantized tensor as the real numbers that it stands for, and any other as it is.
TensorInfo in_real_numbers(const TensorInfo& stored, const TensorSpec& spec) {
  TensorInfo real = stored;
  if (!spec.quantization || !can_be_quantized(stored.type, *spec.quantization, spec.shape)) return real;
  real.storage = TensorInfo::Storage{stored.type, *spec.quantization};
  real.type = ElementType::float32;
  real.dtype = dtype_of(real.type);
  real.plain = false;
  real.scaling.clear();
  return real;
}

std::string scaling_of(const std::optional<Quantization>& quantization) {
  if (!quantization || quantization->scales.empty() || quantization->zero_points.empty()) return {};
  if (quantization->scales.size() > 1) {
    return std::to_string(quantization->scales.size()) + " scales along axis " + std::to_string(quantization->axis);
  }
  std::ostringstream text;
  text << "scale " << quantization->scales.front() << " and zero point " << quantization->zero_points.front();
  return text.str();
}

}  // namespace

bool TensorInfo::matches(PyArrayObject* array) const {
  return PyArray_TYPE(array) == descriptor()->type_num && PyArray_ISNOTSWAPPED(array) &&
         static_cast<std::size_t>(PyArray_NDIM(array)) == shape.size() &&
         std::equal(shape.begin(), shape.end(), PyArray_DIMS(array));
}

bool TensorInfo::matches(const dlpack::Tensor& other) const {
  if (!plain || other.type.code == dlpack::TypeCode::complex || other.device.type != dlpack::DeviceType::cpu ||
      other.type != dlpack_type_of(type) || static_cast<std::size_t>(other.rank) != shape.size() ||
      !std::equal(shape.begin(), shape.end(), other.shape)) {
    return false;
  }
  std::int64_t elements = 1;
  for (std::size_t i = shape.size(); i-- > 0;) {
    if (other.strides != nullptr && shape[i] != 1 && other.strides[i] != elements) return false;
    elements *= shape[i];
  }
  return elements > 1;
}

bool TensorInfo::may_become(std::span<const npy_intp> other) const {
  if (other.size() != shape.size()) return false;
  if (std::ranges::find(shape_signature, -1) == shape_signature.end()) return true;
  return std::ranges::equal(shape_signature, other,
                            [](npy_intp fixed, npy_intp wanted) { return fixed == -1 || fixed == wanted; });
}

SignatureObject::SignatureObject(std::shared_ptr<CompiledModel> model, std::size_t index)
    : model_(std::move(model)),
      index_(index),
      inputs_(describe(model_->interface().signatures[index].inputs, subgraph_of(model_->interface(), index))),
      outputs_(describe(model_->interface().signatures[index].outputs, subgraph_of(model_->interface(), index))),
      plain_outputs_(std::ranges::all_of(outputs_, &TensorInfo::plain)),
      positions_settled_(!model_->interface().signatures[index].inputs_in_doubt) {}

py::dict unusable_signatures(const ModelInterface& model) {
  py::dict reasons;
  for (const auto& [key, reason] : model.unusable_signatures) reasons[name_as_str(key)] = name_as_str(reason);
  return reasons;
}

bool SignatureObject::has_like_inputs() const {
  for (std::size_t i = 0; i < inputs_.size(); ++i) {
    const auto is_like = [&](const TensorInfo& other) {
      return other.type == inputs_[i].type && other.shape == inputs_[i].shape;
    };
    if (std::any_of(inputs_.begin() + static_cast<std::ptrdiff_t>(i) + 1, inputs_.end(), is_like)) return true;
  }
  return false;
}

void SignatureObject::refresh(SignatureRunner& runner) {
  const auto update = [&](Side side, std::vector<TensorInfo>& infos, std::vector<TensorInfo>& real_infos) {
    for (std::size_t i = 0; i < infos.size(); ++i) {
      const TensorBinding& binding = runner.binding(side, i);
      infos[i].shape.assign(binding.shape().begin(), binding.shape().end());
      infos[i].size = binding.size();
      if (generation_ != 0) {
        real_infos[i].shape = infos[i].shape;
        real_infos[i].size = infos[i].size;
        continue;
      }
      TensorSpec spec = runner.spec(side, i);
      infos[i].scaling = scaling_of(spec.quantization);
      infos[i].shape_signature = std::move(spec.shape_signature);
      if (real_infos.size() <= i) real_infos.push_back(in_real_numbers(infos[i], spec));
    }
  };
  update(Side::input, inputs_, real_inputs_);
  update(Side::output, outputs_, real_outputs_);
  generation_ = runner.generation();
  positions_in_doubt_ = !positions_settled_ && has_like_inputs();
}

void run_locked(SignatureRunner& runner) {
  constexpr double kShort = 20e-6;  // seconds; far below the 5 ms after which Python itself changes threads
  if (runner.is_direct() && runner.direct_seconds() < kShort) {
    runner.run();
    return;
  }
  KeyboardInterruption interruption;
  try {
    const py::gil_scoped_release release;
    runner.run(interruption);
  } catch (const Error&) {
    interruption.raise_if_due();
    throw;
  }
}

void run_locked(SignatureRunner& runner, const RunLimits& limits) {
  if (!limits.are_set()) {
    run_locked(runner);
    return;
  }
  limits.require_not_over();
  LimitedRun run(limits);
  try {
    const py::gil_scoped_release release;
    runner.run(run);
  } catch (const Error&) {
    run.raise_if_due();
    throw;
  }
}

}  // namespace zerolite::bindings
