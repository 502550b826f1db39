#include "zerolite/model/flatbuffer_writer.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <array>
#include <cstdint>
#include <span>
#include <string_view>
#include <vector>

#include "support/test_models.hpp"
#include "zerolite/compilation/load_model.hpp"
#include "zerolite/model/model_contents.hpp"
#include "zerolite/model/schema_fields.hpp"

namespace zerolite::tests {
namespace {

using flatbuffer::FieldKind;
using flatbuffer::NewTable;
using flatbuffer::Place;
using flatbuffer::Table;
using flatbuffer::Vector;
using flatbuffer::Writer;

constexpr std::array<std::byte, 4> kIdentifier = {std::byte{'T'}, std::byte{'E'}, std::byte{'S'}, std::byte{'T'}};

std::vector<std::byte> joined(const std::vector<std::byte>& front, std::span<const std::byte> source) {
  std::vector<std::byte> whole = front;
  whole.insert(whole.end(), source.begin(), source.end());
  return whole;
}

TEST(FlatBufferWriterTest, WritesTablesVectorsAndBytes) {
  constexpr std::array kBytes = {std::byte{1}, std::byte{2}, std::byte{3}};
  Writer writer;
  const Place data = writer.add(kBytes, 16);
  const Place child = writer.add(NewTable().set(0, std::uint8_t{7}).set(1, std::uint64_t{1} << 40U).refer(3, data));
  const std::array children = {child, child};
  const Place root = writer.add(NewTable().set(1, -3).refer(0, writer.add(children)).set(5, true));
  const std::vector<std::byte> front = writer.finish(root, kIdentifier);
  EXPECT_EQ(front.size() % 64, 0U);
  EXPECT_TRUE(std::ranges::equal(std::span(front).subspan(4, 4), kIdentifier));

  const Table table = Table::root(front);
  EXPECT_EQ(table.scalar<std::int32_t>(1, 0), -3);
  EXPECT_TRUE(table.scalar<bool>(5, false));
  EXPECT_FALSE(table.position(2).has_value());
  const Vector tables = table.tables(0);
  ASSERT_EQ(tables.size(), 2U);
  for (std::size_t i = 0; i < tables.size(); ++i) {
    EXPECT_EQ(tables.table(i).scalar<std::uint8_t>(0, 0), 7);
    EXPECT_EQ(tables.table(i).scalar<std::uint64_t>(1, 0), std::uint64_t{1} << 40U);
    // Numbers are aligned to their size, as the format asks for.
    EXPECT_EQ(tables.table(i).position(1).value_or(1) % sizeof(std::uint64_t), 0U);
    const Vector bytes = tables.table(i).scalars<std::uint8_t>(3);
    ASSERT_EQ(bytes.size(), 3U);
    EXPECT_EQ(bytes.scalar<std::uint8_t>(2), 3);
    EXPECT_EQ((tables.table(i).target(3).value_or(0) + sizeof(std::uint32_t)) % 16, 0U);
  }
}

TEST(FlatBufferWriterTest, WritesWhatIsEmpty) {
  Writer writer;
  const Place nothing = writer.add(std::span<const std::byte>(), 16);
  const Place none = writer.add(std::span<const Place>());
  const std::vector<std::byte> front = writer.finish(
      writer.add(NewTable().refer(0, nothing).refer(1, none).refer(2, writer.add(NewTable()))), kIdentifier);
  const Table root = Table::root(front);
  EXPECT_TRUE(root.scalars<std::uint8_t>(0).empty());
  EXPECT_TRUE(root.tables(1).empty());
  EXPECT_TRUE(root.table(2).has_value());
}

constexpr auto kReference = FieldKind::reference;
constexpr std::array kModelFields = {FieldKind::word, kReference, kReference, kReference,
                                     kReference,      kReference, kReference, kReference};
constexpr std::array kSubgraphFields = {kReference, kReference, kReference, kReference, kReference};
constexpr std::array kBufferFields = {kReference, FieldKind::long_word, FieldKind::long_word};

// The model with its first tables written anew.
std::vector<std::byte> rewritten(std::span<const std::byte> bytes) {
  const Table root = Table::root(bytes);
  Writer writer;
  const auto copies = [&](const Vector& tables, std::span<const FieldKind> kinds) {
    std::vector<Place> places;
    places.reserve(tables.size());
    for (std::size_t i = 0; i < tables.size(); ++i) places.push_back(writer.add(NewTable(tables.table(i), kinds)));
    return writer.add(places);
  };
  NewTable model(root, kModelFields);
  model.refer(schema::model::kSubgraphs, copies(root.tables(schema::model::kSubgraphs), kSubgraphFields));
  model.refer(schema::model::kBuffers, copies(root.tables(schema::model::kBuffers), kBufferFields));
  return joined(writer.finish(writer.add(model), bytes.subspan<4, 4>()), bytes);
}

TEST(FlatBufferWriterTest, ModelsStayWhatTheyAre) {
  for (const char* name : {"dense_2layer_int8", "small_cnn_dynamic_range", "multi_signature", "while_loop", "svdf",
                           "sparse_weights", "conditional", "string_gather"}) {
    const std::vector<std::byte> content = model_content(name);
    const std::shared_ptr<ModelBytes> copy = ModelBytes::copy(rewritten(content), name);
    const ModelContents expected = ModelContents::read(content);
    const ModelContents found = ModelContents::read(copy->span());
    EXPECT_EQ(found.description, expected.description) << name;
    ASSERT_EQ(found.subgraphs.size(), expected.subgraphs.size()) << name;
    for (std::size_t i = 0; i < found.subgraphs.size(); ++i) {
      const std::vector<TensorDetails>& tensors = found.subgraphs[i].tensors;
      ASSERT_EQ(tensors.size(), expected.subgraphs[i].tensors.size()) << name;
      for (std::size_t j = 0; j < tensors.size(); ++j) {
        EXPECT_TRUE(std::ranges::equal(tensors[j].constant, expected.subgraphs[i].tensors[j].constant)) << name;
        EXPECT_EQ(tensors[j].scales, expected.subgraphs[i].tensors[j].scales) << name;
      }
      EXPECT_EQ(found.subgraphs[i].operators.size(), expected.subgraphs[i].operators.size()) << name;
    }
    EXPECT_EQ(found.metadata.size(), expected.metadata.size()) << name;
    const std::shared_ptr<const Model> model = load_model(copy, Verification::full);
    EXPECT_EQ(model->interface().signatures.size(), read_model(name)->interface().signatures.size()) << name;
  }
}

TEST(FlatBufferWriterTest, LeavesTheSourceUntouched) {
  const std::vector<std::byte> content = model_content("dense_2layer");
  const std::vector<std::byte> whole = rewritten(content);
  EXPECT_TRUE(std::ranges::equal(std::span(whole).last(content.size()), content));
  EXPECT_EQ((whole.size() - content.size()) % 64, 0U);
}

}  // namespace
}  // namespace zerolite::tests
