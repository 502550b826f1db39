// An OpenVINO that has every function and tells no release.
#include <cstddef>
#include <cstdint>

#include "openvino_abi/types.hpp"

namespace zerolite::abi::openvino {

template <typename Result>
Result nothing() {
  return Result();
}

extern "C" {
#define OPENVINO_FUNCTION(result, name, parameters) \
  [[gnu::visibility("default")]] result ov_##name parameters { return nothing<result>(); }
#include "openvino_abi/functions.def"
#undef OPENVINO_FUNCTION
}

}  // namespace zerolite::abi::openvino
