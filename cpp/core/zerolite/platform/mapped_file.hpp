// A file's bytes where the system has them, for reading; what is written to them stays in this process.
#pragma once

#include <sys/stat.h>

#include <cstddef>
#include <optional>
#include <span>
#include <utility>

#include "zerolite/platform/file_descriptor.hpp"

namespace zerolite {

class MappedFile {
 public:
  // The first `size` bytes, at the start of a page. A page of zeros follows them, since XNNPACK reads up to 16 bytes
  // past the end of what it is given. None when the system refuses; errno says why, and the file is still the caller's.
  // Takes the file else.
  static std::optional<MappedFile> map(FileDescriptor& file, std::size_t size);

  MappedFile(MappedFile&& other) noexcept
      : file_(std::move(other.file_)),
        opened_(other.opened_),
        bytes_(std::exchange(other.bytes_, {})),
        reserved_(std::exchange(other.reserved_, 0)) {}
  MappedFile(const MappedFile&) = delete;
  MappedFile& operator=(const MappedFile&) = delete;
  MappedFile& operator=(MappedFile&&) = delete;
  ~MappedFile();

  [[nodiscard]] std::span<std::byte> bytes() const { return bytes_; }
  // By its size and the time of its last change; a file that was put in its place under the same name is another one.
  [[nodiscard]] bool is_unchanged() const;

 private:
  MappedFile(FileDescriptor file, const struct stat& opened, std::span<std::byte> bytes, std::size_t reserved)
      : file_(std::move(file)), opened_(opened), bytes_(bytes), reserved_(reserved) {}

  FileDescriptor file_;
  struct stat opened_;
  std::span<std::byte> bytes_;
  std::size_t reserved_;  // addresses, with the page behind the bytes
};

}  // namespace zerolite
