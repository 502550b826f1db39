// A library that writes to stderr what it is asked to, piece by piece, as LiteRT's library does.
#include <cstdio>

extern "C" __attribute__((visibility("default"))) void say(const char* piece) { (void)std::fputs(piece, stderr); }
