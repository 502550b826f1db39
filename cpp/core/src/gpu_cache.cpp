#include "zerolite/gpu_cache.hpp"

#include <unistd.h>

#include <array>
#include <cstring>
#include <fstream>
#include <iomanip>
#include <iterator>
#include <optional>
#include <span>
#include <sstream>
#include <system_error>
#include <vector>

#include "zerolite/error.hpp"

namespace zerolite {
namespace {

namespace fs = std::filesystem;
using Bytes = std::vector<char>;

constexpr std::string_view kSealed = ".sealed";

// Programs differ with the model, the settings and the accelerator.
Digest key_of(const Model& model, const GpuSettings& settings) {
  std::error_code ignored;
  std::ostringstream text;
  for (const std::uint64_t part : digest_of(model.bytes().span())) text << part << ' ';
  text << settings.library << ' ' << fs::file_size(settings.library, ignored) << ' ' << settings.device_key;
  for (const auto& [name, value] : settings.options) text << ' ' << name << '=' << value;
  return digest_of(std::as_bytes(std::span<const char>(text.view())));
}

std::string hexadecimal(const Digest& digest) {
  std::ostringstream text;
  text << std::hex << std::setfill('0');
  for (const std::uint64_t part : digest) text << std::setw(16) << part;
  return text.str();
}

std::optional<Bytes> read(const fs::path& path) {
  std::ifstream file(path, std::ios::binary);
  if (!file) return std::nullopt;
  return Bytes(std::istreambuf_iterator<char>(file), {});
}

void write(const fs::path& path, std::span<const char> seal, std::span<const char> bytes) {
  std::ofstream file(path, std::ios::binary);
  file.write(seal.data(), static_cast<std::streamsize>(seal.size()));
  file.write(bytes.data(), static_cast<std::streamsize>(bytes.size()));
  if (!file.flush()) throw FileError(EIO, path);
}

Digest seal_of(const Digest& key, std::span<const char> bytes) {
  std::array<std::byte, ContentDigest::kBlock> begin{};
  std::memcpy(begin.data(), key.data(), sizeof key);
  ContentDigest digest;
  digest.add(begin);
  digest.add(std::as_bytes(bytes));
  return digest.value();
}

fs::path made(const fs::path& directory) {
  std::error_code failure;
  fs::create_directories(directory, failure);
  if (failure) throw FileError(failure.value(), directory);
  return directory;
}

fs::path private_directory(const fs::path& parent) {
  std::string name = parent / ".in-use-XXXXXX";
  if (::mkdtemp(name.data()) == nullptr) throw FileError(errno, parent);
  return name;
}

}  // namespace

GpuCache::GpuCache(const Model& model, const GpuSettings& settings)
    : shared_(made(settings.cache)),
      key_(key_of(model, settings)),
      name_(hexadecimal(key_)),
      private_(private_directory(shared_)) {
  std::error_code ignored;
  for (const fs::directory_entry& entry : fs::directory_iterator(shared_, ignored)) {
    const std::string name = entry.path().filename();
    if (name.starts_with(name_) && name.ends_with(kSealed) && entry.is_regular_file(ignored)) restore(entry.path());
  }
}

GpuCache::~GpuCache() {
  std::error_code ignored;
  fs::remove_all(private_, ignored);
}

void GpuCache::restore(const fs::path& sealed) {
  const std::optional<Bytes> content = read(sealed);
  Digest seal{};
  if (!content || content->size() < sizeof seal) return;
  std::memcpy(seal.data(), content->data(), sizeof seal);
  const std::span<const char> bytes = std::span(*content).subspan(sizeof seal);
  if (seal != seal_of(key_, bytes)) return;
  const std::string name = sealed.stem();
  write(private_ / name, {}, bytes);
  restored_[name] = seal;
}

void GpuCache::store() {
  std::error_code failure;
  for (const fs::directory_entry& entry : fs::directory_iterator(private_, failure)) {
    const std::string name = entry.path().filename();
    const std::optional<Bytes> bytes = read(entry.path());
    if (!bytes) continue;
    const Digest seal = seal_of(key_, *bytes);
    const auto known = restored_.find(name);
    if (known != restored_.end() && known->second == seal) continue;
    std::array<char, sizeof(Digest)> text{};
    std::memcpy(text.data(), seal.data(), text.size());
    // Written under another name and then moved, so that nobody finds half of it.
    const fs::path whole = private_ / (name + std::string(kSealed));
    write(whole, text, *bytes);
    fs::rename(whole, shared_ / whole.filename(), failure);
    if (failure) throw FileError(failure.value(), shared_);
    restored_[name] = seal;
  }
}

}  // namespace zerolite
