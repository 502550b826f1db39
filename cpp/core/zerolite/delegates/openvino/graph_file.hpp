// A part of a model as a file of its own, for OpenVINO, which reads .tflite files by their paths.
//
// It takes a file's first subgraph for the model, and tells tensors apart by their names alone, which in many files
// are not unique (OpenVINO 2026.4). So it gets a copy with the one subgraph that is meant; see submodel.hpp. The copy
// is in memory and has a path for as long as this object lives.
#pragma once

#include <cstddef>
#include <filesystem>
#include <span>
#include <string>

#include "zerolite/model/submodel.hpp"
#include "zerolite/platform/file_descriptor.hpp"

namespace zerolite::openvino {

// A file that only this process knows. Throws FileError.
FileDescriptor make_memory_file();
// The path of an open file for this process.
std::string path_of(const FileDescriptor& file);

class GraphFile {
 public:
  // Throws FileError where the system has no place for it, and DelegateError for a model that can't be copied so.
  GraphFile(std::span<const std::byte> model, const GraphPart& part);
  ~GraphFile();
  GraphFile(const GraphFile&) = delete;
  GraphFile& operator=(const GraphFile&) = delete;

  [[nodiscard]] const std::string& path() const { return path_; }

 private:
  FileDescriptor memory_;
  std::filesystem::path folder_;
  std::string path_;
};

}  // namespace zerolite::openvino
