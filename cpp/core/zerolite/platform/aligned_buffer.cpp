#include "zerolite/platform/aligned_buffer.hpp"

#include <cstring>
#include <limits>
#include <new>

namespace zerolite {
namespace {

std::size_t padded(std::size_t size) {
  if (size > std::numeric_limits<std::size_t>::max() / 2) throw std::bad_alloc();
  return (size + kReadPastEnd + kTensorAlignment - 1) / kTensorAlignment * kTensorAlignment;
}

}  // namespace

AlignedBuffer::AlignedBuffer(std::size_t size)
    : size_(size),
      capacity_(padded(size)),
      data_(static_cast<std::byte*>(::operator new (capacity_, std::align_val_t{kTensorAlignment}))) {
  std::memset(data_, 0, capacity_);
}

AlignedBuffer::~AlignedBuffer() { ::operator delete (data_, std::align_val_t{kTensorAlignment}); }

std::shared_ptr<AlignedBuffer> AlignedBuffer::allocate(std::size_t size) {
  return std::shared_ptr<AlignedBuffer>(new AlignedBuffer(size));
}

}  // namespace zerolite
