# x86-64 with this machine's own compiler, for a CPython of another version than the one that runs the build.
#
# What belongs to that version (its headers, NumPy's, and the suffix of extension modules) comes from
# tools/build_wheel.py. Naming the system makes it a cross-build, in which that suffix is taken.
set(CMAKE_SYSTEM_NAME Linux)
set(CMAKE_SYSTEM_PROCESSOR x86_64)
set(CMAKE_LIBRARY_ARCHITECTURE x86_64-linux-gnu)
set(PYBIND11_USE_CROSSCOMPILING ON)
