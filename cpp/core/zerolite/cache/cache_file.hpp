// Files that are believed only with the checksum that stands in them, and directories for one user at a time.
#pragma once

#include <array>
#include <cstddef>
#include <filesystem>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "zerolite/platform/digest.hpp"
#include "zerolite/platform/file_descriptor.hpp"

namespace zerolite {

using FileContent = std::vector<char>;

std::string hexadecimal(const Digest& digest);

// Makes the directory where it is missing. Throws FileError, and UntrustedFileError when somebody
// else may put files into it.
std::filesystem::path make_directory(const std::filesystem::path& directory);

// A directory that nobody else knows, and that goes with its owner.
class PrivateDirectory {
 public:
  // Throws FileError when it can't be made in its parent.
  explicit PrivateDirectory(const std::filesystem::path& parent);
  ~PrivateDirectory();
  PrivateDirectory(const PrivateDirectory&) = delete;
  PrivateDirectory& operator=(const PrivateDirectory&) = delete;

  [[nodiscard]] const std::filesystem::path& path() const { return path_; }

 private:
  std::filesystem::path path_;
};

// Nothing where there is no such file.
std::optional<FileContent> read_file(const std::filesystem::path& path);

// A new file beside another one, which is removed again unless it takes the other's place: nobody finds half of it.
// Throws FileError.
class Replacement {
 public:
  explicit Replacement(std::filesystem::path path);
  ~Replacement();
  Replacement(const Replacement&) = delete;
  Replacement& operator=(const Replacement&) = delete;

  void write(std::span<const std::byte> bytes);
  void take_place();

 private:
  std::filesystem::path path_;
  std::string name_;
  FileDescriptor file_;
};

// What stands in a file for the content that it belongs to.
struct Checksum {
  std::array<char, 8> magic = {'z', 'e', 'r', 'o', 'l', 'w', 'c', '1'};
  Digest key{};  // of what the content was made for
  Digest content{};

  bool operator==(const Checksum&) const = default;
};

// The content of a file that begins with its checksum; nothing where there is none, or it is damaged, was made for
// something else, or may have been written by somebody else.
std::optional<FileContent> read_checksummed(const std::filesystem::path& path, const Digest& key);
// Throws FileError.
void write_checksummed(const std::filesystem::path& path, const Digest& key, std::span<const char> content);

}  // namespace zerolite
