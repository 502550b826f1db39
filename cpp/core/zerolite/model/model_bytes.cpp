#include "zerolite/model/model_bytes.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <utility>

#include "zerolite/platform/error.hpp"
#include "zerolite/platform/file_descriptor.hpp"

namespace zerolite {
namespace {

InvalidModelError empty_model(const std::string& name) {
  return InvalidModelError(name + " is empty, and a model has at least a FlatBuffer header; write the model again");
}

}  // namespace

ModelBytes::ModelBytes(LargeBuffer copy, std::size_t size, std::string name)
    : copy_(std::move(copy)), bytes_(copy_->bytes().first(size)), name_(std::move(name)) {}

ModelBytes::ModelBytes(MappedFile file, std::string name)
    : file_(std::move(file)), bytes_(file_->bytes()), name_(std::move(name)) {}

void ModelBytes::overwrite(std::size_t position, std::span<const std::byte> replacement) {
  const std::span<std::byte> place = bytes_.subspan(position, replacement.size());
  overwritten_.push_back({position, {place.begin(), place.end()}});
  std::ranges::copy(replacement, place.begin());
}

std::vector<std::byte> ModelBytes::original() const {
  std::vector<std::byte> bytes(bytes_.begin(), bytes_.end());
  // The last first: what was overwritten twice gets its first value back.
  for (std::size_t i = overwritten_.size(); i-- > 0;) {
    const auto& [position, original] = overwritten_[i];
    std::ranges::copy(original, bytes.begin() + static_cast<std::ptrdiff_t>(position));
  }
  return bytes;
}

void ModelBytes::require_unchanged() const {
  if (!file_ || file_->is_unchanged()) return;
  throw InvalidModelError(name_ +
                          " was written to after it was loaded, and a file of this size is used where it lies on disk; "
                          "load it again, or load it with map=False");
}

std::shared_ptr<ModelBytes> ModelBytes::copy(std::span<const std::byte> bytes, std::string name) {
  return join({}, bytes, std::move(name));
}

std::shared_ptr<ModelBytes> ModelBytes::join(std::span<const std::byte> front, std::span<const std::byte> back,
                                             std::string name) {
  const std::size_t size = front.size() + back.size();
  if (size == 0) throw empty_model(name);
  LargeBuffer data(size);
  std::ranges::copy(back, std::ranges::copy(front, data.bytes().begin()).out);
  return std::shared_ptr<ModelBytes>(new ModelBytes(std::move(data), size, std::move(name)));
}

std::shared_ptr<ModelBytes> ModelBytes::read(const std::filesystem::path& path, FileAccess access) {
  // Non-blocking, so that a FIFO in the place of a model is refused, not waited for.
  FileDescriptor file(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK));
  if (!file.is_open()) throw FileError(errno, path.string());
  struct stat status {};
  if (::fstat(file.value(), &status) != 0) throw FileError(errno, path.string());
  if (S_ISDIR(status.st_mode)) throw FileError(EISDIR, path.string());
  if (!S_ISREG(status.st_mode)) throw FileError(EINVAL, path.string());
  if (status.st_size == 0) throw empty_model(path.string());

  const auto size = static_cast<std::size_t>(status.st_size);
  if (access == FileAccess::mapped || (access == FileAccess::by_size && size > kLargestCopy)) {
    if (std::optional<MappedFile> mapped = MappedFile::map(file, size)) {
      return std::shared_ptr<ModelBytes>(new ModelBytes(std::move(*mapped), path.string()));
    }
    // Some file systems can't be mapped.
    if (access == FileAccess::mapped) throw FileError(errno, path.string());
  }
  LargeBuffer data(size);
  std::size_t filled = 0;
  while (filled < size) {
    const ssize_t count = ::read(file.value(), data.bytes().data() + filled, size - filled);
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) throw FileError(errno, path.string());
    if (count == 0) break;
    filled += static_cast<std::size_t>(count);
  }
  // A file that another process cut short meanwhile is what it is now; the verification that follows judges
  // it.
  if (filled == 0) throw empty_model(path.string());
  return std::shared_ptr<ModelBytes>(new ModelBytes(std::move(data), filled, path.string()));
}

}  // namespace zerolite
