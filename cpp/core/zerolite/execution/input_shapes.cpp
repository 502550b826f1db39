// Giving a signature's inputs other shapes.
#include <algorithm>
#include <cstdint>
#include <iterator>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "zerolite/delegates/gpu_delegate.hpp"
#include "zerolite/delegates/npu_delegate.hpp"
#include "zerolite/execution/signature_runner.hpp"
#include "zerolite/platform/error.hpp"
#include "zerolite/runtime/status.hpp"

namespace zerolite {
namespace {

bool is_sized(const std::vector<std::int32_t>& shape) {
  return !shape.empty() && std::ranges::all_of(shape, [](std::int32_t dimension) { return dimension > 0; });
}

// Kernels read a scale for each channel, and one element at the least, without looking (LiteRT 2.3.0).
void require_channels(const Quantization& quantization, const std::vector<std::int32_t>& shape,
                      const std::string& refusal) {
  const auto axis = static_cast<std::size_t>(quantization.axis);
  if (axis < shape.size() && std::cmp_equal(shape[axis], quantization.scales.size()) && is_sized(shape)) return;
  throw ValueError(refusal + "it is quantized by channel, with " + std::to_string(quantization.scales.size()) +
                   " scales along axis " + std::to_string(axis));
}

bool contains(const std::vector<ResizeRequest>& requests, std::size_t input) {
  return std::ranges::find(requests, input, &ResizeRequest::input) != requests.end();
}

}  // namespace

void SignatureRunner::resize_input(std::size_t input, const std::vector<std::int32_t>& shape) {
  const auto position = static_cast<std::size_t>(std::ranges::find(runtime_call_.inputs(), input_slots_[input]) -
                                                 runtime_call_.inputs().begin());
  const LogCapture log;
  const std::string action = "resize input '" + description_.inputs[input].name + "' to " + to_string(shape);
  const auto resize_to = [&](const std::vector<std::int32_t>& size) {
    is_resized_ = true;
    require_done(guarded([&] {
                   return runtime().CompiledModelResizeInputTensorNonStrict(model_, index_, position, size.data(),
                                                                            size.size());
                 }),
                 action, log);
  };
  if (is_sized(shape)) {
    resize_to(shape);
    return;
  }
  // The runtime refuses such a shape, but the graph does not (LiteRT 2.3.0). Any other shape makes the runtime prepare
  // the graph anew.
  const std::int32_t tensor = slot(Side::input, input).tensor_index();
  std::vector<std::int32_t> stand_in(std::max<std::size_t>(shape.size(), 1), 1);
  if (stand_in == graph_.shape(tensor)) stand_in[0] = 2;
  resize_to(stand_in);
  if (!graph_.resize(tensor, shape)) throw Error(model_name_ + ": could not " + action + ": " + log.message());
}

void SignatureRunner::apply(std::span<const ResizeRequest> requests) {
  state_ = State::unprepared;  // before the graph changes: a plan that is called as it was would read what has moved
  for (const ResizeRequest& request : requests) {
    if (graph_.shape(slot(Side::input, request.input).tensor_index()) != request.shape) {
      resize_input(request.input, request.shape);
    }
  }
  if (is_resized_) allocate();
}

void SignatureRunner::require_resizable(std::size_t input, const std::string& refusal) const {
  if (GpuDelegate::runs_in(graph_)) {
    throw Error(refusal + "a part runs on the GPU, which computes the file's shapes only; load it without zl.Gpu");
  }
  if (NpuDelegate::runs_in(graph_)) {
    throw Error(refusal + "a part runs on the NPU, which computes the file's shapes only; load it without zl.Npu");
  }
  if (variables_.are_delegated(graph_)) {
    throw Error(refusal +
                "its variables are XNNPACK's, which keeps them at the size that they have; load it with "
                "zl.XNNPack(kernels=\"builtin\")");
  }
  const TensorSlot& slot = slots_[input_slots_[input]];
  if (slot.shape().size() > abi::kTensorMaxRank) {
    throw Error(refusal + "it has " + std::to_string(slot.shape().size()) +
                " dimensions, and the runtime resizes inputs of 1 to 8");
  }
  const std::string_view name = name_of(graph_.tensor(slot.tensor_index()));
  const auto has_its_name = [&](std::int32_t other) {
    return other != slot.tensor_index() && name_of(graph_.tensor(other)) == name;
  };
  if (std::ranges::any_of(subgraph_.inputs, has_its_name)) {
    throw Error(refusal + "another input has the name '" + std::string(name) +
                "' too, and the runtime resizes inputs by name");
  }
}

void SignatureRunner::require_possible(const ResizeRequest& request, EmptyShapes empty_shapes) const {
  const TensorSlot& slot = slots_[input_slots_[request.input]];
  const std::string refusal = model_name_ + ": input '" + description_.inputs[request.input].name +
                              "' can't have the shape " + to_string(request.shape) + ": ";
  require_resizable(request.input, refusal);
  if (empty_shapes == EmptyShapes::refused) {
    if (slot.shape().empty()) throw ValueError(refusal + "it is a scalar, which can't be resized");
    if (!is_sized(request.shape)) throw ValueError(refusal + "the runtime takes 1 to 8 dimensions of at least 1");
  }
  const bool negative = std::ranges::any_of(request.shape, [](std::int32_t dimension) { return dimension < 0; });
  if (negative || request.shape.size() > abi::kTensorMaxRank) {
    throw ValueError(refusal + "the runtime takes 1 to 8 dimensions of at least 1");
  }
  if (slot.type() != ElementType::string && !byte_size(slot.type(), request.shape)) {
    throw ValueError(refusal + "its size does not fit into memory");
  }
  const std::optional<Quantization> quantization = graph_.spec(slot.tensor_index()).quantization;
  if (empty_shapes == EmptyShapes::taken && quantization && quantization->scales.size() > 1) {
    require_channels(*quantization, request.shape, refusal);
  }
}

void SignatureRunner::resize(std::span<const ResizeRequest> requests, EmptyShapes empty_shapes) {
  // What is owed is overtaken by what is asked for: the shapes that are may be none that the graph can be prepared
  // with.
  std::vector<ResizeRequest> changes;
  std::vector<ResizeRequest> previous = owed_;
  for (const ResizeRequest& request : requests) {
    const std::vector<std::int32_t>& shape = slots_[input_slots_[request.input]].shape();
    if (request.shape == shape) continue;
    require_possible(request, empty_shapes);
    changes.push_back(request);
    if (!contains(owed_, request.input)) previous.push_back({request.input, shape});
  }
  if (changes.empty()) {
    catch_up();
    return;
  }
  std::ranges::copy_if(owed_, std::back_inserter(changes),
                       [&](const ResizeRequest& owed) { return !contains(changes, owed.input); });
  try {
    apply(changes);
    variables_.require_what_is_read(graph_, model_name_);
    fit_slots();
    owed_.clear();
  } catch (const Error& error) {
    return_to(std::move(previous));
    throw Error(std::string(error.what()) + "; the previous shapes are kept");
  } catch (...) {
    return_to(std::move(previous));
    throw;
  }
}

void SignatureRunner::return_to(std::vector<ResizeRequest> shapes) noexcept {
  try {
    apply(shapes);
    owed_.clear();
  } catch (...) {
    owed_ = std::move(shapes);
  }
  note_allocation();
}

void SignatureRunner::catch_up() {
  if (owed_.empty()) return;
  apply(owed_);
  note_allocation();
  owed_.clear();
}

}  // namespace zerolite
