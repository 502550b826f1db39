// Memory for the bytes of a model: megabytes that are filled at once and stay as long as it does.
#pragma once

#include <cstddef>
#include <memory>
#include <span>

namespace zerolite {

// The system gives memory page by page, when each is first touched, which for a copy of some megabytes takes longer
// than the copying. So a large one has pages of 2 MiB, where the system has such: three times as fast on Linux 6.18.
class LargeBuffer {
 public:
  static constexpr std::size_t kLargePage = std::size_t{2} << 20U;

  // 64-byte aligned memory, of which nothing is promised about what is in it. What lies in large pages may be read past
  // its end, as XNNPACK does by up to 16 bytes. Throws std::bad_alloc.
  explicit LargeBuffer(std::size_t size);

  [[nodiscard]] std::span<std::byte> bytes() const { return {memory_.get(), size_}; }

 private:
  // Gives memory back as it was got.
  struct Free {
    std::size_t mapped;  // 0 for what operator new has given
    void operator()(std::byte* data) const;
  };

  std::size_t size_;
  std::unique_ptr<std::byte[], Free> memory_;
};

}  // namespace zerolite
