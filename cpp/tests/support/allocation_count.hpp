// Counts this thread's allocations while it lives: under a sanitizer all of them, also those of C code; elsewhere those
// by operator new, which the executable replaces.
#pragma once

#include <cstddef>

namespace zerolite::tests {

class AllocationCount {
 public:
  AllocationCount();
  ~AllocationCount();
  AllocationCount(const AllocationCount&) = delete;
  AllocationCount& operator=(const AllocationCount&) = delete;

  [[nodiscard]] std::size_t value() const;
};

}  // namespace zerolite::tests
