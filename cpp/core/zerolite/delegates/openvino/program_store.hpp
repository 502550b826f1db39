// Where compiled programs outlive a process (see cache/openvino_cache.hpp), for one model and one choice of settings.
#pragma once

#include <optional>
#include <span>
#include <string>
#include <vector>

namespace zerolite::openvino {

class ProgramStore {
 public:
  ProgramStore() = default;
  virtual ~ProgramStore() = default;
  ProgramStore(const ProgramStore&) = delete;
  ProgramStore& operator=(const ProgramStore&) = delete;

  // What was kept under the name; nothing where there is nothing that can be believed.
  [[nodiscard]] virtual std::optional<std::vector<char>> find(const std::string& name) const = 0;
  // Throws FileError.
  virtual void keep(const std::string& name, std::span<const char> content) const = 0;
};

}  // namespace zerolite::openvino
