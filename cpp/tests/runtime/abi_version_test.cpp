#include "zerolite/runtime/abi_version.hpp"

#include <gtest/gtest.h>

#include <set>
#include <string>

namespace zerolite::tests {
namespace {

using abi::AbiVersion;

TEST(AbiVersionTest, ReadsThreeNumbers) {
  EXPECT_EQ(parse_abi_version("1.5.0"), (AbiVersion{1, 5, 0}));
  EXPECT_EQ(parse_abi_version("10.20.30"), (AbiVersion{10, 20, 30}));
  EXPECT_EQ(parse_abi_version("1.5.0-rc1"), (AbiVersion{1, 5, 0}));
  EXPECT_EQ(parse_abi_version("1.5.0+build"), (AbiVersion{1, 5, 0}));
}

TEST(AbiVersionTest, RefusesWhatIsNone) {
  for (const char* text : {"", "1", "1.5", "1.5.", "1.5.x", "x1.5.0", "1..0", "-1.5.0", "1.-5.0", "1.5.0.1", "1.5.0 ",
                           "99999999999.0.0", "v1.5.0"}) {
    EXPECT_EQ(parse_abi_version(text), std::nullopt) << text;
  }
}

TEST(AbiVersionTest, ThePatchDoesNotTellASeries) {
  for (const abi::Series& series : abi::kSeries) {
    EXPECT_EQ(series_of(series.abi), &series);
    EXPECT_EQ(series_of({series.abi.major, series.abi.minor, 99}), &series);
    EXPECT_FALSE(is_newer_than_known(series.abi));
  }
}

TEST(AbiVersionTest, TellsNewerFromOther) {
  const AbiVersion newest = abi::kSeries.back().abi;
  for (const AbiVersion& later : {AbiVersion{newest.major, newest.minor + 1, 0}, AbiVersion{newest.major + 1, 0, 0}}) {
    EXPECT_EQ(series_of(later), nullptr);
    EXPECT_TRUE(is_newer_than_known(later));
  }
  EXPECT_EQ(series_of({newest.major, newest.minor - 1, 0}), nullptr);
  EXPECT_FALSE(is_newer_than_known({newest.major, newest.minor - 1, 0}));
}

TEST(AbiVersionTest, TheTableHasEachSeriesOnceAndInOrder) {
  std::set<std::string_view> names;
  AbiVersion last{-1, 0, 0};
  for (const abi::Series& series : abi::kSeries) {
    names.insert(series.name);
    EXPECT_LT(last, series.abi);
    last = series.abi;
  }
  EXPECT_EQ(names.size(), abi::kSeries.size());
  EXPECT_EQ(known_series(), "2.3 and 2.4");
}

}  // namespace
}  // namespace zerolite::tests
