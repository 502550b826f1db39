#include "zerolite/execution/tensor_binding.hpp"

#include <algorithm>
#include <iterator>
#include <utility>

#include "zerolite/platform/aligned_buffer.hpp"
#include "zerolite/platform/error.hpp"
#include "zerolite/runtime/status.hpp"

namespace zerolite {

void TensorBinding::use(std::byte* data, std::size_t size, std::shared_ptr<void> owner, bool bound) noexcept {
  registration_.reset();
  data_ = data;
  size_ = size;
  owner_ = std::move(owner);
  bound_ = bound;
  given_away_ = false;
}

TensorBinding::Fitting TensorBinding::fitting(std::vector<std::int32_t> shape, std::size_t size) const {
  const bool keeps_memory = owner_ != nullptr && size == size_ && !given_away_;
  return {std::move(shape), size, keeps_memory ? nullptr : AlignedBuffer::allocate(size)};
}

bool TensorBinding::fit(Fitting fitting) noexcept {
  if (fitting.shape != shape_) registration_.reset();
  shape_ = std::move(fitting.shape);
  if (fitting.memory == nullptr) return false;
  std::byte* data = fitting.memory->data();
  use(data, fitting.size, std::move(fitting.memory), false);
  return true;
}

void TensorBinding::bind(std::byte* data, std::shared_ptr<void> owner) { use(data, size_, std::move(owner), true); }

void TensorBinding::use_without_owning(std::byte* data, const TensorBinding& like) {
  shape_ = like.shape_;
  use(data, like.size_, nullptr, true);
}

void TensorBinding::unbind() {
  if (!bound_) return;
  std::shared_ptr<AlignedBuffer> buffer = AlignedBuffer::allocate(size_);
  std::byte* data = buffer->data();
  use(data, size_, std::move(buffer), false);
}

std::shared_ptr<void> TensorBinding::give_away() {
  if (bound_ || owner_.use_count() != 1) return nullptr;
  given_away_ = true;
  return owner_;
}

bool TensorBinding::is_registrable() const {
  return size_ > 0 && shape_.size() <= abi::kTensorMaxRank &&
         std::ranges::all_of(shape_, [](std::int32_t dimension) { return dimension > 0; });
}

abi::TensorBuffer TensorBinding::registered_as(ElementType type, const std::vector<std::int32_t>& shape,
                                               std::size_t size) {
  if (registration_ != nullptr) return registration_.get();
  abi::RankedTensorType tensor_type{};
  tensor_type.element_type = static_cast<int>(type);
  tensor_type.layout.rank = static_cast<unsigned int>(shape.size()) & 0x7FU;
  std::ranges::copy(shape, std::begin(tensor_type.layout.dimensions));
  const LogCapture log;
  abi::TensorBuffer buffer = nullptr;
  require_ok(runtime().CreateTensorBufferFromHostMemory(&tensor_type, data_, size, nullptr, &buffer),
             "take a tensor's memory", log);
  registration_.reset(buffer);
  return buffer;
}

abi::TensorBuffer TensorBinding::registration() {
  if (!is_registrable()) return nullptr;
  // LiteRT 2.3.0 knows no size of these types; it looks at its own tensor's type afterwards.
  const bool has_no_size = type_ == ElementType::string || type_ == ElementType::complex128;
  return registered_as(has_no_size ? ElementType::uint8 : type_, shape_, size_);
}

abi::TensorBuffer TensorBinding::output_registration() {
  if (is_registrable()) return registration();
  // Any type will do: the runtime does not compare the shapes of outputs (LiteRT 2.3.0).
  const std::size_t size = std::max<std::size_t>(size_, 1);
  return registered_as(ElementType::uint8, {1}, size);
}

}  // namespace zerolite
