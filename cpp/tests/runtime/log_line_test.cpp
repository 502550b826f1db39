#include "zerolite/runtime/log_line.hpp"

#include <gtest/gtest.h>

namespace zerolite::tests {
namespace {

void expect(std::string_view line, LogLevel level, std::string_view text) {
  const LogLine parsed = parse_log_line(line);
  EXPECT_EQ(parsed.level, level) << line;
  EXPECT_EQ(parsed.text, text) << line;
}

TEST(LogLineTest, ReadsTheRuntimesForm) {
  expect("ERROR: [model.cc:12] too large", LogLevel::error, "too large");
  expect("WARNING: no location", LogLevel::warning, "no location");
  expect("VERBOSE: [a.cc:1] quiet", LogLevel::verbose, "quiet");
  expect("INFO: ", LogLevel::info, "");
}

TEST(LogLineTest, ReadsAbseilsForm) {
  expect("E0000 00:00:1795.68   138 delegate_webgpu.cc:736] No adapter: INTERNAL", LogLevel::error,
         "No adapter: INTERNAL");
  expect("I1231 23:59:59.99 1 environment.cc:532] Selected adapter", LogLevel::info, "Selected adapter");
  expect("E00 no date] text", LogLevel::error, "E00 no date] text");
  expect("X0000 a] text", LogLevel::error, "X0000 a] text");
}

TEST(LogLineTest, ReadsDawnsForm) {
  expect("Warning: vkCreateInstance: Found no drivers!", LogLevel::warning, "vkCreateInstance: Found no drivers!");
  expect("Error: lost", LogLevel::error, "lost");
}

TEST(LogLineTest, LeavesOutWhatTellsNothing) {
  for (const std::string_view line : {"    at CheckVkSuccessImpl (third_party/dawn/src/VulkanError.cpp:106)",
                                      "=== Source Location Trace: ===", "third_party/odml/delegate_webgpu.cc:432",
                                      "WARNING: Logging before InitGoogle() is written to STDERR"}) {
    expect(line, LogLevel::verbose, "");
  }
}

TEST(LogLineTest, TakesUnknownFormsForErrors) { expect("f", LogLevel::error, "f"); }

}  // namespace
}  // namespace zerolite::tests
