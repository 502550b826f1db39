// A library that opens and has one of the runtime's functions, but none of the others; and it says nothing.
extern "C" __attribute__((visibility("default"))) int LiteRtCreateEnvironment(int /*count*/, const void* /*options*/,
                                                                              void** environment) {
  *environment = nullptr;
  return 0;
}
