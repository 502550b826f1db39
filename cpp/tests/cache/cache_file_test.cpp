#include "zerolite/cache/cache_file.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>
#include <iterator>

#include "support/temporary_directory.hpp"
#include "zerolite/platform/error.hpp"

namespace zerolite::tests {
namespace {

using testing::Optional;

constexpr Digest kKey = {1, 2};

FileContent abc() { return {'a', 'b', 'c'}; }

TEST(CacheFileTest, IsBelievedForItsKeyAndContentAlone) {
  const TemporaryDirectory directory;
  const std::filesystem::path path = directory.path() / "file";
  EXPECT_EQ(read_checksummed(path, kKey), std::nullopt);
  write_checksummed(path, kKey, abc());
  EXPECT_THAT(read_checksummed(path, kKey), Optional(abc()));
  EXPECT_EQ(read_checksummed(path, {1, 3}), std::nullopt);

  const FileContent sound = *read_file(path);
  const auto write = [&](const FileContent& content) {
    std::ofstream(path, std::ios::binary).write(content.data(), static_cast<std::streamsize>(content.size()));
  };
  for (std::size_t position = 0; position < sound.size(); ++position) {
    FileContent damaged = sound;
    ++damaged[position];
    write(damaged);
    EXPECT_EQ(read_checksummed(path, kKey), std::nullopt) << position;
    write({sound.begin(), sound.begin() + static_cast<std::ptrdiff_t>(position)});
    EXPECT_EQ(read_checksummed(path, kKey), std::nullopt) << position;
  }
  write_checksummed(path, kKey, {});
  EXPECT_THAT(read_checksummed(path, kKey), Optional(FileContent()));
}

TEST(CacheFileTest, IsReplacedAsAWhole) {
  const TemporaryDirectory directory;
  const std::filesystem::path path = directory.path() / "file";
  write_checksummed(path, kKey, abc());
  {
    Replacement given_up(path);
    given_up.write(std::as_bytes(std::span("half of it")));
  }
  EXPECT_THAT(read_checksummed(path, kKey), Optional(abc()));
  EXPECT_EQ(std::distance(std::filesystem::directory_iterator(directory.path()), {}), 1);
  EXPECT_THROW(write_checksummed(path / "below", kKey, abc()), FileError);
}

}  // namespace
}  // namespace zerolite::tests
