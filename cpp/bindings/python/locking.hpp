// The rules by which Python's lock (the GIL) and a model's lock are taken together.
//
// Nobody waits for a model while holding the GIL, so that the model's user can always come back for the GIL;
// and no Python code runs while a model's lock is held with the GIL, so that nobody meets their own lock
// again.
#pragma once

#include <pybind11/pybind11.h>

#include <mutex>

#include "zerolite/inference/model_lock.hpp"

namespace zerolite::bindings {

// With the GIL held, before and after.
inline std::unique_lock<ModelLock> lock_model(ModelLock& mutex) {
  std::unique_lock lock(mutex, std::try_to_lock);
  if (!lock.owns_lock()) {
    const pybind11::gil_scoped_release release;
    lock.lock();
  }
  return lock;
}

}  // namespace zerolite::bindings
