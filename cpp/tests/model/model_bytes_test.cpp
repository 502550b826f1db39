#include "zerolite/model/model_bytes.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <span>
#include <vector>

#include "support/temporary_directory.hpp"
#include "zerolite/platform/aligned_buffer.hpp"
#include "zerolite/platform/error.hpp"

namespace zerolite::tests {
namespace {

using testing::HasSubstr;

std::vector<std::byte> some_bytes(std::size_t size) {
  std::vector<std::byte> bytes(size);
  for (std::size_t i = 0; i < size; ++i) bytes[i] = static_cast<std::byte>(i * 7 % 251);
  return bytes;
}

bool equals(const ModelBytes& bytes, const std::vector<std::byte>& expected) {
  return std::ranges::equal(bytes.span(), expected);
}

// The error number that reading the path fails with; 0 when it does not.
int error_of_reading(const std::filesystem::path& path) {
  try {
    (void)ModelBytes::read(path);
  } catch (const FileError& error) {
    EXPECT_EQ(error.path(), path.string());
    EXPECT_THAT(error.what(), HasSubstr(path.string()));
    return error.error_number();
  }
  return 0;
}

TEST(ModelBytesTest, ReadsAFile) {
  const TemporaryDirectory directory;
  const std::vector<std::byte> content = some_bytes(100'003);
  const std::filesystem::path path = directory.write("größe 'x'.tflite", content);
  const std::shared_ptr<ModelBytes> bytes = ModelBytes::read(path);
  EXPECT_TRUE(equals(*bytes, content));
  EXPECT_EQ(bytes->name(), path.string());
  // Constant tensors are used where they lie.
  EXPECT_TRUE(is_aligned(bytes->span().data()));
}

TEST(ModelBytesTest, FollowsASymbolicLink) {
  const TemporaryDirectory directory;
  const std::vector<std::byte> content = some_bytes(10);
  std::filesystem::create_symlink(directory.write("model", content), directory.path() / "link");
  EXPECT_TRUE(equals(*ModelBytes::read(directory.path() / "link"), content));
}

TEST(ModelBytesTest, CopiesBytes) {
  std::vector<std::byte> content = some_bytes(100);
  const std::vector<std::byte> original = content;
  const std::shared_ptr<ModelBytes> bytes = ModelBytes::copy(content, "the model in memory");
  std::ranges::fill(content, std::byte{0});
  EXPECT_TRUE(equals(*bytes, original));
  EXPECT_TRUE(is_aligned(bytes->span().data()));
  EXPECT_EQ(bytes->name(), "the model in memory");
}

TEST(ModelBytesTest, SaysWhatTheSystemRefuses) {
  const TemporaryDirectory directory;
  EXPECT_EQ(error_of_reading(directory.path() / "missing"), ENOENT);
  EXPECT_EQ(error_of_reading(directory.path()), EISDIR);
  EXPECT_EQ(error_of_reading(directory.write("file", some_bytes(1)) / "below"), ENOTDIR);
  EXPECT_EQ(error_of_reading(directory.path() / std::string(300, 'x')), ENAMETOOLONG);
  EXPECT_EQ(error_of_reading(""), ENOENT);
}

TEST(ModelBytesTest, SaysThatAFileMayNotBeRead) {
  if (::geteuid() == 0) GTEST_SKIP() << "root may read every file";
  const TemporaryDirectory directory;
  const std::filesystem::path path = directory.write("secret", some_bytes(1));
  std::filesystem::permissions(path, std::filesystem::perms::none);
  EXPECT_EQ(error_of_reading(path), EACCES);
}

TEST(ModelBytesTest, RefusesAFifoWithoutWaiting) {
  const TemporaryDirectory directory;
  const std::filesystem::path path = directory.path() / "fifo";
  ASSERT_EQ(::mkfifo(path.c_str(), S_IRUSR | S_IWUSR), 0);
  EXPECT_EQ(error_of_reading(path), EINVAL);
}

TEST(ModelBytesTest, RefusesADevice) { EXPECT_EQ(error_of_reading("/dev/null"), EINVAL); }

TEST(ModelBytesTest, RefusesNothing) {
  const TemporaryDirectory directory;
  const std::filesystem::path path = directory.write("empty.tflite", {});
  EXPECT_THROW((void)ModelBytes::read(path), InvalidModelError);
  EXPECT_THROW((void)ModelBytes::copy({}, "model"), InvalidModelError);
}

TEST(ModelBytesTest, IsUntouchedByWhatHappensToTheFileLater) {
  const TemporaryDirectory directory;
  const std::vector<std::byte> content = some_bytes(50'000);
  const std::filesystem::path path = directory.write("model", content);
  const std::shared_ptr<ModelBytes> bytes = ModelBytes::read(path);
  (void)directory.write("model", std::vector<std::byte>(50'000, std::byte{0xFF}));
  EXPECT_TRUE(equals(*bytes, content));
  std::filesystem::resize_file(path, 0);
  EXPECT_TRUE(equals(*bytes, content));
  std::filesystem::remove(path);
  EXPECT_TRUE(equals(*bytes, content));
}

TEST(ModelBytesTest, MapsAFile) {
  const TemporaryDirectory directory;
  // Just one page, so that what lies behind the file is another one.
  const std::vector<std::byte> content = some_bytes(static_cast<std::size_t>(::sysconf(_SC_PAGESIZE)));
  const std::filesystem::path path = directory.write("model", content);
  const std::shared_ptr<ModelBytes> bytes = ModelBytes::read(path, FileAccess::mapped);
  EXPECT_TRUE(bytes->is_mapped());
  EXPECT_TRUE(equals(*bytes, content));
  EXPECT_TRUE(is_aligned(bytes->span().data()));
  const std::span behind(bytes->span().data() + content.size(), kReadPastEnd);
  EXPECT_TRUE(std::ranges::all_of(behind, [](std::byte byte) { return byte == std::byte{0}; }));
  std::ranges::fill(bytes->mutable_span(), std::byte{1});
  EXPECT_TRUE(equals(*ModelBytes::read(path), content));
  bytes->require_unchanged();
}

TEST(ModelBytesTest, MapsWhatIsTooLargeToCopy) {
  const TemporaryDirectory directory;
  const std::filesystem::path path = directory.write("model", some_bytes(1));
  std::filesystem::resize_file(path, ModelBytes::kLargestCopy);
  EXPECT_FALSE(ModelBytes::read(path)->is_mapped());
  std::filesystem::resize_file(path, ModelBytes::kLargestCopy + 1);
  EXPECT_TRUE(ModelBytes::read(path)->is_mapped());
  EXPECT_FALSE(ModelBytes::read(path, FileAccess::copied)->is_mapped());
}

TEST(ModelBytesTest, NoticesThatAMappedFileWasWrittenTo) {
  const TemporaryDirectory directory;
  const std::filesystem::path path = directory.write("model", some_bytes(100));
  const std::shared_ptr<ModelBytes> mapped = ModelBytes::read(path, FileAccess::mapped);
  const std::shared_ptr<ModelBytes> copied = ModelBytes::read(path, FileAccess::copied);
  std::filesystem::resize_file(path, 101);
  EXPECT_THROW(mapped->require_unchanged(), InvalidModelError);
  copied->require_unchanged();
}

TEST(ModelBytesTest, KeepsAMappedFileThatAnotherOneTookThePlaceOf) {
  const TemporaryDirectory directory;
  const std::vector<std::byte> content = some_bytes(100);
  const std::filesystem::path path = directory.write("model", content);
  const std::shared_ptr<ModelBytes> bytes = ModelBytes::read(path, FileAccess::mapped);
  std::filesystem::rename(directory.write("other", some_bytes(3)), path);
  bytes->require_unchanged();
  EXPECT_TRUE(equals(*bytes, content));
}

TEST(ModelBytesTest, ClosesTheFile) {
  const TemporaryDirectory directory;
  const std::filesystem::path path = directory.write("model", some_bytes(10));
  const auto open_files = [] {
    return std::distance(std::filesystem::directory_iterator("/proc/self/fd"), std::filesystem::directory_iterator());
  };
  const auto before = open_files();
  (void)ModelBytes::read(path);
  (void)ModelBytes::read(path, FileAccess::mapped);
  (void)error_of_reading(directory.path());
  EXPECT_EQ(open_files(), before);
}

}  // namespace
}  // namespace zerolite::tests
