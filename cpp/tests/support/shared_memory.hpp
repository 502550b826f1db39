// What a channel between two processes needs: memory that both have, and something that tells of an end.
#pragma once

#include <sys/eventfd.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cstdint>

#include "zerolite/platform/file_descriptor.hpp"
#include "zerolite/platform/shared_channel.hpp"

namespace zerolite::tests {

inline FileDescriptor shared_memory() {
  FileDescriptor file(::memfd_create("channel", MFD_CLOEXEC));
  if (::ftruncate(file.value(), SharedChannel::kSpace) != 0) return FileDescriptor();
  return file;
}

// A descriptor that becomes readable as that of a process does when it ends.
class Ending {
 public:
  [[nodiscard]] int descriptor() const { return event_.value(); }
  void end() const {
    const std::uint64_t one = 1;
    (void)!::write(event_.value(), &one, sizeof one);
  }

 private:
  FileDescriptor event_{::eventfd(0, EFD_CLOEXEC)};
};

}  // namespace zerolite::tests
