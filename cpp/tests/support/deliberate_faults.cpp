// Faults that the sanitizers have to stop. tests/sanitizers/test_sanitizers.py calls them to see that they are on: what
// finds nothing in zerolite must find something here.

#include <climits>
#include <cstddef>
#include <memory>
#include <thread>

namespace {

// Not known to the compiler, which would warn of what is done with them.
volatile std::size_t past_the_end = 4;
volatile int largest = INT_MAX;

}  // namespace

extern "C" __attribute__((visibility("default"))) int read_past_the_end() {
  const auto values = std::make_unique<int[]>(4);
  return values[past_the_end];
}

extern "C" __attribute__((visibility("default"))) int read_after_free() {
  auto value = std::make_unique<int>(1);
  const volatile int* const freed = value.get();
  value.reset();
  return *freed;  // NOLINT(clang-analyzer-cplusplus.NewDelete)
}

extern "C" __attribute__((visibility("default"))) int overflow() { return largest + 1; }

extern "C" __attribute__((visibility("default"))) void leak() {
  static_cast<void>(std::make_unique<int[]>(1000).release());  // NOLINT(bugprone-unused-return-value)
}

extern "C" __attribute__((visibility("default"))) int race() {
  int count = 0;
  const auto increase = [&count] {
    for (int time = 0; time < 1000; ++time) {
      count = count + 1;
    }
  };
  std::thread first(increase);
  std::thread second(increase);
  first.join();
  second.join();
  return count;
}
