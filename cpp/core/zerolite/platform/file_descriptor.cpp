#include "zerolite/platform/file_descriptor.hpp"

#include <algorithm>
#include <array>
#include <cerrno>

#include "zerolite/platform/error.hpp"

namespace zerolite {

std::vector<char> read_all(const FileDescriptor& file, const std::filesystem::path& path, std::size_t most) {
  std::vector<char> content;
  std::array<char, 1 << 16> part{};
  while (content.size() < most) {
    const ssize_t count = ::read(file.value(), part.data(), std::min(part.size(), most - content.size()));
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) throw FileError(errno, path);
    if (count == 0) break;
    content.insert(content.end(), part.begin(), part.begin() + count);
  }
  return content;
}

void write_all(const FileDescriptor& file, const std::filesystem::path& path, std::span<const std::byte> bytes) {
  while (!bytes.empty()) {
    const ssize_t count = ::write(file.value(), bytes.data(), bytes.size());
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) throw FileError(errno, path);
    bytes = bytes.subspan(static_cast<std::size_t>(count));
  }
}

}  // namespace zerolite
