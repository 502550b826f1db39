#include "zerolite/platform/mapped_file.hpp"

#include <sys/mman.h>
#include <unistd.h>

namespace zerolite {

std::optional<MappedFile> MappedFile::map(FileDescriptor& file, std::size_t size) {
  struct stat opened {};
  if (::fstat(file.value(), &opened) != 0) return std::nullopt;
  const auto page = static_cast<std::size_t>(::sysconf(_SC_PAGESIZE));
  const std::size_t reserved = (size + page - 1) / page * page + page;
  void* const start = ::mmap(nullptr, reserved, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (start == MAP_FAILED) return std::nullopt;
  MappedFile mapped(std::move(file), opened, {static_cast<std::byte*>(start), size}, reserved);
  // MAP_NORESERVE: next to nothing is ever written, so no swap has to stand by for a copy of it all.
  void* const content =
      ::mmap(start, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_FIXED | MAP_NORESERVE, mapped.file_.value(), 0);
  if (content == MAP_FAILED) return std::nullopt;
  return mapped;
}

MappedFile::~MappedFile() {
  if (!bytes_.empty()) ::munmap(bytes_.data(), reserved_);
}

bool MappedFile::is_unchanged() const {
  struct stat now {};
  return ::fstat(file_.value(), &now) == 0 && now.st_size == opened_.st_size &&
         now.st_mtim.tv_sec == opened_.st_mtim.tv_sec && now.st_mtim.tv_nsec == opened_.st_mtim.tv_nsec;
}

}  // namespace zerolite
