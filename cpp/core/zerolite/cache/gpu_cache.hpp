// What the GPU's accelerator compiled for a model, kept in a directory for later loads.
//
// The accelerator of LiteRT 2.3.0 believes what it finds in its directory: a file with a changed byte made it compute
// wrongly, or ended the process. So it gets a directory of its own, with copies of files that have a checksum, and what
// it leaves there gets one and is put into the place of the old ones.
#pragma once

#include <filesystem>
#include <map>
#include <string>

#include "zerolite/cache/cache_file.hpp"
#include "zerolite/delegates/gpu_delegate.hpp"
#include "zerolite/model/model.hpp"
#include "zerolite/platform/digest.hpp"

namespace zerolite {

class GpuCache {
 public:
  // Makes the directory where it is missing. Throws FileError when it can't be read or written.
  GpuCache(const Model& model, const GpuSettings& settings);

  // For the accelerator: its directory, and what the names of its files begin with.
  [[nodiscard]] const std::filesystem::path& directory() const { return private_.path(); }
  [[nodiscard]] const std::string& key() const { return name_; }

  // Keeps what the accelerator has written.
  void store();

 private:
  void restore(const std::filesystem::path& kept);

  std::filesystem::path shared_;
  Digest key_;
  std::string name_;
  PrivateDirectory private_;
  std::map<std::string, Digest> restored_;  // what is known already, by the names of files
};

}  // namespace zerolite
