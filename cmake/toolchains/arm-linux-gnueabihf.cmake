# 32-bit ARM (ARMv7-A, hard float) with Debian's cross compiler (package g++-arm-linux-gnueabihf), for
# `cmake -DCMAKE_TOOLCHAIN_FILE=...`.
#
# What belongs to one version of CPython (its headers, NumPy's, and the suffix of extension modules) comes from
# tools/build_wheel.py; the core alone needs none of it: -DZEROLITE_BUILD_PYTHON=OFF.
set(CMAKE_SYSTEM_NAME Linux)
set(CMAKE_SYSTEM_PROCESSOR armv7l)
set(CMAKE_CXX_COMPILER arm-linux-gnueabihf-g++)
set(CMAKE_LIBRARY_ARCHITECTURE arm-linux-gnueabihf)
set(CMAKE_FIND_ROOT_PATH_MODE_PROGRAM NEVER)

# Without it pybind11 names the module after the interpreter that runs the build: a library for ARM whose name says
# x86_64, which the interpreter on the board then does not find.
set(PYBIND11_USE_CROSSCOMPILING ON)
