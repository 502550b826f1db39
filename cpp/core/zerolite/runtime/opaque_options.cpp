#include "zerolite/runtime/opaque_options.hpp"

#include "zerolite/runtime/runtime_library.hpp"
#include "zerolite/runtime/status.hpp"

namespace zerolite {

void add_payload(abi::Options options, const char* identifier, Payload payload) {
  const LogCapture log;
  abi::OpaqueOptions entry = nullptr;
  abi::Status status = runtime().CreateOpaqueOptions(identifier, payload.get(), payload.get_deleter(), &entry);
  require_ok(status, "take an option", log);
  (void)payload.release();
  status = runtime().AddOpaqueOptions(options, entry);
  if (status != abi::Status::ok) runtime().DestroyOpaqueOptions(entry);
  require_ok(status, "take an option", log);
}

}  // namespace zerolite
