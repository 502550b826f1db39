// What OpenVINO compiled for a model, kept in a directory for later loads: a file for each program, with a checksum.
#pragma once

#include <filesystem>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "zerolite/cache/cache_file.hpp"
#include "zerolite/delegates/openvino/settings.hpp"
#include "zerolite/model/model.hpp"
#include "zerolite/platform/digest.hpp"

namespace zerolite {

class OpenVinoCache final : public openvino::ProgramStore {
 public:
  // Makes the directory where it is missing. Throws FileError, and UntrustedFileError when somebody else may put files
  // into it.
  OpenVinoCache(const Model& model, const OpenVinoSettings& settings);

  [[nodiscard]] std::optional<FileContent> find(const std::string& name) const override;
  void keep(const std::string& name, std::span<const char> content) const override;

 private:
  // Of the model, OpenVINO's library, the processor, the device and the properties; and the program besides.
  [[nodiscard]] Digest key_of(const std::string& name) const;
  [[nodiscard]] std::filesystem::path path_of(const Digest& key) const;

  std::filesystem::path directory_;
  Digest key_;
};

}  // namespace zerolite
