#include "zerolite/delegates/openvino/graph_file.hpp"

#include <sys/mman.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <limits>
#include <optional>
#include <system_error>

#include "zerolite/model/flatbuffer.hpp"
#include "zerolite/model/schema_fields.hpp"
#include "zerolite/platform/error.hpp"

namespace zerolite::openvino {
namespace {

using flatbuffer::Table;
using flatbuffer::Vector;

// Offsets of a FlatBuffer have 32 bits, and those of its vectors' lengths a sign.
constexpr std::size_t kLargest = std::numeric_limits<std::int32_t>::max();
// Numbers and offsets stand at multiples of this.
constexpr std::size_t kAlignment = sizeof(std::uint32_t);

std::size_t aligned(std::size_t position) { return (position + kAlignment - 1) / kAlignment * kAlignment; }

// A string at the end: its length, its characters and a null one. Offsets lead forward, so every table can refer to it.
std::size_t append(std::vector<std::byte>& bytes, const std::string& text) {
  const std::size_t position = aligned(bytes.size());
  bytes.resize(position + sizeof(std::uint32_t) + text.size() + 1);
  flatbuffer::write(std::span(bytes), position, static_cast<std::uint32_t>(text.size()));
  std::memcpy(bytes.data() + position + sizeof(std::uint32_t), text.data(), text.size());
  return position;
}

void refer(std::vector<std::byte>& bytes, std::size_t from, std::size_t to) {
  flatbuffer::write(std::span(bytes), from, static_cast<std::uint32_t>(to - from));
}

void write_all(int file, std::span<const std::byte> bytes) {
  while (!bytes.empty()) {
    const ssize_t written = ::write(file, bytes.data(), bytes.size());
    if (written < 0 && errno == EINTR) continue;
    if (written < 0) throw FileError(errno, "the copy of the model in memory");
    bytes = bytes.subspan(static_cast<std::size_t>(written));
  }
}

}  // namespace

std::string name_of_tensor(std::int32_t index) { return "tensor_" + std::to_string(index); }

std::vector<std::byte> single_subgraph(std::span<const std::byte> model, std::size_t subgraph) {
  const Table root = Table::root(model);
  const Vector tensors = root.tables(schema::model::kSubgraphs).table(subgraph).tables(schema::subgraph::kTensors);
  constexpr std::size_t kMostOfName = 32;
  if (model.size() + tensors.size() * kMostOfName > kLargest) {
    throw DelegateError("the model is larger than 2 GB, which can't be passed on to OpenVINO");
  }
  std::vector<std::byte> copy;
  copy.reserve(model.size() + tensors.size() * kMostOfName);
  copy.assign(model.begin(), model.end());
  for (std::size_t i = 0; i < tensors.size(); ++i) {
    const std::optional<std::size_t> name = tensors.table(i).position(schema::tensor::kName);
    if (!name) {
      throw DelegateError("tensor " + std::to_string(i) + " has no name, by which OpenVINO tells tensors apart");
    }
    refer(copy, *name, append(copy, name_of_tensor(static_cast<std::int32_t>(i))));
  }
  const std::optional<std::size_t> subgraphs = root.vector_position(schema::model::kSubgraphs);
  if (subgraph > 0 && subgraphs) {
    const std::size_t first = *subgraphs + sizeof(std::uint32_t);
    const std::size_t chosen = first + subgraph * sizeof(std::uint32_t);
    refer(copy, first, chosen + flatbuffer::read<std::uint32_t>(model, chosen));
  }
  if (subgraphs) flatbuffer::write(std::span(copy), *subgraphs, std::uint32_t{1});
  return copy;
}

FileDescriptor make_memory_file() {
  FileDescriptor file(::memfd_create("zerolite-openvino", MFD_CLOEXEC));
  if (!file.is_open()) throw FileError(errno, "a file in memory");
  return file;
}

std::string path_of(const FileDescriptor& file) { return "/proc/self/fd/" + std::to_string(file.value()); }

GraphFile::GraphFile(std::span<const std::byte> model, std::size_t subgraph) : memory_(make_memory_file()) {
  write_all(memory_.value(), single_subgraph(model, subgraph));
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
