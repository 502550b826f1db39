// Memory for tensors: 64-byte aligned, as the runtime demands, with room after the last byte, because XNNPACK
// may read up to 16 bytes (XNN_EXTRA_BYTES) past the end of an input.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>

namespace zerolite {

inline constexpr std::size_t kTensorAlignment = 64;
inline constexpr std::size_t kReadPastEnd = 16;

class AlignedBuffer {
 public:
  // Zero-filled memory of at least `size` bytes; its capacity is a multiple of 64 that leaves room for
  // reading past the end. Throws std::bad_alloc.
  static std::shared_ptr<AlignedBuffer> allocate(std::size_t size);

  AlignedBuffer(const AlignedBuffer&) = delete;
  AlignedBuffer& operator=(const AlignedBuffer&) = delete;
  ~AlignedBuffer();

  [[nodiscard]] std::byte* data() { return data_; }
  [[nodiscard]] const std::byte* data() const { return data_; }
  [[nodiscard]] std::size_t size() const { return size_; }
  [[nodiscard]] std::size_t capacity() const { return capacity_; }

 private:
  explicit AlignedBuffer(std::size_t size);

  std::size_t size_;
  std::size_t capacity_;
  std::byte* data_;
};

inline bool is_aligned(const void* address) {
  return reinterpret_cast<std::uintptr_t>(address) % kTensorAlignment == 0;
}

}  // namespace zerolite
