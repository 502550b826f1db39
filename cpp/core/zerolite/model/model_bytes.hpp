// The bytes of a model: a copy of our own, or a file in its place on disk.
#pragma once

#include <cstddef>
#include <filesystem>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "zerolite/platform/large_buffer.hpp"
#include "zerolite/platform/mapped_file.hpp"

namespace zerolite {

// How a file's bytes get into memory.
//
// A copy is safe from everything that happens to the file later. A mapping is not: it still shows what is written into
// the file in place to pages that were not touched yet, and the process gets SIGBUS where a page was cut off. It costs
// no memory for what is not read, and all who map a file share its pages. So a file is copied where that is cheap, and
// mapped where the copy is what fills the machine.
enum class FileAccess { copied, mapped, by_size };

class ModelBytes {
 public:
  // Files up to this size are copied by `FileAccess::by_size`, larger ones mapped.
  static constexpr std::size_t kLargestCopy = std::size_t{64} << 20U;

  // Opens the file. Throws FileError for what the operating system refuses and InvalidModelError for an empty file.
  static std::shared_ptr<ModelBytes> read(const std::filesystem::path& path, FileAccess access = FileAccess::by_size);
  // Copies the bytes; `name` stands in error messages where a file's path would.
  static std::shared_ptr<ModelBytes> copy(std::span<const std::byte> bytes, std::string name);
  // Likewise two parts, one behind the other.
  static std::shared_ptr<ModelBytes> join(std::span<const std::byte> front, std::span<const std::byte> back,
                                          std::string name);

  [[nodiscard]] std::span<const std::byte> span() const { return bytes_; }
  // What is written here stays in this process.
  [[nodiscard]] std::span<std::byte> mutable_span() { return bytes_; }
  // For what a reader of the file would miss: original() has it again.
  void overwrite(std::size_t position, std::span<const std::byte> replacement);
  [[nodiscard]] bool is_overwritten() const { return !overwritten_.empty(); }
  // A copy as it was before anything was overwritten.
  [[nodiscard]] std::vector<std::byte> original() const;
  [[nodiscard]] const std::string& name() const { return name_; }
  [[nodiscard]] bool is_mapped() const { return file_.has_value(); }

  // Throws InvalidModelError when a mapped file was written to since it was opened. Copies never change.
  void require_unchanged() const;

 private:
  // The first `size` bytes of the copy. It is aligned, because the runtime uses constant tensors where they lie in the
  // FlatBuffer.
  ModelBytes(LargeBuffer copy, std::size_t size, std::string name);
  ModelBytes(MappedFile file, std::string name);

  struct Overwritten {
    std::size_t position;
    std::vector<std::byte> original;
  };

  std::optional<LargeBuffer> copy_;  // none for a mapping
  std::optional<MappedFile> file_;
  std::span<std::byte> bytes_;
  std::vector<Overwritten> overwritten_;
  std::string name_;
};

}  // namespace zerolite
