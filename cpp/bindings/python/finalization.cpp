// Threads that come back for the GIL when the interpreter has ended.
//
// Before CPython 3.14 such a thread, a daemon thread in the middle of a run for example, is ended by pthread_exit,
// which unwinds its stack; the destructors that take the GIL back are noexcept, so that the whole process would abort
// instead. Here the thread waits for the end of the process, as it does from CPython 3.14 on. The linker leads every
// call of these functions within this module here, those of pybind11's headers too (--wrap in CMakeLists.txt).
#include <Python.h>
#include <unistd.h>

namespace {

template <typename Function, typename... Arguments>
auto or_wait_for_the_end(Function* function, Arguments... arguments) {
  try {
    return function(arguments...);
  } catch (...) {
    // Functions of C: nothing but pthread_exit's unwinding comes out of them. It is of no C++ type, so that a reference
    // to abi::__forced_unwind would be bound to null. One that is caught may not end here, and it never does.
    while (true) pause();
  }
}

}  // namespace

// NOLINTBEGIN(bugprone-reserved-identifier,readability-identifier-naming): the names are the linker's
extern "C" {

void __real_PyEval_RestoreThread(PyThreadState* state);
void __real_PyEval_AcquireThread(PyThreadState* state);
PyGILState_STATE __real_PyGILState_Ensure();

void __wrap_PyEval_RestoreThread(PyThreadState* state);
void __wrap_PyEval_AcquireThread(PyThreadState* state);
PyGILState_STATE __wrap_PyGILState_Ensure();

void __wrap_PyEval_RestoreThread(PyThreadState* state) { or_wait_for_the_end(__real_PyEval_RestoreThread, state); }
void __wrap_PyEval_AcquireThread(PyThreadState* state) { or_wait_for_the_end(__real_PyEval_AcquireThread, state); }
PyGILState_STATE __wrap_PyGILState_Ensure() { return or_wait_for_the_end(__real_PyGILState_Ensure); }

}  // extern "C"
// NOLINTEND(bugprone-reserved-identifier,readability-identifier-naming)
