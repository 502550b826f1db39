// LiteRT's library behind a version of its interface that zerolite does not know. It is linked with the real one, where
// the loader finds all other functions. NOLINTNEXTLINE(readability-identifier-naming): the runtime's own name
extern "C" __attribute__((visibility("default"))) int LiteRtGetRuntimeAbiVersion(const char** version) {
  *version = "1.9.0";
  return 0;
}
