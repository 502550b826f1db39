#include "zerolite/compilation/load_model.hpp"

#include <algorithm>
#include <utility>

#include "zerolite/compilation/distinct_input_names.hpp"
#include "zerolite/compilation/environment.hpp"
#include "zerolite/compilation/refused_parts.hpp"
#include "zerolite/compilation/unsupported_fields_mask.hpp"
#include "zerolite/platform/error.hpp"
#include "zerolite/runtime/status.hpp"

namespace zerolite {
namespace {

abi::Status create(const ModelBytes& bytes, abi::Model& model) {
  // The call that takes a buffer verifies the FlatBuffer; the one that takes a file does not (LiteRT 2.3.0).
  return runtime().CreateModelFromBuffer(Environment::cpu().handle(), bytes.span().data(), bytes.span().size(), &model);
}

// In a file that was made to do harm, what is written over one part may be another one, too.
void require_same_graphs(const ModelBytes& bytes, const ModelInterface& before) {
  const ModelInterface now = ModelInterface::parse(bytes);
  const auto same_tensor = [](const TensorDescription& left, const TensorDescription& right) {
    return left.type == right.type && left.shape == right.shape;
  };
  const auto same_graph = [&](const SubgraphDescription& left, const SubgraphDescription& right) {
    return left.inputs == right.inputs && left.outputs == right.outputs && left.operators == right.operators &&
           std::ranges::equal(left.tensors, right.tensors, same_tensor);
  };
  const auto same_code = [](const OperatorCode& left, const OperatorCode& right) {
    return left.builtin_code == right.builtin_code && left.custom_code == right.custom_code &&
           left.version == right.version;
  };
  if (std::ranges::equal(now.subgraphs, before.subgraphs, same_graph) &&
      std::ranges::equal(now.operator_codes, before.operator_codes, same_code)) {
    return;
  }
  throw InvalidModelError(bytes.name() +
                          " is not a sound TensorFlow Lite model: its names or its list of signatures overlap its "
                          "graphs; convert or download it again");
}

ModelHandle create(ModelBytes& bytes) {
  const LogCapture log;
  abi::Model model = nullptr;
  abi::Status status = create(bytes, model);
  // The FlatBuffer was sound, then; a part of the model was refused.
  if (status == abi::Status::unsupported) {
    const UnsupportedFieldsMask masked(bytes.mutable_span());
    status = create(bytes, model);
  }
  if (status != abi::Status::ok) {
    throw InvalidModelError(bytes.name() + " is not a sound TensorFlow Lite model: " + failure(status, "read it", log) +
                            "; convert or download it again");
  }
  return ModelHandle(model);
}

}  // namespace

std::shared_ptr<const Model> load_model(std::shared_ptr<ModelBytes> bytes, Verification level) {
  // What can't even be parsed is refused as it is.
  ModelInterface interface = ModelInterface::parse(*bytes);
  if (replace_unused_codes(bytes->mutable_span())) interface = ModelInterface::parse(*bytes);
  leave_out_signatures(*bytes, interface.incomplete_signatures);
  make_input_names_distinct(*bytes, interface);
  if (bytes->is_overwritten()) require_same_graphs(*bytes, interface);
  verify(*bytes, interface, level);
  ModelHandle handle = create(*bytes);
  // make_shared would need a public constructor.
  return std::shared_ptr<const Model>(new Model(std::move(bytes), std::move(interface), level, std::move(handle)));
}

}  // namespace zerolite
