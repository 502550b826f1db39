#include "zerolite/runtime/stdout_silence.hpp"

#include <iostream>

namespace zerolite {

StdoutSilence::StdoutSilence() : others_(std::cout.rdbuf(this)) {}

StdoutSilence::~StdoutSilence() { (void)std::cout.rdbuf(others_); }

StdoutSilence::int_type StdoutSilence::overflow(int_type character) {
  if (std::this_thread::get_id() == silent_) return traits_type::not_eof(character);
  return others_->sputc(traits_type::to_char_type(character));
}

std::streamsize StdoutSilence::xsputn(const char* text, std::streamsize size) {
  return std::this_thread::get_id() == silent_ ? size : others_->sputn(text, size);
}

int StdoutSilence::sync() { return others_->pubsync(); }

}  // namespace zerolite
