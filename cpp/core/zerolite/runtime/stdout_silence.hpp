// Keeps what this thread writes to std::cout from the terminal; what others write goes through.
#pragma once

#include <streambuf>
#include <thread>

namespace zerolite {

// For LiteRT 2.3.0, which tells on std::cout that it finds no OpenCL when a GPU is opened. One at a time.
class StdoutSilence : private std::streambuf {
 public:
  StdoutSilence();
  ~StdoutSilence() override;
  StdoutSilence(const StdoutSilence&) = delete;
  StdoutSilence& operator=(const StdoutSilence&) = delete;

 private:
  int_type overflow(int_type character) override;
  std::streamsize xsputn(const char* text, std::streamsize size) override;
  int sync() override;

  std::thread::id silent_ = std::this_thread::get_id();
  std::streambuf* others_;
};

}  // namespace zerolite
