// Stands before the C library's functions for files (LD_PRELOAD) and lets one call of one of them fail, once.
//
// Only files count whose path begins with a given text; memory files have names such as "/memfd:...".

#include <cerrno>
#include <cstdarg>
#include <cstdio>
#include <cstring>
#include <dlfcn.h>
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/types.h>
#include <unistd.h>

#include <array>
#include <mutex>
#include <string>
#include <string_view>

namespace {

struct Fault {
  std::string call;
  std::string prefix;
  int number = 0;  // of the call that fails, from 1; 0 for none
  int error = 0;   // 0: the call does half of what was asked for
  int seen = 0;
  bool fired = false;
};

std::mutex mutex;
Fault fault;

bool under_prefix(std::string_view path) { return path.starts_with(fault.prefix); }

bool under_prefix(int file) {
  std::array<char, 4096> path{};
  const std::string link = "/proc/self/fd/" + std::to_string(file);
  const ssize_t size = ::readlink(link.c_str(), path.data(), path.size());
  return size > 0 && under_prefix(std::string_view(path.data(), static_cast<std::size_t>(size)));
}

enum class Effect { none, failure, half };

template <typename Place>
Effect effect(const char* call, Place place) {
  const std::scoped_lock lock(mutex);
  if (fault.number == 0 || fault.call != call || !under_prefix(place)) return Effect::none;
  if (++fault.seen != fault.number) return Effect::none;
  fault.fired = true;
  if (fault.error == 0) return Effect::half;
  errno = fault.error;
  return Effect::failure;
}

template <typename Function>
Function* original(const char* name, Function*) {
  return reinterpret_cast<Function*>(::dlsym(RTLD_NEXT, name));
}

}  // namespace

extern "C" {

void failing_files_arm(const char* call, const char* prefix, int number, int error) {
  const std::scoped_lock lock(mutex);
  fault = {.call = call, .prefix = prefix, .number = number, .error = error};
}

int failing_files_disarm() {
  const std::scoped_lock lock(mutex);
  fault.number = 0;
  return fault.fired ? 1 : 0;
}

int open(const char* path, int flags, ...) {
  std::va_list arguments;
  va_start(arguments, flags);
  const mode_t mode = va_arg(arguments, mode_t);
  va_end(arguments);
  static auto* const next = original("open", &open);
  return effect("open", std::string_view(path)) == Effect::failure ? -1 : next(path, flags, mode);
}

int open64(const char* path, int flags, ...) {
  std::va_list arguments;
  va_start(arguments, flags);
  const mode_t mode = va_arg(arguments, mode_t);
  va_end(arguments);
  static auto* const next = original("open64", &open64);
  return effect("open", std::string_view(path)) == Effect::failure ? -1 : next(path, flags, mode);
}

ssize_t read(int file, void* bytes, size_t size) {
  static auto* const next = original("read", &read);
  const Effect found = effect("read", file);
  return found == Effect::failure ? -1 : next(file, bytes, found == Effect::half ? (size + 1) / 2 : size);
}

ssize_t write(int file, const void* bytes, size_t size) {
  static auto* const next = original("write", &write);
  const Effect found = effect("write", file);
  return found == Effect::failure ? -1 : next(file, bytes, found == Effect::half ? (size + 1) / 2 : size);
}

int fsync(int file) {
  static auto* const next = original("fsync", &fsync);
  return effect("fsync", file) == Effect::failure ? -1 : next(file);
}

int ftruncate(int file, off_t size) {
  static auto* const next = original("ftruncate", &ftruncate);
  return effect("ftruncate", file) == Effect::failure ? -1 : next(file, size);
}

int rename(const char* from, const char* to) {
  static auto* const next = original("rename", &rename);
  return effect("rename", std::string_view(to)) == Effect::failure ? -1 : next(from, to);
}

void* mmap(void* address, size_t size, int protection, int flags, int file, off_t offset) {
  static auto* const next = original("mmap", &mmap);
  if (file >= 0 && effect("mmap", file) == Effect::failure) return MAP_FAILED;
  return next(address, size, protection, flags, file, offset);
}

}  // extern "C"
