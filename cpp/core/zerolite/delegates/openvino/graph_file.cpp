#include "zerolite/delegates/openvino/graph_file.hpp"

#include <sys/mman.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <limits>
#include <system_error>
#include <vector>

#include "zerolite/platform/error.hpp"

namespace zerolite::openvino {
FileDescriptor make_memory_file() {
  FileDescriptor file(::memfd_create("zerolite-openvino", MFD_CLOEXEC));
  if (!file.is_open()) throw FileError(errno, "a file in memory");
  return file;
}

std::string path_of(const FileDescriptor& file) { return "/proc/self/fd/" + std::to_string(file.value()); }

GraphFile::GraphFile(std::span<const std::byte> model, const GraphPart& part) : memory_(make_memory_file()) {
  const std::vector<std::byte> front = front_of_submodel(model, part);
  // Offsets of a FlatBuffer have 32 bits, and those of its vectors' lengths a sign.
  constexpr std::size_t kLargest = std::numeric_limits<std::int32_t>::max();
  if (front.size() > kLargest || model.size() > kLargest - front.size()) {
    throw DelegateError("the model is larger than 2 GB, which can't be passed on to OpenVINO");
  }
  write_all(memory_, "the copy of the model in memory", front);
  write_all(memory_, "the copy of the model in memory", model);
  // OpenVINO knows the format by the end of the path, which the path of a descriptor has not.
  std::string folder = (std::filesystem::temp_directory_path() / "zerolite-openvino-XXXXXX").string();
  if (::mkdtemp(folder.data()) == nullptr) throw FileError(errno, folder);
  folder_ = folder;
  const std::filesystem::path link = folder_ / "model.tflite";
  path_ = link.string();
  std::error_code failure;
  std::filesystem::create_symlink(path_of(memory_), link, failure);
  if (failure) {
    std::error_code ignored;
    std::filesystem::remove_all(folder_, ignored);
    throw FileError(failure.value(), path_);
  }
}

GraphFile::~GraphFile() {
  std::error_code ignored;
  std::filesystem::remove_all(folder_, ignored);
}

}  // namespace zerolite::openvino
