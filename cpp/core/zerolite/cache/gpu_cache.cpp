#include "zerolite/cache/gpu_cache.hpp"

#include <array>
#include <cstddef>
#include <optional>
#include <span>
#include <string_view>
#include <system_error>

#include "zerolite/cache/cache_key.hpp"

namespace zerolite {
namespace {

namespace fs = std::filesystem;

constexpr std::string_view kEnding = ".sealed";

}  // namespace

GpuCache::GpuCache(const Model& model, const GpuSettings& settings)
    : shared_(make_directory(settings.cache)),
      key_(cache_key(model, std::array{settings.library}, settings.device_key(), settings.options())),
      name_(hexadecimal(key_)),
      private_(shared_) {
  std::error_code ignored;
  for (const fs::directory_entry& entry : fs::directory_iterator(shared_, ignored)) {
    const std::string name = entry.path().filename();
    if (name.starts_with(name_) && name.ends_with(kEnding) && entry.is_regular_file(ignored)) restore(entry.path());
  }
}

void GpuCache::restore(const fs::path& kept) {
  const std::optional<FileContent> content = read_checksummed(kept, key_);
  if (!content) return;
  const std::span<const std::byte> bytes = std::as_bytes(std::span(*content));
  const std::string name = kept.stem();
  Replacement file(directory() / name);
  file.write(bytes);
  file.take_place();
  restored_[name] = digest_of(bytes);
}

void GpuCache::store() {
  std::error_code failure;
  for (const fs::directory_entry& entry : fs::directory_iterator(directory(), failure)) {
    const std::string name = entry.path().filename();
    const std::optional<FileContent> content = read_file(entry.path());
    if (!content) continue;
    const Digest digest = digest_of(std::as_bytes(std::span(*content)));
    const auto known = restored_.find(name);
    if (known != restored_.end() && known->second == digest) continue;
    write_checksummed(shared_ / (name + std::string(kEnding)), key_, *content);
    restored_[name] = digest;
  }
}

}  // namespace zerolite
