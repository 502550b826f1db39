#include "zerolite/platform/large_buffer.hpp"

#include <sys/mman.h>

#include <cstdint>
#include <limits>
#include <new>

#include "zerolite/platform/aligned_buffer.hpp"

namespace zerolite {
namespace {

constexpr std::size_t kLargePage = LargeBuffer::kLargePage;

// What is filled to less than a half stays in usual pages, so that no more than that is wasted.
std::size_t in_large_pages(std::size_t size) { return (size + kLargePage / 2) / kLargePage * kLargePage; }

std::size_t up_to_large_pages(std::size_t size) { return (size + kLargePage - 1) / kLargePage * kLargePage; }

// Addresses that begin and end with a large page; null when there are none left.
std::byte* map_aligned(std::size_t size) {
  void* const found = ::mmap(nullptr, size + kLargePage, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (found == MAP_FAILED) return nullptr;
  auto* const start = static_cast<std::byte*>(found);
  const std::size_t before = (kLargePage - reinterpret_cast<std::uintptr_t>(start) % kLargePage) % kLargePage;
  std::byte* const aligned = start + before;
  if (before > 0) ::munmap(start, before);
  ::munmap(aligned + size, kLargePage - before);
  return aligned;
}

}  // namespace

void LargeBuffer::Free::operator()(std::byte* data) const {
  if (mapped == 0) {
    ::operator delete[](data, std::align_val_t{kTensorAlignment});
  } else {
    ::munmap(data, mapped);
  }
}

LargeBuffer::LargeBuffer(std::size_t size) : size_(size), memory_(nullptr, Free{0}) {
  if (size < kLargePage) {
    memory_.reset(static_cast<std::byte*>(::operator new[](size, std::align_val_t{kTensorAlignment})));
    return;
  }
  if (size > std::numeric_limits<std::size_t>::max() / 2) throw std::bad_alloc();
  const std::size_t mapped = up_to_large_pages(size + kReadPastEnd);
  std::byte* const data = map_aligned(mapped);
  if (data == nullptr) throw std::bad_alloc();
  // Where the system refuses, its usual pages do.
  (void)::madvise(data, in_large_pages(size), MADV_HUGEPAGE);
  memory_ = std::unique_ptr<std::byte[], Free>(data, Free{mapped});
}

}  // namespace zerolite
