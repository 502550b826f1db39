#include "zerolite/cache/gpu_cache.hpp"

#include <array>
#include <optional>
#include <string_view>
#include <system_error>

#include "zerolite/cache/cache_key.hpp"

namespace zerolite {
namespace {

namespace fs = std::filesystem;

constexpr std::string_view kSealed = ".sealed";

}  // namespace

GpuCache::GpuCache(const Model& model, const GpuSettings& settings)
    : shared_(make_directory(settings.cache)),
      key_(program_key(model, std::array{settings.library}, settings.device_key(), settings.options())),
      name_(hexadecimal(key_)),
      private_(shared_) {
  std::error_code ignored;
  for (const fs::directory_entry& entry : fs::directory_iterator(shared_, ignored)) {
    const std::string name = entry.path().filename();
    if (name.starts_with(name_) && name.ends_with(kSealed) && entry.is_regular_file(ignored)) restore(entry.path());
  }
}

void GpuCache::restore(const fs::path& sealed) {
  const std::optional<FileContent> content = read_sealed(sealed, key_);
  if (!content) return;
  const std::string name = sealed.stem();
  write_file(directory() / name, *content);
  restored_[name] = seal_of(key_, *content);
}

void GpuCache::store() {
  std::error_code failure;
  for (const fs::directory_entry& entry : fs::directory_iterator(directory(), failure)) {
    const std::string name = entry.path().filename();
    const std::optional<FileContent> content = read_file(entry.path());
    if (!content) continue;
    const Digest seal = seal_of(key_, *content);
    const auto known = restored_.find(name);
    if (known != restored_.end() && known->second == seal) continue;
    write_sealed(shared_ / (name + std::string(kSealed)), private_, key_, *content);
    restored_[name] = seal;
  }
}

}  // namespace zerolite
