#include "zerolite/inference/fork_count.hpp"

#include <pthread.h>

namespace zerolite::forks {

int count = 0;  // NOLINT(cppcoreguidelines-avoid-non-const-global-variables)

namespace {

// Without memory for it, forks go unnoticed, as they would without this file.
[[maybe_unused]] const int kWatching = pthread_atfork(
    nullptr, nullptr, +[] { ++count; });

}  // namespace

}  // namespace zerolite::forks
