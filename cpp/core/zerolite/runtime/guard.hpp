// The one way into the runtime's code: what it throws comes out as an Error.
//
// The runtime's C interface promises statuses, and lets exceptions of its standard library out nevertheless
// (LiteRT 2.3.0: std::out_of_range of a hash table, for a reshape to 16 dimensions). Callers of the core would take
// them for what they are in their own language, an IndexError of Python for example.
#pragma once

#include <cxxabi.h>

#include <exception>
#include <new>
#include <string>

#include "zerolite/platform/error.hpp"

namespace zerolite {

inline std::string unforeseen(const char* what) {
  return std::string("the runtime failed with an exception (") + what +
         "), which says nothing of the reason; the model may have something in it that the runtime does not expect";
}

template <typename Call>
decltype(auto) guard(const Call& call) {
  try {
    return call();
  } catch (const Error&) {
    throw;
  } catch (const std::bad_alloc&) {
    throw;
  } catch (const std::exception& error) {
    throw Error(unforeseen(error.what()));
  } catch (const ::abi::__forced_unwind&) {
    throw;  // the end of a thread
  } catch (...) {
    throw Error(unforeseen("of an unknown type"));
  }
}

}  // namespace zerolite
