// What the settings of GPUs and NPUs become for the runtime.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <limits>

#include "zerolite/delegates/gpu_delegate.hpp"
#include "zerolite/delegates/npu_delegate.hpp"

namespace zerolite {
namespace {

using testing::ElementsAre;
using testing::Pair;

TEST(GpuSettings, BecomeNumbers) {
  EXPECT_THAT(GpuSettings{}.options(), ElementsAre(Pair("precision", "0"), Pair("buffer_storage_type", "0"),
                                                   Pair("priority", "2"), Pair("wait_type", "0")));
  GpuSettings settings;
  settings.precision = GpuPrecision::fp16_fp32_accumulation;
  settings.storage = GpuStorage::buffer;
  settings.priority = GpuPriority::low;
  settings.wait_type = GpuWaitType::active;
  settings.device = "nvidia";
  EXPECT_THAT(settings.options(),
              ElementsAre(Pair("precision", "3"), Pair("buffer_storage_type", "1"), Pair("priority", "1"),
                          Pair("wait_type", "2"), Pair("preferred_device_substr", "\"nvidia\"")));
}

TEST(GpuSettings, ShareADeviceWhereTheAcceleratorWouldChooseTheSame) {
  GpuSettings settings;
  settings.library = "libWebGpu.so";
  settings.device = "NVIDIA";
  GpuSettings other = settings;
  other.device = "nvidia";
  other.precision = GpuPrecision::fp32;
  EXPECT_EQ(settings.device_key(), other.device_key());
  other.priority = GpuPriority::low;
  EXPECT_NE(settings.device_key(), other.device_key());
  other = settings;
  other.library = "libOpenCl.so";
  EXPECT_NE(settings.device_key(), other.device_key());
}

TEST(NpuSettings, OptionsBecomeToml) {
  NpuSettings settings;
  settings.options = {{"speed", std::int64_t{3}},
                      {"mode", "a b"},
                      {"eager", true},
                      {"lazy", false},
                      {"ratio", 0.5},
                      {"whole", 2.0},
                      {"tiny", 1e-20},
                      {"least", std::int64_t{-1}},
                      {"endless", std::numeric_limits<double>::infinity()}};
  EXPECT_THAT(settings.toml_options(), ElementsAre(Pair("speed", "3"), Pair("mode", "\"a b\""), Pair("eager", "true"),
                                                   Pair("lazy", "false"), Pair("ratio", "0.5"), Pair("whole", "2.0"),
                                                   Pair("tiny", "1e-20"), Pair("least", "-1"), Pair("endless", "inf")));
}

}  // namespace
}  // namespace zerolite
