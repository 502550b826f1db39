// One subgraph of a model as a file of its own, for OpenVINO, which reads .tflite files by their paths.
//
// It takes a file's first subgraph for the model, and tells tensors apart by their names alone, which in many files
// are not unique (OpenVINO 2026.4). So it gets a copy, whose only subgraph is the one that is meant, and in which each
// tensor is called by its index. The copy is in memory and has a path for as long as this object lives.
#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <span>
#include <string>
#include <vector>

#include "zerolite/platform/file_descriptor.hpp"

namespace zerolite::openvino {

// What the copy calls a tensor.
std::string name_of_tensor(std::int32_t index);

// The copy's bytes. Throws DelegateError for a model that can't be copied so.
std::vector<std::byte> single_subgraph(std::span<const std::byte> model, std::size_t subgraph);

// A file that only this process knows. Throws FileError.
FileDescriptor make_memory_file();
// The path of an open file for this process.
std::string path_of(const FileDescriptor& file);

class GraphFile {
 public:
  // Throws FileError where the system has no place for it.
  GraphFile(std::span<const std::byte> model, std::size_t subgraph);
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
