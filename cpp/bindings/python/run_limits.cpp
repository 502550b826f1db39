#include "python/run_limits.hpp"

#include <cmath>
#include <string>
#include <utility>

#include "register.hpp"
#include "zerolite/platform/error.hpp"

namespace py = pybind11;

namespace zerolite::bindings {

RunLimits::RunLimits(py::handle timeout, std::shared_ptr<const StopRequest> stop) : stop_(std::move(stop)) {
  if (timeout.is_none()) return;
  const std::string what = "timeout is " + py::repr(timeout).cast<std::string>() + ", and must be ";
  seconds_ = PyFloat_AsDouble(timeout.ptr());
  if (PyErr_Occurred() != nullptr) {
    PyErr_Clear();
    throw TypeError(what + "a number of seconds, or None for no limit");
  }
  if (!(seconds_ >= 0)) throw ValueError(what + "a number of seconds of at least 0, or None for no limit");
  // Beyond a century the clock's own numbers would end.
  constexpr double kCentury = 3.2e9;
  if (seconds_ > kCentury) return;
  deadline_ = Clock::now() + std::chrono::duration_cast<Clock::duration>(std::chrono::duration<double>(seconds_));
}

void RunLimits::require_not_over() const {
  if (stop_ != nullptr && stop_->is_stopped()) throw RunStopped("the run was stopped");
  if (!deadline_ || Clock::now() < *deadline_) return;
  const auto seconds = py::str(py::float_(seconds_)).cast<std::string>();
  throw RunTimeout("the run was stopped after " + seconds + " s, its timeout; give it more, or run less at once");
}

void register_run_limits(py::module_& module) {
  py::class_<StopRequest, std::shared_ptr<StopRequest>>(module, "StopRequest", "Asks runs to end, from any thread.")
      .def(py::init())
      .def("stop", &StopRequest::stop);
}

}  // namespace zerolite::bindings
