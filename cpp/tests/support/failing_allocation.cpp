#include "support/failing_allocation.hpp"

#include <dlfcn.h>
#include <unwind.h>

#include <atomic>
#include <cstdint>
#include <cstdlib>
#include <new>
#include <string_view>

// Where this executable's code begins and ends, by the names that the linker gives these places.
// NOLINTBEGIN(bugprone-reserved-identifier,readability-identifier-naming)
extern "C" const char __executable_start;
extern "C" const char etext;
// NOLINTEND(bugprone-reserved-identifier,readability-identifier-naming)

namespace {

// NOLINTBEGIN(cppcoreguidelines-avoid-non-const-global-variables): operator new has nothing else to ask
constinit std::atomic<std::size_t> failing_number = 0;  // 0 for none
constinit std::atomic<std::size_t> count = 0;
constinit std::atomic<bool> goes_on = false;
// NOLINTEND(cppcoreguidelines-avoid-non-const-global-variables)

bool is_ours(std::uintptr_t address) {
  return address >= reinterpret_cast<std::uintptr_t>(&__executable_start) &&
         address < reinterpret_cast<std::uintptr_t>(&etext);
}

bool is_of_cpp_library(std::uintptr_t address) {
  Dl_info info{};
  // NOLINTNEXTLINE(performance-no-int-to-ptr): an address on the stack is a number
  if (dladdr(reinterpret_cast<void*>(address), &info) == 0 || info.dli_fname == nullptr) return false;
  return std::string_view(info.dli_fname).find("libstdc++") != std::string_view::npos;
}

// The first frames are those of this file.
struct Search {
  int skipped = 0;
  bool found_ours = false;
};

_Unwind_Reason_Code visit(_Unwind_Context* context, void* data) {
  auto& search = *static_cast<Search*>(data);
  const std::uintptr_t address = _Unwind_GetIP(context);
  if (search.skipped == 0) {
    // Up to the first frame that is outside: operator new was called from there.
    if (is_ours(address)) return _URC_NO_REASON;
    search.skipped = 1;
  }
  if (is_of_cpp_library(address)) return _URC_NO_REASON;
  search.found_ours = is_ours(address);
  return _URC_END_OF_STACK;
}

bool is_by_the_core(void* caller) {
  if (is_ours(reinterpret_cast<std::uintptr_t>(caller))) return true;
  Search search;
  (void)_Unwind_Backtrace(&visit, &search);
  return search.found_ours;
}

void fail_if_asked_to(void* caller) {
  const std::size_t failing = failing_number.load(std::memory_order_relaxed);
  if (failing == 0 || !is_by_the_core(caller)) return;
  const std::size_t number = ++count;
  if (number == failing || (goes_on && number > failing)) throw std::bad_alloc();
}

// NOLINTBEGIN(cppcoreguidelines-no-malloc): what operator new stands on

void* allocate(std::size_t size, void* caller) {
  fail_if_asked_to(caller);
  if (void* memory = std::malloc(size == 0 ? 1 : size)) return memory;
  throw std::bad_alloc();
}

void* allocate_or_null(std::size_t size, void* caller) noexcept {
  try {
    return allocate(size, caller);
  } catch (const std::bad_alloc&) {
    return nullptr;
  }
}

void* allocate(std::size_t size, std::align_val_t alignment, void* caller) {
  fail_if_asked_to(caller);
  const auto step = static_cast<std::size_t>(alignment);
  if (void* memory = std::aligned_alloc(step, (size + step - 1) / step * step)) return memory;
  throw std::bad_alloc();
}

}  // namespace

// All forms, so that none of them is a sanitizer's own, whose memory the others must not give back.
void* operator new(std::size_t size) { return allocate(size, __builtin_return_address(0)); }
void* operator new[](std::size_t size) { return allocate(size, __builtin_return_address(0)); }
void* operator new(std::size_t size, const std::nothrow_t& /*tag*/) noexcept {
  return allocate_or_null(size, __builtin_return_address(0));
}
void* operator new[](std::size_t size, const std::nothrow_t& /*tag*/) noexcept {
  return allocate_or_null(size, __builtin_return_address(0));
}
void* operator new(std::size_t size, std::align_val_t alignment) {
  return allocate(size, alignment, __builtin_return_address(0));
}
void* operator new[](std::size_t size, std::align_val_t alignment) {
  return allocate(size, alignment, __builtin_return_address(0));
}
void operator delete(void* memory) noexcept { std::free(memory); }
void operator delete[](void* memory) noexcept { std::free(memory); }
void operator delete(void* memory, const std::nothrow_t& /*tag*/) noexcept { std::free(memory); }
void operator delete[](void* memory, const std::nothrow_t& /*tag*/) noexcept { std::free(memory); }
void operator delete(void* memory, std::size_t /*size*/) noexcept { std::free(memory); }
void operator delete[](void* memory, std::size_t /*size*/) noexcept { std::free(memory); }
void operator delete(void* memory, std::align_val_t /*alignment*/) noexcept { std::free(memory); }
void operator delete[](void* memory, std::align_val_t /*alignment*/) noexcept { std::free(memory); }
void operator delete(void* memory, std::size_t /*size*/, std::align_val_t /*alignment*/) noexcept { std::free(memory); }
void operator delete[](void* memory, std::size_t /*size*/, std::align_val_t /*alignment*/) noexcept {
  std::free(memory);
}

// NOLINTEND(cppcoreguidelines-no-malloc)

namespace zerolite::tests {

FailingAllocation::FailingAllocation(std::size_t number, Failing failing) {
  count = 0;
  goes_on = failing == Failing::from_then_on;
  failing_number = number;
}

FailingAllocation::~FailingAllocation() { failing_number = 0; }

// Of the object, since one is asked for only while it lives.
// NOLINTNEXTLINE(*-convert-member-functions-to-static)
bool FailingAllocation::has_failed() const { return count >= failing_number; }

}  // namespace zerolite::tests
