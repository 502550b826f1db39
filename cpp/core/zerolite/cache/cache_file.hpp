// Files that are believed only with the digest that was put before them, and directories for one user at a time.
#pragma once

#include <filesystem>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "zerolite/platform/digest.hpp"

namespace zerolite {

using FileContent = std::vector<char>;

std::string hexadecimal(const Digest& digest);

// Makes the directory where it is missing. Throws FileError.
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
// Throws FileError.
void write_file(const std::filesystem::path& path, std::span<const char> content);

// A digest of the content and of what it was made for.
Digest seal_of(const Digest& key, std::span<const char> content);
// The content of a sealed file; nothing where there is none, or it is damaged or was made for something else.
std::optional<FileContent> read_sealed(const std::filesystem::path& path, const Digest& key);
// Written in the private directory and then moved, so that nobody finds half of it. Throws FileError.
void write_sealed(const std::filesystem::path& path, const PrivateDirectory& directory, const Digest& key,
                  std::span<const char> content);

}  // namespace zerolite
