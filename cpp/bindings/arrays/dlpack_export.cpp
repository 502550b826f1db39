#include "arrays/dlpack_export.hpp"

#include <array_exchange/dlpack.hpp>
#include <cstring>
#include <string>
#include <utility>
#include <vector>

#include "arrays/dtypes.hpp"
#include "zerolite/platform/aligned_buffer.hpp"

namespace py = pybind11;

namespace zerolite::bindings {
namespace {

// What a capsule, and then whoever takes it over, holds.
template <typename Managed>
struct Shared {
  Managed managed{};
  std::vector<std::int64_t> shape;
  std::vector<std::int64_t> strides;
  std::shared_ptr<void> owner;
};

template <typename Managed>
py::object capsule_over(const SharedMemory& memory, const dlpack::DataType& type, const char* name,
                        PyCapsule_Destructor destructor) {
  auto shared = std::make_unique<Shared<Managed>>();
  shared->shape.assign(memory.shape.begin(), memory.shape.end());
  shared->strides.resize(shared->shape.size());
  std::int64_t stride = 1;
  for (std::size_t i = shared->shape.size(); i-- > 0;) {
    shared->strides[i] = stride;
    stride *= shared->shape[i];
  }
  shared->owner = memory.owner;
  Managed& managed = shared->managed;
  managed.context = shared.get();
  managed.deleter = [](Managed* self) {
    const std::unique_ptr<Shared<Managed>> owned(static_cast<Shared<Managed>*>(self->context));
  };
  managed.tensor = {memory.data,
                    {dlpack::DeviceType::cpu, 0},
                    static_cast<std::int32_t>(shared->shape.size()),
                    type,
                    shared->shape.data(),
                    shared->strides.data(),
                    0};
  auto capsule = py::reinterpret_steal<py::object>(PyCapsule_New(&managed, name, destructor));
  if (!capsule) throw py::error_already_set();
  (void)shared.release();
  return capsule;
}

// For a capsule that nobody has taken over, and so renamed.
template <typename Managed>
void free_unused(PyObject* capsule, const char* name) {
  if (PyCapsule_IsValid(capsule, name) == 0) return;
  auto* const managed = static_cast<Managed*>(PyCapsule_GetPointer(capsule, name));
  managed->deleter(managed);
}

bool takes_versions(const py::object& max_version) {
  if (max_version.is_none()) return false;
  return py::tuple(max_version)[0].cast<std::uint32_t>() >= dlpack::kVersion.major;
}

SharedMemory copied(const SharedMemory& memory, std::size_t size) {
  std::shared_ptr<AlignedBuffer> buffer = AlignedBuffer::allocate(size);
  std::byte* const data = buffer->data();
  if (size > 0) std::memcpy(data, memory.data, size);
  return {data, memory.type, memory.shape, std::move(buffer)};
}

}  // namespace

void DlpackRequest::require_cpu() const {
  if (!stream.is_none()) {
    throw py::buffer_error("tensors are in memory of the CPU, where there are no streams; leave stream out");
  }
  if (!dl_device.is_none() && !py::tuple(dl_device).equal(dlpack_device())) {
    throw py::buffer_error("tensors are in memory of the CPU, and are not copied to the device " +
                           py::repr(dl_device).cast<std::string>() + "; leave dl_device out");
  }
}

py::object dlpack_capsule(SharedMemory memory, const DlpackRequest& request) {
  request.require_cpu();
  const std::optional<dlpack::DataType> type = dlpack_type_of(memory.type);
  const std::optional<std::size_t> size = byte_size(memory.type, memory.shape);
  if (!type || !size) {
    throw py::buffer_error("DLPack has no type for elements as this tensor stores them (" +
                           std::string(name_of(memory.type)) + "); use its .array");
  }
  if (request.is_copy()) memory = copied(memory, *size);
  if (!takes_versions(request.max_version)) {
    return capsule_over<dlpack::UnversionedTensor>(memory, *type, dlpack::kUnversionedName, [](PyObject* object) {
      free_unused<dlpack::UnversionedTensor>(object, dlpack::kUnversionedName);
    });
  }
  py::object capsule = capsule_over<dlpack::VersionedTensor>(
      memory, *type, dlpack::kVersionedName,
      [](PyObject* object) { free_unused<dlpack::VersionedTensor>(object, dlpack::kVersionedName); });
  auto* const managed =
      static_cast<dlpack::VersionedTensor*>(PyCapsule_GetPointer(capsule.ptr(), dlpack::kVersionedName));
  managed->version = dlpack::kVersion;
  managed->flags = request.is_copy() ? dlpack::kIsCopied : 0;
  return capsule;
}

py::tuple dlpack_device() { return py::make_tuple(static_cast<int>(dlpack::DeviceType::cpu), 0); }

}  // namespace zerolite::bindings
