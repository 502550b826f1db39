#include "zerolite/model/submodel.hpp"

#include <algorithm>
#include <optional>

#include "zerolite/model/flatbuffer.hpp"
#include "zerolite/model/flatbuffer_writer.hpp"
#include "zerolite/model/schema_fields.hpp"
#include "zerolite/platform/error.hpp"

namespace zerolite {
namespace {

using flatbuffer::NewTable;
using flatbuffer::Place;
using flatbuffer::Table;
using flatbuffer::Vector;

class SubmodelWriter {
 public:
  SubmodelWriter(std::span<const std::byte> model, const GraphPart& part)
      : bytes_(model),
        part_(part),
        root_(Table::root(model)),
        subgraph_(table(root_.tables(schema::model::kSubgraphs), part.subgraph, "subgraph")),
        tensors_(subgraph_.tables(schema::subgraph::kTensors)),
        operators_(subgraph_.tables(schema::subgraph::kOperators)),
        buffers_(root_.tables(schema::model::kBuffers)),
        codes_(root_.tables(schema::model::kOperatorCodes)),
        uses_tensor_(tensors_.size()),
        uses_buffer_(buffers_.size()),
        uses_code_(codes_.size()) {}

  std::vector<std::byte> write() {
    find_what_is_used();
    const std::vector<Place> subgraphs = {new_subgraph()};
    NewTable model(root_, schema::written::kModel);
    model.remove(schema::model::kSignatures).remove(schema::model::kMetadata).remove(schema::model::kMetadataBuffer);
    model.refer(schema::model::kSubgraphs, writer_.add(subgraphs))
        .refer(schema::model::kBuffers, writer_.add(new_buffers()))
        .refer(schema::model::kOperatorCodes, writer_.add(new_codes()));
    constexpr std::size_t kIdentifier = 4;
    flatbuffer::require(bytes_, kIdentifier, kIdentifier);
    return writer_.finish(writer_.add(model), bytes_.subspan<kIdentifier, kIdentifier>());
  }

 private:
  static Table table(const Vector& tables, std::size_t index, const char* what) {
    if (index >= tables.size()) {
      throw InvalidModelError(std::string("it has no ") + what + " " + std::to_string(index));
    }
    return tables.table(index);
  }

  void find_what_is_used() {
    for (const std::size_t index : part_.operators) {
      const Table operation = table(operators_, index, "operator");
      const std::size_t code = operation.scalar<std::uint32_t>(schema::operation::kOperatorCode, 0);
      (void)table(codes_, code, "operator code");
      uses_code_[code] = true;
      for (const unsigned field :
           {schema::operation::kInputs, schema::operation::kOutputs, schema::operation::kIntermediates}) {
        const Vector operands = operation.scalars<std::int32_t>(field);
        for (std::size_t i = 0; i < operands.size(); ++i) use_tensor(operands.scalar<std::int32_t>(i));
      }
    }
    for (const auto* tensors : {&part_.inputs, &part_.outputs}) {
      for (const std::int32_t tensor : *tensors) use_tensor(tensor);
    }
  }

  // A negative index is that of an operand which is left out.
  void use_tensor(std::int32_t index) {
    if (index < 0) return;
    const auto position = static_cast<std::size_t>(index);
    const Table tensor = table(tensors_, position, "tensor");
    if (uses_tensor_[position]) return;
    uses_tensor_[position] = true;
    const std::size_t buffer = tensor.scalar<std::uint32_t>(schema::tensor::kBuffer, 0);
    if (buffer != 0) (void)table(buffers_, buffer, "buffer");  // the one without content may be missing
    if (buffer < uses_buffer_.size()) uses_buffer_[buffer] = true;
    use_scales(tensor);
  }

  // Scales of blocks are other tensors.
  void use_scales(const Table& tensor) {
    const std::optional<Table> quantization = tensor.table(schema::tensor::kQuantization);
    if (!quantization || quantization->scalar<std::uint8_t>(schema::quantization::kDetailsType, 0) !=
                             schema::quantization_details::kBlockwise) {
      return;
    }
    const std::optional<Table> blockwise = quantization->table(schema::quantization::kDetails);
    if (!blockwise) return;
    use_tensor(blockwise->scalar<std::int32_t>(schema::blockwise_quantization::kScales, -1));
    use_tensor(blockwise->scalar<std::int32_t>(schema::blockwise_quantization::kZeroPoints, -1));
  }

