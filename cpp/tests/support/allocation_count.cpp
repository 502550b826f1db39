#include "support/allocation_count.hpp"

#include <cstdlib>
#include <new>

namespace {

struct Counter {
  bool counting = false;
  std::size_t count = 0;
};

thread_local constinit Counter counter;

void count_allocation() {
  if (counter.counting) ++counter.count;
}

}  // namespace

#ifdef ZEROLITE_SANITIZED_ALLOCATOR

// From sanitizer/allocator_interface.h, a header that g++ 12 does not bring.
extern "C" int __sanitizer_install_malloc_and_free_hooks(void (*on_malloc)(const volatile void*, std::size_t),
                                                         void (*on_free)(const volatile void*));

namespace {

// The sanitizer's allocator is under malloc and operator new alike, and calls this for each allocation.
[[maybe_unused]] const int kHook = __sanitizer_install_malloc_and_free_hooks(
    [](const volatile void* /*memory*/, std::size_t /*size*/) { count_allocation(); },
    [](const volatile void* /*memory*/) {});

}  // namespace

#else

// NOLINTBEGIN(cppcoreguidelines-no-malloc): what operator new stands on

namespace {

void* allocate(std::size_t size) {
  count_allocation();
  if (void* memory = std::malloc(size == 0 ? 1 : size)) return memory;
  throw std::bad_alloc();
}

void* allocate(std::size_t size, std::align_val_t alignment) {
  count_allocation();
  const auto step = static_cast<std::size_t>(alignment);
  if (void* memory = std::aligned_alloc(step, (size + step - 1) / step * step)) return memory;
  throw std::bad_alloc();
}

}  // namespace

// The other forms of new and delete call these.
void* operator new(std::size_t size) { return allocate(size); }
void* operator new(std::size_t size, std::align_val_t alignment) { return allocate(size, alignment); }
void operator delete(void* memory) noexcept { std::free(memory); }
void operator delete(void* memory, std::size_t /*size*/) noexcept { std::free(memory); }
void operator delete(void* memory, std::align_val_t /*alignment*/) noexcept { std::free(memory); }
void operator delete(void* memory, std::size_t /*size*/, std::align_val_t /*alignment*/) noexcept { std::free(memory); }

// NOLINTEND(cppcoreguidelines-no-malloc)

#endif

namespace zerolite::tests {

AllocationCount::AllocationCount() { counter = {.counting = true}; }

AllocationCount::~AllocationCount() { counter.counting = false; }

// Of the object, since there is a count only while it lives.
std::size_t AllocationCount::value() const { return counter.count; }  // NOLINT(*-convert-member-functions-to-static)

}  // namespace zerolite::tests
