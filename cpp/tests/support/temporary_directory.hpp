// A directory that goes with the test.
#pragma once

#include <cstddef>
#include <filesystem>
#include <span>
#include <string_view>

namespace zerolite::tests {

class TemporaryDirectory {
 public:
  TemporaryDirectory();
  ~TemporaryDirectory();
  TemporaryDirectory(const TemporaryDirectory&) = delete;
  TemporaryDirectory& operator=(const TemporaryDirectory&) = delete;

  [[nodiscard]] const std::filesystem::path& path() const { return path_; }
  [[nodiscard]] std::filesystem::path write(std::string_view name, std::span<const std::byte> content) const;

 private:
  std::filesystem::path path_;
};

}  // namespace zerolite::tests
