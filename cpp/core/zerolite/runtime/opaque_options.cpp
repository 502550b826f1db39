#include "zerolite/runtime/opaque_options.hpp"

#include "zerolite/runtime/runtime_library.hpp"
#include "zerolite/runtime/status.hpp"

namespace zerolite {

void add_opaque_options(abi::Options options, const char* identifier, OpaqueOptions data) {
  const LogCapture log;
  abi::OpaqueOptions entry = nullptr;
  abi::Status status = runtime().CreateOpaqueOptions(identifier, data.get(), data.get_deleter(), &entry);
  require_ok(status, "take an option", log);
  (void)data.release();
  status = runtime().AddOpaqueOptions(options, entry);
  if (status != abi::Status::ok) runtime().DestroyOpaqueOptions(entry);
  require_ok(status, "take an option", log);
}

}  // namespace zerolite
