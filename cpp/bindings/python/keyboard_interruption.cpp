#include "python/keyboard_interruption.hpp"

#include <pybind11/pybind11.h>
#include <unistd.h>

#include <csignal>
#include <tuple>

namespace py = pybind11;

namespace zerolite::bindings {
namespace {

// Coarse, because it is asked between any two operators: a few nanoseconds, and right to a few milliseconds.
std::timespec now() {
  std::timespec time{};
  (void)::clock_gettime(CLOCK_MONOTONIC_COARSE, &time);
  return time;
}

// Seldom enough that other threads, which may keep the GIL for 5 ms each time, don't slow a run down.
std::timespec time_of_next_look() {
  constexpr long kInterval = 200'000'000;
  constexpr long kSecond = 1'000'000'000;
  std::timespec time = now();
  time.tv_nsec += kInterval;
  if (time.tv_nsec >= kSecond) {
    time.tv_nsec -= kSecond;
    ++time.tv_sec;
  }
  return time;
}

// Whether Ctrl-C raises KeyboardInterrupt and does nothing else. Calls only functions written in C, and by C's API,
// which throws nothing.
bool raises_keyboard_interrupt() noexcept {
  PyObject* signals = PyImport_ImportModule("_signal");
  PyObject* handler = signals == nullptr ? nullptr : PyObject_CallMethod(signals, "getsignal", "i", SIGINT);
  PyObject* standard = signals == nullptr ? nullptr : PyObject_GetAttrString(signals, "default_int_handler");
  const bool raises = handler != nullptr && handler == standard;
  Py_XDECREF(standard);
  Py_XDECREF(handler);
  Py_XDECREF(signals);
  // Whatever is wrong with the module shows when the signal is handled.
  PyErr_Clear();
  return raises;
}

// Takes the signal when the interpreter has one that nobody has looked at; the other ones wait.
bool take_interrupt() noexcept {
  const PyGILState_STATE state = PyGILState_Ensure();
  bool taken = PyOS_InterruptOccurred() != 0;
  if (taken && !raises_keyboard_interrupt()) {
    PyErr_SetInterrupt();
    taken = false;
  }
  PyGILState_Release(state);
  return taken;
}

}  // namespace

KeyboardInterruption::KeyboardInterruption()
    : is_main_thread_(::getpid() == ::gettid()), next_look_(is_main_thread_ ? time_of_next_look() : std::timespec{}) {}

bool KeyboardInterruption::is_due() noexcept {
  if (due_ || !is_main_thread_) return due_;
  const std::timespec time = now();
  if (std::tie(time.tv_sec, time.tv_nsec) < std::tie(next_look_.tv_sec, next_look_.tv_nsec)) return false;
  due_ = take_interrupt();
  next_look_ = time_of_next_look();
  return due_;
}

void KeyboardInterruption::raise_if_due() const {
  if (!due_) return;
  PyErr_SetNone(PyExc_KeyboardInterrupt);
  throw py::error_already_set();
}

}  // namespace zerolite::bindings
