// The bytes of a model, owned by us.
#pragma once

#include <cstddef>
#include <filesystem>
#include <memory>
#include <span>
#include <string>

namespace zerolite {

// Files are copied into memory of our own, not mapped: a private mapping still shows what is written to the
// file later in pages that were not touched yet, and raises SIGBUS when the file is truncated, so that a
// model replaced on disk could change or kill a running process. The copy costs one read of the file at load;
// replicas share it.
class ModelBytes {
 public:
  // Reads the file. Throws FileError for what the operating system refuses and InvalidModelError for an empty
  // file.
  static std::shared_ptr<ModelBytes> read(const std::filesystem::path& path);
  // Copies the bytes; `name` stands in error messages where a file's path would.
  static std::shared_ptr<ModelBytes> copy(std::span<const std::byte> bytes, std::string name);

  [[nodiscard]] std::span<const std::byte> span() const { return {data_.get(), size_}; }
  [[nodiscard]] std::span<std::byte> mutable_span() { return {data_.get(), size_}; }
  [[nodiscard]] const std::string& name() const { return name_; }

 private:
  struct Free {
    void operator()(std::byte* data) const;
  };
  using Memory = std::unique_ptr<std::byte[], Free>;

  ModelBytes(Memory data, std::size_t size, std::string name);
  static Memory allocate(std::size_t size);

  Memory data_;
  std::size_t size_;
  std::string name_;
};

}  // namespace zerolite