  Place new_subgraph() {
    std::vector<Place> tensors;
    std::vector<Place> operators;
    const Place unused = writer_.add(
        NewTable().set(schema::tensor::kHasRank, std::uint8_t{1}).refer(schema::tensor::kName, writer_.add("unused")));
    for (std::size_t i = 0; i < tensors_.size(); ++i) {
      if (!uses_tensor_[i]) {
        tensors.push_back(unused);
        continue;
      }
      NewTable tensor(tensors_.table(i), schema::written::kTensor);
      tensor.refer(schema::tensor::kName, writer_.add(name_of_tensor(static_cast<std::int32_t>(i))));
      tensors.push_back(writer_.add(tensor));
    }
    operators.reserve(part_.operators.size());
    for (const std::size_t index : part_.operators) {
      operators.push_back(flatbuffer::place_in_source(operators_.target(index)));
    }
    NewTable subgraph(subgraph_, schema::written::kSubgraph);
    subgraph.refer(schema::subgraph::kTensors, writer_.add(tensors))
        .refer(schema::subgraph::kOperators, writer_.add(operators))
        .refer(schema::subgraph::kInputs, writer_.add(part_.inputs))
        .refer(schema::subgraph::kOutputs, writer_.add(part_.outputs));
    return writer_.add(subgraph);
  }

  std::vector<Place> new_buffers() {
    std::vector<Place> places;
    const Place empty = writer_.add(NewTable());
    places.reserve(buffers_.size());
    for (std::size_t i = 0; i < buffers_.size(); ++i) places.push_back(uses_buffer_[i] ? new_buffer(i) : empty);
    return places;
  }

  // Content behind the FlatBuffer is named by its distance from the first byte of the file, which is another one now.
  Place new_buffer(std::size_t index) {
    constexpr std::size_t kAlignment = 16;  // which the schema asks for
    const Table buffer = buffers_.table(index);
    const auto offset = buffer.scalar<std::uint64_t>(schema::buffer::kOffset, 0);
    const auto size = buffer.scalar<std::uint64_t>(schema::buffer::kSize, 0);
    if (offset <= 1) return flatbuffer::place_in_source(buffers_.target(index));
    if (offset > bytes_.size() || size > bytes_.size() - offset) {
      throw InvalidModelError("it has no content for buffer " + std::to_string(index));
    }
    const Place content =
        writer_.add(bytes_.subspan(static_cast<std::size_t>(offset), static_cast<std::size_t>(size)), kAlignment);
    return writer_.add(NewTable().refer(schema::buffer::kData, content));
  }

  // A code that is not used could name an operator that nothing knows.
  std::vector<Place> new_codes() {
    std::vector<Place> places;
    places.reserve(codes_.size());
    const auto used = std::ranges::find(uses_code_, true);
    const auto first = static_cast<std::size_t>(used - uses_code_.begin());
    for (std::size_t i = 0; i < codes_.size(); ++i) {
      places.push_back(
          flatbuffer::place_in_source(codes_.target(uses_code_[i] || used == uses_code_.end() ? i : first)));
    }
    return places;
  }

  std::span<const std::byte> bytes_;
  const GraphPart& part_;
  Table root_;
  Table subgraph_;
  Vector tensors_;
  Vector operators_;
  Vector buffers_;
  Vector codes_;
  std::vector<bool> uses_tensor_;
  std::vector<bool> uses_buffer_;
  std::vector<bool> uses_code_;
  flatbuffer::Writer writer_;
};

}  // namespace

std::string name_of_tensor(std::int32_t index) { return "tensor_" + std::to_string(index); }

std::vector<std::byte> front_of_submodel(std::span<const std::byte> model, const GraphPart& part) {
  return SubmodelWriter(model, part).write();
}

}  // namespace zerolite
