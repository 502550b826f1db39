// Memory of ours for other libraries, by DLPack.
#pragma once

#include <pybind11/pybind11.h>

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>

#include "zerolite/tensor/element_type.hpp"

namespace zerolite::bindings {

// Memory in C order, and who keeps it alive.
struct SharedMemory {
  std::byte* data;
  ElementType type;
  std::span<const std::int32_t> shape;
  std::shared_ptr<void> owner;
};

// What a consumer asks of `__dlpack__`, as the array API standard has it.
struct DlpackRequest {
  pybind11::object stream;
  pybind11::object max_version;
  pybind11::object dl_device;
  pybind11::object copy;

  // Throws BufferError for a stream or a device, of which there are none here.
  void require_cpu() const;
  [[nodiscard]] bool is_copy() const { return !copy.is_none() && copy.cast<bool>(); }
};

// A capsule of the version that is asked for, over the memory or a copy of it. Throws BufferError for elements that
// DLPack does not have.
pybind11::object dlpack_capsule(SharedMemory memory, const DlpackRequest& request);

// (device type, number) of the CPU.
pybind11::tuple dlpack_device();

}  // namespace zerolite::bindings
