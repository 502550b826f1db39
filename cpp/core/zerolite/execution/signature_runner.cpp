#include "zerolite/execution/signature_runner.hpp"

namespace zerolite {

SignatureRunner::SignatureRunner(abi::CompiledModel compiled, std::size_t index, const Model& model,
                                 const CapturedGraph& graph, bool direct_allowed,
                                 const CustomOperators* custom_operators)
    : signature_(compiled, index, model, graph, custom_operators),
      memory_(signature_),
      dispatcher_(signature_, memory_, direct_allowed),
      shapes_(signature_, model, memory_, dispatcher_),
      carried_(signature_, memory_, dispatcher_) {
  shapes_.allocate_as_stored();
  memory_.fit();
  dispatcher_.note_allocation();
}

void SignatureRunner::take_over() {
  dispatcher_.forget_plan();
  memory_.fit();
  dispatcher_.note_allocation();
}

void SignatureRunner::bind(Side side, std::size_t index, std::byte* data, std::shared_ptr<void> owner) {
  memory_.bind(side, index, data, std::move(owner));
  dispatcher_.follow(memory_.position(side, index));
}

void SignatureRunner::unbind(Side side, std::size_t index) {
  memory_.unbind(side, index);
  dispatcher_.follow(memory_.position(side, index));
}

std::string SignatureRunner::in_place_obstacle(const std::vector<std::size_t>& inputs, std::size_t output) {
  make_ready();
  return carried_.in_place_obstacle(inputs, output);
}

std::shared_ptr<void> SignatureRunner::carry(std::size_t input, std::size_t output) {
  make_ready();
  return carried_.carry(input, output);
}

void SignatureRunner::borrow(Side side, std::size_t index, std::byte* data) {
  memory_.borrow(side, index, data);
  dispatcher_.follow(memory_.position(side, index));
}

void SignatureRunner::end_borrowing() {
  memory_.end_borrowing([this](std::size_t position) { dispatcher_.follow(position); });
}

std::vector<TensorBinding> SignatureRunner::swap_out() {
  make_ready();
  std::vector<TensorBinding> own = memory_.swap_out();
  dispatcher_.note_allocation();
  carried_.suspend();
  return own;
}

void SignatureRunner::swap_in(std::vector<TensorBinding> bindings, std::vector<ResizeRequest> resized) noexcept {
  // The shapes are those of when the memory was taken, also where the graph will know that only after a run.
  memory_.swap_in(std::move(bindings));
  carried_.resume();
  follow_shapes(std::move(resized));
}

std::vector<ResizeRequest> SignatureRunner::resized_in(const SignatureRunner& former) const {
  std::vector<ResizeRequest> resized;
  for (std::size_t i = 0; i < count(Side::input); ++i) {
    const std::vector<std::int32_t>& shape = former.binding(Side::input, i).shape();
    if (shape != binding(Side::input, i).shape()) resized.push_back({i, shape});
  }
  return resized;
}

void SignatureRunner::replace(SignatureRunner& former, std::vector<ResizeRequest> resized) noexcept {
  memory_.exchange(former.memory_);
  carried_.exchange(former.carried_);
  follow_shapes(std::move(resized));
}

void SignatureRunner::follow_shapes(std::vector<ResizeRequest> resized) noexcept {
  if (resized.empty()) {
    dispatcher_.note_allocation();
  } else {
    shapes_.return_to(std::move(resized));
  }
}

}  // namespace zerolite
