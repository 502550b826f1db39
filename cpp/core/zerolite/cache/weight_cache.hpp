// XNNPACK's packed weights in a file that serves one model on one kind of machine.
//
// XNNPACK knows such files itself, but believes them: it tells models apart by their structure and not by their
// weights, notices no flipped byte, and ends the process when a disk is full (LiteRT 2.3.0). So the file has a
// checksum: in a gap of its header stand a digest of the model, the machine and the runtime, and one of the content.
// Only a file whose checksum is right is shown to XNNPACK; else it packs into memory, which then gets one and is put in
// the place of the file at once.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "zerolite/model/model.hpp"
#include "zerolite/platform/digest.hpp"
#include "zerolite/platform/file_descriptor.hpp"

namespace zerolite {

class WeightCache {
 public:
  // `flags` are XNNPACK's, as far as they were chosen: they decide what is packed, too. Throws FileError when something
  // is there that can't be read or is no regular file, UntrustedFileError when somebody else may have written it.
  WeightCache(std::string path, const Model& model, std::optional<std::uint32_t> flags = std::nullopt);

  // Where XNNPACK finds the weights, or puts them.
  [[nodiscard]] std::string native_path() const { return "/proc/self/fd/" + std::to_string(content_.value()); }
  [[nodiscard]] bool was_found() const { return found_; }

  // To be called when the model is prepared: stores what XNNPACK has packed, unless it was found. Throws FileError.
  void store();

 private:
  std::string path_;
  Digest key_;
  bool found_ = false;
  FileDescriptor content_;
};

}  // namespace zerolite
