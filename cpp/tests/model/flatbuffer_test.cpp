#include "zerolite/model/flatbuffer.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdint>
#include <limits>
#include <string>
#include <vector>

#include "zerolite/platform/error.hpp"

namespace zerolite::tests {
namespace {

using flatbuffer::Table;
using flatbuffer::Vector;

class Bytes {
 public:
  template <typename Scalar>
  Bytes& put(Scalar value) {
    const auto* begin = reinterpret_cast<const std::byte*>(&value);
    bytes_.insert(bytes_.end(), begin, begin + sizeof(value));
    return *this;
  }
  template <typename Scalar>
  Bytes& set(std::size_t position, Scalar value) {
    std::memcpy(bytes_.data() + position, &value, sizeof(value));
    return *this;
  }
  Bytes& resize(std::size_t size) {
    bytes_.resize(size);
    bytes_.shrink_to_fit();  // AddressSanitizer guards what follows
    return *this;
  }
  [[nodiscard]] std::span<const std::byte> span() const { return bytes_; }
  [[nodiscard]] std::size_t size() const { return bytes_.size(); }

 private:
  std::vector<std::byte> bytes_;
};

constexpr unsigned kScalar = 0;
constexpr unsigned kAbsent = 1;
constexpr unsigned kNumbers = 2;
constexpr unsigned kTables = 3;
constexpr unsigned kString = 4;
constexpr std::size_t kFieldOffsets = 4;
constexpr std::size_t kTable = 18;
constexpr std::size_t kNumbersAt = 38;
constexpr std::size_t kTablesAt = 50;
constexpr std::size_t kStringAt = 58;

// A table with a number, a field that is not there, a vector of numbers, a vector with another table, and a string.
Bytes example() {
  Bytes bytes;
  bytes.put<std::uint32_t>(kTable);
  bytes.put<std::uint16_t>(14).put<std::uint16_t>(20);  // sizes of the field offsets and of the table
  bytes.put<std::uint16_t>(4).put<std::uint16_t>(0).put<std::uint16_t>(8).put<std::uint16_t>(12);
  bytes.put<std::uint16_t>(16);
  bytes.put<std::int32_t>(kTable - kFieldOffsets).put<std::int32_t>(-77);
  bytes.put<std::uint32_t>(kNumbersAt - (kTable + 8));
  bytes.put<std::uint32_t>(kTablesAt - (kTable + 12));
  bytes.put<std::uint32_t>(kStringAt - (kTable + 16));
  bytes.put<std::uint32_t>(2).put<std::int32_t>(10).put<std::int32_t>(20);
  // Offsets lead forward only, so the table in the vector comes last.
  bytes.put<std::uint32_t>(1).put<std::uint32_t>(12);
  bytes.put<std::uint32_t>(3).put('a').put('b').put('c').put('\0');
  // It has the field offsets of the first, of whose fields only the number is in the file.
  bytes.put<std::int32_t>(static_cast<std::int32_t>(bytes.size()) - static_cast<std::int32_t>(kFieldOffsets));
  bytes.put<std::int32_t>(99);
  return bytes;
}

TEST(FlatbufferTest, ReadsEveryKindOfField) {
  const Bytes bytes = example();
  const Table table = Table::root(bytes.span());
  EXPECT_EQ(table.scalar<std::int32_t>(kScalar, 5), -77);
  EXPECT_EQ(table.position(kScalar), kTable + 4);
  EXPECT_EQ(table.string(kString), "abc");
  const Vector numbers = table.scalars<std::int32_t>(kNumbers);
  ASSERT_EQ(numbers.size(), 2U);
  EXPECT_EQ(numbers.scalar<std::int32_t>(1), 20);
  EXPECT_EQ(table.vector_position(kNumbers), kNumbersAt);
  const Vector tables = table.tables(kTables);
  ASSERT_EQ(tables.size(), 1U);
  EXPECT_EQ(tables.table(0).scalar<std::int32_t>(kScalar, 5), 99);
}

TEST(FlatbufferTest, FieldsThatAreNotThereHaveDefaults) {
  const Bytes bytes = example();
  const Table table = Table::root(bytes.span());
  for (const unsigned field : {kAbsent, 5U, 1000U, std::numeric_limits<unsigned>::max()}) {
    EXPECT_EQ(table.scalar<std::int32_t>(field, 5), 5);
    EXPECT_EQ(table.position(field), std::nullopt);
    EXPECT_EQ(table.vector_position(field), std::nullopt);
    EXPECT_EQ(table.string(field), "");
    EXPECT_TRUE(table.tables(field).empty());
    EXPECT_TRUE(table.scalars<std::int32_t>(field).empty());
  }
}

// Reads all there is.
void read_everything(std::span<const std::byte> bytes) {
  const Table table = Table::root(bytes);
  (void)table.scalar<std::int32_t>(kScalar, 0);
  (void)table.string(kString);
  (void)table.vector_position(kNumbers);
  const Vector numbers = table.scalars<std::int32_t>(kNumbers);
  for (std::size_t i = 0; i < numbers.size(); ++i) (void)numbers.scalar<std::int32_t>(i);
  const Vector tables = table.tables(kTables);
  for (std::size_t i = 0; i < tables.size(); ++i) (void)tables.table(i).scalar<std::int32_t>(kScalar, 0);
}

TEST(FlatbufferTest, RefusesEveryTruncation) {
  const std::size_t whole = example().size();
  EXPECT_NO_THROW(read_everything(example().span()));
  for (std::size_t size = 0; size < whole; ++size) {
    EXPECT_THROW(read_everything(example().resize(size).span()), InvalidModelError) << size;
  }
}

TEST(FlatbufferTest, ReadsNothingOutsideWhateverABitSays) {
  const std::size_t whole = example().size();
  for (std::size_t position = 0; position < whole; ++position) {
    for (unsigned value = 0; value < 256; ++value) {
      const Bytes bytes = example().set(position, static_cast<std::uint8_t>(value)).resize(whole);
      try {
        read_everything(bytes.span());
      } catch (const InvalidModelError&) {
        continue;  // AddressSanitizer judges the rest
      }
    }
  }
}

struct Damage {
  const char* name;
  std::size_t position;
  std::uint32_t value;
};

class DamagedFlatbuffer : public testing::TestWithParam<Damage> {};

TEST_P(DamagedFlatbuffer, IsRefused) {
  const Bytes bytes = example().set(GetParam().position, GetParam().value).resize(example().size());
  EXPECT_THROW(read_everything(bytes.span()), InvalidModelError);
}

constexpr std::uint32_t kHighest = std::numeric_limits<std::uint32_t>::max();

INSTANTIATE_TEST_SUITE_P(
    Offsets, DamagedFlatbuffer,
    testing::Values(Damage{"root_outside", 0, 1000}, Damage{"root_at_the_very_end", 0, kHighest},
                    Damage{"fields_before_the_file", kTable, 1000},
                    Damage{"fields_behind_the_file", kTable, 0x80000000},
                    Damage{"fields_at_the_end", kTable, kHighest - 100}, Damage{"vector_outside", kTable + 8, 1000},
                    Damage{"vector_far_outside", kTable + 8, kHighest}, Damage{"vector_one_too_long", kNumbersAt, 9},
                    Damage{"vector_far_too_long", kNumbersAt, kHighest},
                    Damage{"vector_size_that_wraps_around", kNumbersAt, 0x40000001},
                    Damage{"table_of_vector_outside", kTablesAt + 4, 1000}, Damage{"string_outside", kTable + 16, 1000},
                    Damage{"string_too_long", kStringAt, 1000}, Damage{"string_far_too_long", kStringAt, kHighest}),
    [](const auto& damage) { return std::string(damage.param.name); });

TEST(FlatbufferTest, FieldOffsetsTooShortForAFieldHoldNone) {
  for (std::uint16_t size = 0; size < 6; ++size) {
    const Bytes bytes = example().set(kFieldOffsets, size);
    EXPECT_EQ(Table::root(bytes.span()).scalar<std::int32_t>(kScalar, 5), 5) << size;
  }
}

TEST(FlatbufferTest, AFieldOutsideTheFileIsRefusedWhenItIsRead) {
  const Bytes bytes = example().set<std::uint16_t>(kFieldOffsets + 4, 60000);
  const Table table = Table::root(bytes.span());
  EXPECT_THROW((void)table.scalar<std::int32_t>(kScalar, 0), InvalidModelError);
  EXPECT_THROW((void)table.scalars<std::int32_t>(kScalar), InvalidModelError);
  EXPECT_THROW((void)table.vector_position(kScalar), InvalidModelError);
  EXPECT_THROW((void)table.string(kScalar), InvalidModelError);
}

}  // namespace
}  // namespace zerolite::tests
