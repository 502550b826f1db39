// The treatment of denormals that tf.lite.Interpreter gives a run, for as long as it lives.
//
// Interpreter::Invoke flushes denormals to zero while it runs. In LiteRT 2.3.0 that holds for ARM alone: the
// x86-64 library is built without it (an ADD keeps 1e-39 there), and the path that LiteRT takes for a model
// with signatures leaves it out everywhere. So that results depend neither on the path nor on the dispatch,
// each run of ours does what the interpreter does: on ARM it sets FZ and FZ16, elsewhere nothing.
#pragma once

#include <cstdint>

namespace zerolite {

class SuppressDenormals {
 public:
#if defined(__aarch64__)
  SuppressDenormals() : saved_(read()) { write(saved_ | kFlushToZero); }
  ~SuppressDenormals() { write(saved_); }
#else
  SuppressDenormals() {}   // NOLINT(modernize-use-equals-default): not trivial, so that its use is no unused variable
  ~SuppressDenormals() {}  // NOLINT(modernize-use-equals-default)
#endif
  SuppressDenormals(const SuppressDenormals&) = delete;
  SuppressDenormals& operator=(const SuppressDenormals&) = delete;

#if defined(__aarch64__)
 private:
  static constexpr std::uint64_t kFlushToZero = (std::uint64_t{1} << 24) | (std::uint64_t{1} << 19);
  static std::uint64_t read() {
    std::uint64_t word = 0;
    asm volatile("mrs %0, fpcr" : "=r"(word));
    return word;
  }
  static void write(std::uint64_t word) { asm volatile("msr fpcr, %0" : : "r"(word)); }

  std::uint64_t saved_;
#endif
};

}  // namespace zerolite
