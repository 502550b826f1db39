#include "zerolite/model/signature_order.hpp"

#include <algorithm>
#include <charconv>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "zerolite/model/flatbuffer.hpp"
#include "zerolite/model/schema_fields.hpp"

namespace zerolite {
namespace {

using flatbuffer::Table;
using flatbuffer::Vector;
using Names = std::vector<std::string_view>;

struct Order {
  Names inputs;
  Names outputs;
};

std::optional<unsigned> number(std::string_view text) {
  unsigned value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return value;
}

// The strings of the entry, one after another.
class Words {
 public:
  explicit Words(std::string_view text) : rest_(text) {}

  [[nodiscard]] bool at_end() const { return rest_.empty(); }
  std::optional<std::string_view> next() {
    const std::size_t end = rest_.find('\0');
    if (end == std::string_view::npos) return std::nullopt;
    const std::string_view word = rest_.substr(0, end);
    rest_.remove_prefix(end + 1);
    return word;
  }
  std::optional<Names> next_list() {
    const std::optional<std::string_view> word = next();
    const std::optional<unsigned> count = word ? number(*word) : std::nullopt;
    if (!count || *count > rest_.size()) return std::nullopt;  // each takes a byte at least
    Names names;
    for (unsigned i = 0; i < *count; ++i) {
      const std::optional<std::string_view> name = next();
      if (!name) return std::nullopt;
      names.push_back(*name);
    }
    return names;
  }

 private:
  std::string_view rest_;
};

// By signature; empty when the entry is not what it should be.
std::map<std::string_view, Order> parse(std::string_view text) {
  std::map<std::string_view, Order> orders;
  for (Words words(text); !words.at_end();) {
    const std::optional<std::string_view> key = words.next();
    std::optional<Names> inputs = key ? words.next_list() : std::nullopt;
    std::optional<Names> outputs = inputs ? words.next_list() : std::nullopt;
    if (!outputs) return {};
    orders.try_emplace(*key, Order{std::move(*inputs), std::move(*outputs)});
  }
  return orders;
}

std::string_view entry(std::span<const std::byte> bytes) {
  const Table root = Table::root(bytes);
  const Vector entries = root.tables(schema::model::kMetadata);
  for (std::size_t i = 0; i < entries.size(); ++i) {
    const Table table = entries.table(i);
    if (table.string(schema::metadata::kName) != kSignatureOrder) continue;
    const Vector buffers = root.tables(schema::model::kBuffers);
    const auto index = table.scalar<std::uint32_t>(schema::metadata::kBuffer, 0);
    if (index >= buffers.size()) return {};
    const Table buffer = buffers.table(index);
    const std::optional<std::size_t> position = buffer.vector_position(schema::buffer::kData);
    if (!position) return {};
    const std::size_t size = buffer.scalars<std::uint8_t>(schema::buffer::kData).size();
    return {reinterpret_cast<const char*>(bytes.data()) + *position + sizeof(std::uint32_t), size};
  }
  return {};
}

// False, and then nothing has happened, where the names are others.
bool put_in_order(std::vector<NamedTensor>& tensors, const Names& names) {
  if (tensors.size() != names.size()) return false;
  std::map<std::string_view, std::size_t> places;
  for (std::size_t i = 0; i < names.size(); ++i) places.try_emplace(names[i], i);
  if (places.size() != names.size()) return false;
  if (!std::ranges::all_of(tensors, [&](const NamedTensor& one) { return places.contains(one.name); })) return false;
  std::ranges::sort(tensors, {}, [&](const NamedTensor& one) { return places.find(one.name)->second; });
  return true;
}

// TensorFlow numbers what has a position and no name: "args_0", "args_1", "output_0", "output_1".
bool put_in_numbered_order(std::vector<NamedTensor>& tensors, std::string_view prefix) {
  std::map<unsigned, std::string_view> numbered;
  for (const NamedTensor& tensor : tensors) {
    const std::string_view name = tensor.name;
    if (!name.starts_with(prefix)) return false;
    const std::optional<unsigned> place = number(name.substr(prefix.size()));
    if (!place || !numbered.try_emplace(*place, name).second) return false;
  }
  Names names;
  for (const auto& [place, name] : numbered) names.push_back(name);
  // The names are views of the strings that are moved about.
  const std::vector<std::string> kept(names.begin(), names.end());
  return put_in_order(tensors, Names(kept.begin(), kept.end()));
}

// What TensorFlow's converter calls the inputs of a SavedModel's signature.
bool is_of_saved_model(const NamedTensor& input, const SubgraphDescription& subgraph, const std::string& key) {
  const std::string& name = subgraph.tensors[static_cast<std::size_t>(input.tensor_index)].name;
  return name.starts_with(key + "_") && name.find(":0") != std::string::npos;
}

}  // namespace

void apply_source_order(std::span<const std::byte> bytes, ModelInterface& model, bool is_signed) {
  const std::map<std::string_view, Order> orders = parse(entry(bytes));
  for (SignatureDescription& signature : model.signatures) {
    const auto told = orders.find(signature.key);
    if (told == orders.end() || !put_in_order(signature.outputs, told->second.outputs)) {
      (void)put_in_numbered_order(signature.outputs, "output_");
    }
    if (told != orders.end() && put_in_order(signature.inputs, told->second.inputs)) continue;
    if (put_in_numbered_order(signature.inputs, "args_")) continue;
    const std::string key = is_signed ? signature.key : "serving_default";
    const SubgraphDescription& subgraph = model.subgraphs[signature.subgraph];
    signature.inputs_in_doubt =
        signature.inputs.size() > 1 && std::ranges::any_of(signature.inputs, [&](const NamedTensor& input) {
          return is_of_saved_model(input, subgraph, key);
        });
  }
}

}  // namespace zerolite
