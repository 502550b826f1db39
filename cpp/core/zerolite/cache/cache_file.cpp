#include "zerolite/cache/cache_file.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <iomanip>
#include <sstream>
#include <system_error>
#include <utility>

#include "zerolite/platform/error.hpp"
#include "zerolite/platform/trusted_file.hpp"

namespace zerolite {
namespace {

namespace fs = std::filesystem;

std::string unused_directory(const fs::path& parent) {
  std::string name = parent / ".in-use-XXXXXX";
  if (::mkdtemp(name.data()) == nullptr) throw FileError(errno, parent);
  return name;
}

std::string unused_name(const fs::path& path) {
  static std::atomic<unsigned> count = 0;
  return path.string() + '.' + std::to_string(::getpid()) + '.' + std::to_string(count++);
}

// Not create_directories, whose new directories everybody may write to where the process lets them.
void make_missing(const fs::path& directory, const fs::path& asked) {
  std::error_code ignored;
  if (directory.empty() || fs::is_directory(directory, ignored)) return;
  make_missing(directory.parent_path(), asked);
  if (::mkdir(directory.c_str(), S_IRWXU | S_IRGRP | S_IXGRP | S_IROTH | S_IXOTH) != 0 && errno != EEXIST) {
    throw FileError(errno, asked);
  }
}

std::optional<FileContent> read_if_trusted(const fs::path& path) {
  try {
    return read_trusted(path);
  } catch (const FileError&) {
    return std::nullopt;
  } catch (const UntrustedFileError&) {
    return std::nullopt;
  }
}

}  // namespace

std::string hexadecimal(const Digest& digest) {
  std::ostringstream text;
  text << std::hex << std::setfill('0');
  for (const std::uint64_t part : digest) text << std::setw(16) << part;
  return text.str();
}

fs::path make_directory(const fs::path& directory) {
  make_missing(directory, directory);
  require_trusted_folder(directory);
  return directory;
}

PrivateDirectory::PrivateDirectory(const fs::path& parent) : path_(unused_directory(parent)) {}

PrivateDirectory::~PrivateDirectory() {
  std::error_code ignored;
  fs::remove_all(path_, ignored);
}

std::optional<FileContent> read_file(const fs::path& path) {
  const FileDescriptor file(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
  if (!file.is_open()) return std::nullopt;
  return read_all(file, path);
}

Replacement::Replacement(fs::path path) : path_(std::move(path)), name_(unused_name(path_)) {
  file_ = FileDescriptor(::open(name_.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0644));
  if (!file_.is_open()) throw FileError(errno, path_);
}

Replacement::~Replacement() {
  if (!name_.empty()) ::unlink(name_.c_str());
}

void Replacement::write(std::span<const std::byte> bytes) { write_all(file_, path_, bytes); }

void Replacement::take_place() {
  if (::rename(name_.c_str(), path_.c_str()) != 0) throw FileError(errno, path_);
  name_.clear();
}

std::optional<FileContent> read_checksummed(const fs::path& path, const Digest& key) {
  std::optional<FileContent> content = read_if_trusted(path);
  Checksum checksum;
  if (!content || content->size() < sizeof checksum) return std::nullopt;
  std::memcpy(&checksum, content->data(), sizeof checksum);
  content->erase(content->begin(), content->begin() + sizeof checksum);
  if (checksum != Checksum{.key = key, .content = digest_of(std::as_bytes(std::span(*content)))}) return std::nullopt;
  return content;
}

void write_checksummed(const fs::path& path, const Digest& key, std::span<const char> content) {
  const Checksum checksum{.key = key, .content = digest_of(std::as_bytes(content))};
  Replacement file(path);
  file.write(std::as_bytes(std::span(&checksum, 1)));
  file.write(std::as_bytes(content));
  file.take_place();
}

}  // namespace zerolite
