// A library that opens and has one of the runtime's functions, but none of the others; and it says nothing.
// NOLINTNEXTLINE(readability-identifier-naming): the runtime's own name
extern "C" __attribute__((visibility("default"))) int LiteRtCreateEnvironment(int /*count*/, const void* /*options*/,
                                                                              void** environment) {
  *environment = nullptr;
  return 0;
}
