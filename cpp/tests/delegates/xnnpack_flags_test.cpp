#include "zerolite/delegates/xnnpack_flags.hpp"

#include <gtest/gtest.h>

#include <array>
#include <bit>
#include <string>
#include <vector>

#include "zerolite/platform/error.hpp"

namespace zerolite {
namespace {

std::uint32_t bits_of(const std::vector<std::string>& names) { return xnnpack_flags(names); }

TEST(XnnpackFlags, AreTheLibrarysBits) {
  EXPECT_EQ(bits_of({}), 0U);
  EXPECT_EQ(bits_of({"qs8", "qu8", "force_fp16"}), 1U | 2U | 4U);
  EXPECT_EQ(bits_of({"qu8", "qu8"}), 2U);
  EXPECT_EQ(bits_of({"disable_subgraph_reshaping", "disable_dynamically_quantized_ops"}), 0x400U | 0x800U);
}

TEST(XnnpackFlags, DefaultsAreThoseOfTheLibrary) {
  std::vector<std::string> names;
  for (const NamedXnnpackFlag& known : known_xnnpack_flags()) {
    if (known.is_default) names.emplace_back(known.name);
  }
  EXPECT_EQ(bits_of(names), 3U);
}

TEST(XnnpackFlags, EachIsABitOfItsOwn) {
  std::uint32_t all = 0;
  for (const NamedXnnpackFlag& known : known_xnnpack_flags()) all |= bits_of({std::string(known.name)});
  EXPECT_EQ(static_cast<std::size_t>(std::popcount(all)), known_xnnpack_flags().size());
}

TEST(XnnpackFlags, UnknownNameIsRefused) {
  EXPECT_THROW(bits_of({"qs8", "fp16"}), ValueError);
  EXPECT_THROW(bits_of({""}), ValueError);
}

TEST(XnnpackFlags, NothingChosenStandsForTheDefaults) {
  EXPECT_FALSE(is_chosen(std::nullopt, XnnpackFlag::force_fp16));
  EXPECT_FALSE(is_chosen(3U, XnnpackFlag::force_fp16));
  EXPECT_TRUE(is_chosen(7U, XnnpackFlag::force_fp16));
}

}  // namespace
}  // namespace zerolite
