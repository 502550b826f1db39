// Owns a file descriptor, and reads and writes what lies behind it.
#pragma once

#include <unistd.h>

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <span>
#include <utility>
#include <vector>

namespace zerolite {

class FileDescriptor {
 public:
  // What open(2) and its like return: negative is none.
  explicit FileDescriptor(int value = -1) : value_(value) {}
  ~FileDescriptor() {
    if (value_ >= 0) ::close(value_);
  }
  FileDescriptor(FileDescriptor&& other) noexcept : value_(std::exchange(other.value_, -1)) {}
  FileDescriptor& operator=(FileDescriptor&& other) noexcept {
    std::swap(value_, other.value_);
    return *this;
  }
  FileDescriptor(const FileDescriptor&) = delete;
  FileDescriptor& operator=(const FileDescriptor&) = delete;

  [[nodiscard]] int value() const { return value_; }
  [[nodiscard]] bool is_open() const { return value_ >= 0; }

 private:
  int value_;
};

// The bytes from where the file stands to its end, the first `most` of them. Throws FileError, which names `path`.
std::vector<char> read_all(const FileDescriptor& file, const std::filesystem::path& path, std::size_t most = SIZE_MAX);

// Writes all bytes where the file stands. Throws FileError, which names `path`.
void write_all(const FileDescriptor& file, const std::filesystem::path& path, std::span<const std::byte> bytes);

}  // namespace zerolite
