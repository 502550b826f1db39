#include "zerolite/cache/weight_cache.hpp"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <span>
#include <string_view>
#include <utility>

#include "zerolite/cache/cache_file.hpp"
#include "zerolite/cache/cache_key.hpp"
#include "zerolite/platform/error.hpp"
#include "zerolite/platform/trusted_file.hpp"
#include "zerolite/runtime/runtime_library.hpp"

namespace zerolite {
namespace {

// XNNPACK's header has 32 bytes, the first of them a version that is 0 until the file is complete, and its data begin
// at 128 (LiteRT 2.3.0). What lies between is zeros, and nobody else's.
constexpr std::size_t kHeaderSize = 32;
constexpr std::size_t kDataBegin = 128;

static_assert(sizeof(Checksum) <= kDataBegin - kHeaderSize);

std::span<const std::byte> bytes_of(std::string_view text) { return std::as_bytes(std::span(text)); }

std::string runtime_identity() {
  struct stat status {};
  std::string path = RuntimeLibrary::get().path().string();
  if (::stat(path.c_str(), &status) != 0) return path;
  return std::to_string(status.st_size) + ' ' + std::to_string(status.st_mtime);
}

Digest key_of(const Model& model, std::optional<std::uint32_t> flags) {
  const Digest content = digest_of(model.bytes().span());
  ContentDigest digest;
  digest.add(std::as_bytes(std::span(content)));
  const std::string chosen = flags ? " flags " + std::to_string(*flags) : "";
  digest.add(bytes_of(processor() + runtime_identity() + chosen));
  return digest.value();
}

// The bytes of a file, mapped: XNNPACK maps it for as long as the model lives, so a copy would make nothing safer.
class Mapping {
 public:
  Mapping(const FileDescriptor& file, const std::string& path) {
    struct stat status {};
    if (::fstat(file.value(), &status) != 0) throw FileError(errno, path);
    if (status.st_size == 0) return;
    const auto size = static_cast<std::size_t>(status.st_size);
    void* address = ::mmap(nullptr, size, PROT_READ, MAP_SHARED | MAP_POPULATE, file.value(), 0);
    if (address == MAP_FAILED) throw FileError(errno, path);
    address_ = address;
    bytes_ = {static_cast<const std::byte*>(address), size};
  }
  ~Mapping() {
    if (address_ != nullptr) ::munmap(address_, bytes_.size());
  }
  Mapping(const Mapping&) = delete;
  Mapping& operator=(const Mapping&) = delete;

  [[nodiscard]] std::span<const std::byte> bytes() const { return bytes_; }

 private:
  void* address_ = nullptr;
  std::span<const std::byte> bytes_;
};

using Beginning = std::array<std::byte, kDataBegin>;
static_assert(sizeof(Beginning) % ContentDigest::kBlock == 0);

std::span<std::byte> gap_of(Beginning& beginning) { return std::span(beginning).subspan(kHeaderSize); }

// The digest of a whole cache, as it is without the checksum.
Digest digest_of_content(std::span<const std::byte> bytes, Beginning beginning) {
  std::ranges::fill(gap_of(beginning).first(sizeof(Checksum)), std::byte{});
  ContentDigest digest;
  digest.add(beginning);
  digest.add(bytes.subspan(kDataBegin));
  return digest.value();
}

Beginning beginning_of(std::span<const std::byte> bytes) {
  Beginning beginning{};
  std::ranges::copy(bytes.first(kDataBegin), beginning.begin());
  return beginning;
}

bool is_sound(std::span<const std::byte> bytes, const Digest& key) {
  if (bytes.size() < kDataBegin) return false;
  Beginning beginning = beginning_of(bytes);
  Checksum checksum;
  std::memcpy(&checksum, gap_of(beginning).data(), sizeof checksum);
  return checksum == Checksum{.key = key, .content = digest_of_content(bytes, beginning)};
}

FileDescriptor memory_file() {
  FileDescriptor file(::memfd_create("zerolite-weights", MFD_CLOEXEC));
  if (!file.is_open()) throw FileError(errno, "memory for packed weights");
  return file;
}

FileDescriptor open_if_there(const std::string& path) {
  try {
    return open_trusted(path);
  } catch (const FileError& error) {
    if (error.error_number() != ENOENT) throw;
    return FileDescriptor();
  }
}

}  // namespace

WeightCache::WeightCache(std::string path, const Model& model, std::optional<std::uint32_t> flags)
    : path_(std::move(path)), key_(key_of(model, flags)), content_(open_if_there(path_)) {
  if (content_.is_open()) found_ = is_sound(Mapping(content_, path_).bytes(), key_);
  if (!found_) content_ = memory_file();
}

void WeightCache::store() {
  if (found_) return;
  const Mapping content(content_, path_);
  const std::span<const std::byte> bytes = content.bytes();
  if (bytes.size() < kDataBegin) return;  // the model has no weights that are packed
  Beginning beginning = beginning_of(bytes);
  std::uint64_t version = 0;
  std::memcpy(&version, beginning.data(), sizeof version);
  const std::span<std::byte> gap = gap_of(beginning);
  const bool is_free = std::ranges::all_of(gap, [](std::byte byte) { return byte == std::byte{}; });
  if (version == 0 || !is_free) return;
  const Checksum checksum{.key = key_, .content = digest_of_content(bytes, beginning)};
  std::memcpy(gap.data(), &checksum, sizeof checksum);

  Replacement file(path_);
  file.write(beginning);
  file.write(bytes.subspan(kDataBegin));
  file.take_place();
  found_ = true;
}

}  // namespace zerolite
