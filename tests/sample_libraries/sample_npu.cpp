// A vendor's libraries for an NPU, for the tests: built once as a dispatch library and once as a compiler's plug-in.
//
// They write the options that reach them, under the name "sample", to the file that SAMPLE_NPU_RECORD names, and fail
// where the option `fail` tells: dispatch, compiler. The plug-in knows no operator, so that models stay on the CPU.
#include <dlfcn.h>

#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <fstream>
#include <string>

#include "litert_abi/types.hpp"

namespace {

using namespace zerolite::abi;

template <typename Function>
Function* of_runtime(const char* name) {
  void* runtime = dlopen("libLiteRt.so", RTLD_LAZY | RTLD_NOLOAD);
  return runtime == nullptr ? nullptr : reinterpret_cast<Function*>(dlsym(runtime, name));
}

std::string payload_of(Options options) {
  auto* const get = of_runtime<Status(Options, OpaqueOptions*)>("LiteRtGetOpaqueOptions");
  auto* const find = of_runtime<Status(OpaqueOptions, const char*, void**)>("LiteRtFindOpaqueOptionsData");
  OpaqueOptions payloads = nullptr;
  void* payload = nullptr;
  if (get == nullptr || find == nullptr || get(options, &payloads) != Status::ok) return {};
  return find(payloads, "sample", &payload) == Status::ok ? static_cast<const char*>(payload) : "";
}

// Notes the options under the library's name, and tells whether they ask it to fail.
bool records_failure(const std::string& library, Options options) {
  const std::string payload = payload_of(options);
  if (const char* record = std::getenv("SAMPLE_NPU_RECORD")) {
    std::ofstream(record, std::ios::app) << "[" << library << "]\n" << payload;
  }
  return payload.find("fail = \"" + library + "\"") != std::string::npos;
}

[[maybe_unused]] constexpr ApiVersion kVersion = {0, 1, 0};

}  // namespace

#define EXPORTED extern "C" __attribute__((visibility("default")))

#ifdef SAMPLE_DISPATCH

namespace {

// The functions of litert/vendors/c/litert_dispatch_api.h that an idle NPU is asked for, by their places.
struct Interface {
  Status (*initialize)(const void*, Environment, Options);
  Status (*get_vendor_id)(const char**);
  Status (*get_build_id)(const char**);
  Status (*get_capabilities)(int*);
  Status (*device_context_create)(const void*, Options, void**);
  Status (*device_context_destroy)(void*);
  void* unused_before[17];
  Status (*check_runtime_compatibility)(ApiVersion, const void*, Options);
  void* unused_after[8];
};

struct Api {
  std::uint16_t header[4];
  ApiVersion version;
  Interface* interface;
  void* unused[3];
};

Status initialize(const void* /*context*/, Environment /*environment*/, Options options) {
  return records_failure("dispatch", options) ? Status::runtime_failure : Status::ok;
}

Status name(const char** text) {
  *text = "sample";
  return Status::ok;
}

Status capabilities(int* bits) {
  *bits = 1;
  return Status::ok;
}

Status create(const void* /*context*/, Options /*options*/, void** device) {
  static int only;
  *device = &only;
  return Status::ok;
}

Interface functions = {&initialize, &name,
                       &name,       &capabilities,
                       &create,     [](void*) { return Status::ok; },
                       {},          [](ApiVersion, const void*, Options) { return Status::ok; },
                       {}};

}  // namespace

EXPORTED Status LiteRtDispatchGetApi(Api* api) {
  api->version = kVersion;
  api->interface = &functions;
  return Status::ok;
}

#else

namespace {

bool fails = false;

}  // namespace

EXPORTED Status LiteRtGetCompilerPluginVersion(ApiVersion* version) {
  *version = kVersion;
  return Status::ok;
}
EXPORTED const char* LiteRtGetCompilerPluginSocManufacturer() { return "Sample"; }
EXPORTED Status LiteRtCreateCompilerPlugin(const void* /*context*/, void** plugin, void* /*environment*/,
                                           Options options) {
  static int only;
  *plugin = &only;
  fails = records_failure("compiler", options);
  return Status::ok;
}
EXPORTED void LiteRtDestroyCompilerPlugin(void* /*plugin*/) {}
EXPORTED Status LiteRtGetCompilerPluginSupportedHardware(void* /*plugin*/, int* hardware) {
  *hardware = kHardwareNpu;
  return Status::ok;
}
EXPORTED Status LiteRtGetNumCompilerPluginSupportedSocModels(void* /*plugin*/, std::size_t* count) {
  *count = 0;
  return Status::ok;
}
EXPORTED Status LiteRtGetCompilerPluginSupportedSocModel(void* /*plugin*/, std::size_t /*index*/,
                                                         const char** /*name*/) {
  return Status::index_out_of_bounds;
}
EXPORTED Status LiteRtGetCompilerPluginSDKVersion(void* /*plugin*/, const char** version) {
  *version = "1";
  return Status::ok;
}
EXPORTED Status LiteRtCompilerPluginRegisterAllTransformations(void* /*plugin*/, void** transformations,
                                                               std::size_t* count) {
  *transformations = nullptr;
  *count = 0;
  return Status::ok;
}
EXPORTED Status LiteRtCompilerPluginCheckCompilerCompatibility(ApiVersion /*version*/, void* /*plugin*/,
                                                               void* /*environment*/, Options /*options*/,
                                                               const char* /*soc_model*/) {
  return Status::ok;
}
EXPORTED Status LiteRtCompilerPluginPartition(void* /*plugin*/, const char* /*soc_model*/, void* /*subgraph*/,
                                              void* /*selected*/) {
  return fails ? Status::compilation : Status::ok;
}
EXPORTED Status LiteRtCompilerPluginCompile(void* /*plugin*/, const char* /*soc_model*/, void* /*partitions*/,
                                            void** result) {
  static int only;
  *result = &only;
  return Status::ok;
}
EXPORTED void LiteRtDestroyCompiledResult(void* /*result*/) {}
EXPORTED Status LiteRtGetCompiledResultByteCode(void* /*result*/, std::size_t /*index*/, const void** /*data*/,
                                                std::size_t* /*size*/) {
  return Status::index_out_of_bounds;
}
EXPORTED Status LiteRtCompiledResultNumByteCodeModules(void* /*result*/, std::size_t* count) {
  *count = 0;
  return Status::ok;
}
EXPORTED Status LiteRtGetCompiledResultCallInfo(void* /*result*/, std::size_t /*index*/, const void** /*info*/,
                                                std::size_t* /*size*/, std::size_t* /*byte_code*/) {
  return Status::index_out_of_bounds;
}
EXPORTED Status LiteRtGetNumCompiledResultCalls(void* /*result*/, std::size_t* count) {
  *count = 0;
  return Status::ok;
}

#endif
