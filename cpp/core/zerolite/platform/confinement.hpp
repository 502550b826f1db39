// Giving up, for good, what a process needs no more once everything is loaded.
#pragma once

#include <string>

namespace zerolite {

struct Confinement {
  // Besides computing with the memory, the threads and the descriptors that are there: reading files, and using the
  // devices that compute (of GPUs and NPUs), which drivers and compilers open again and again. What they write goes
  // into one folder.
  bool devices = false;
  std::string folder;
};

// From here on all threads of this process, and whatever it might still become, can do that and end. They make no
// socket, start no process and no program, send no signal to others and look into nobody else; without devices they
// open no file either. What they try is refused with EPERM or EACCES; nothing is ended for it. Only Landlock tells one
// folder from another: where the kernel has none, whoever has devices may write where the user may.
//
// Throws Error where the system has no such means. There is no way back.
void confine_process(const Confinement& confinement);

// Its two locks, each of which shuts doors without the other.

// A filter of system calls. Throws Error where there is none, which then shuts nothing.
void filter_calls(const Confinement& confinement);

// Landlock, for files and networks; of other processes, only signals. How much of it the kernel knows, by the version
// of its interface; 0 where it has none of it, which is no error: the filter does the same.
int lock_files(const Confinement& confinement);

}  // namespace zerolite
