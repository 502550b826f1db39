// Lets allocations of the core fail: those by operator new, which the executable replaces.
//
// The runtime's library takes its memory from the same operator new, but is compiled without exceptions in large parts:
// what bad_alloc unwinds there stays half done. So an allocation is the core's when the first function on the stack
// that is none of the C++ library's is part of this executable, which the core is linked into.
#pragma once

#include <cstddef>

namespace zerolite::tests {

enum class Failing {
  once,         // one allocation fails; those after it, of destructors and of handlers for example, do not
  from_then_on  // memory has run out: the others fail, too
};

// While it lives, on all threads; one at a time.
class FailingAllocation {
 public:
  // The `number`th of the core's allocations from now on fails, counted from 1.
  FailingAllocation(std::size_t number, Failing failing);
  ~FailingAllocation();
  FailingAllocation(const FailingAllocation&) = delete;
  FailingAllocation& operator=(const FailingAllocation&) = delete;

  // There were so many allocations that one has failed.
  [[nodiscard]] bool has_failed() const;
};

}  // namespace zerolite::tests
