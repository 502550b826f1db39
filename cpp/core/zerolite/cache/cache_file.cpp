#include "zerolite/cache/cache_file.hpp"

#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstring>
#include <fstream>
#include <iomanip>
#include <iterator>
#include <sstream>
#include <system_error>

#include "zerolite/platform/error.hpp"

namespace zerolite {
namespace {

namespace fs = std::filesystem;

std::string unused_directory(const fs::path& parent) {
  std::string name = parent / ".in-use-XXXXXX";
  if (::mkdtemp(name.data()) == nullptr) throw FileError(errno, parent);
  return name;
}

}  // namespace

std::string hexadecimal(const Digest& digest) {
  std::ostringstream text;
  text << std::hex << std::setfill('0');
  for (const std::uint64_t part : digest) text << std::setw(16) << part;
  return text.str();
}

fs::path make_directory(const fs::path& directory) {
  std::error_code failure;
  fs::create_directories(directory, failure);
  if (failure) throw FileError(failure.value(), directory);
  return directory;
}

PrivateDirectory::PrivateDirectory(const fs::path& parent) : path_(unused_directory(parent)) {}

PrivateDirectory::~PrivateDirectory() {
  std::error_code ignored;
  fs::remove_all(path_, ignored);
}

std::optional<FileContent> read_file(const fs::path& path) {
  std::ifstream file(path, std::ios::binary);
  if (!file) return std::nullopt;
  return FileContent(std::istreambuf_iterator<char>(file), {});
}

void write_file(const fs::path& path, std::span<const char> content) {
  std::ofstream file(path, std::ios::binary);
  file.write(content.data(), static_cast<std::streamsize>(content.size()));
  if (!file.flush()) throw FileError(EIO, path);
}

Digest seal_of(const Digest& key, std::span<const char> content) {
  std::array<std::byte, ContentDigest::kBlock> begin{};
  std::memcpy(begin.data(), key.data(), sizeof key);
  ContentDigest digest;
  digest.add(begin);
  digest.add(std::as_bytes(content));
  return digest.value();
}

std::optional<FileContent> read_sealed(const fs::path& path, const Digest& key) {
  std::optional<FileContent> content = read_file(path);
  Digest seal{};
  if (!content || content->size() < sizeof seal) return std::nullopt;
  std::memcpy(seal.data(), content->data(), sizeof seal);
  content->erase(content->begin(), content->begin() + sizeof seal);
  if (seal != seal_of(key, *content)) return std::nullopt;
  return content;
}

void write_sealed(const fs::path& path, const PrivateDirectory& directory, const Digest& key,
                  std::span<const char> content) {
  const Digest seal = seal_of(key, content);
  FileContent sealed(sizeof seal);
  std::memcpy(sealed.data(), seal.data(), sizeof seal);
  sealed.insert(sealed.end(), content.begin(), content.end());
  const fs::path whole = directory.path() / path.filename();
  write_file(whole, sealed);
  std::error_code failure;
  fs::rename(whole, path, failure);
  if (failure) throw FileError(failure.value(), path.parent_path());
}

}  // namespace zerolite
