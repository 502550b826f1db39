#include "zerolite/cache/openvino_cache.hpp"

#include <array>

#include "zerolite/cache/cache_key.hpp"

namespace zerolite {

OpenVinoCache::OpenVinoCache(const Model& model, const OpenVinoSettings& settings)
    : directory_(make_directory(settings.cache)),
      key_(cache_key(model, std::array{settings.library}, settings.device + ' ' + processor(), settings.properties())) {
}

std::optional<FileContent> OpenVinoCache::find(const std::string& name) const {
  const Digest key = key_of(name);
  return read_checksummed(path_of(key), key);
}

void OpenVinoCache::keep(const std::string& name, std::span<const char> content) const {
  const Digest key = key_of(name);
  write_checksummed(path_of(key), key, content);
}

Digest OpenVinoCache::key_of(const std::string& name) const {
  const std::string text = hexadecimal(key_) + ' ' + name;
  return digest_of(std::as_bytes(std::span<const char>(text)));
}

std::filesystem::path OpenVinoCache::path_of(const Digest& key) const {
  return directory_ / (hexadecimal(key) + ".sealed");
}

}  // namespace zerolite
