// How many forks lie between the process that loaded this library and the one that runs.
#pragma once

namespace zerolite {

namespace forks {
// Changed only in a child that is being forked, which has one thread.
extern int count;  // NOLINT(cppcoreguidelines-avoid-non-const-global-variables)
}  // namespace forks

inline int fork_count() { return forks::count; }

}  // namespace zerolite
