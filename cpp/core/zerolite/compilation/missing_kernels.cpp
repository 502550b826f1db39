#include "zerolite/compilation/missing_kernels.hpp"

#include <algorithm>
#include <cstdint>
#include <functional>
#include <optional>
#include <string_view>
#include <utility>
#include <vector>

#include "zerolite/compilation/kernel_probe.hpp"
#include "zerolite/model/compiled_parts.hpp"
#include "zerolite/model/model_contents.hpp"
#include "zerolite/model/operators.hpp"

namespace zerolite {
namespace {

constexpr std::string_view kTensorFlowPrefix = "Flex";

std::string listed(const std::vector<std::string>& words) {
  std::string text;
  for (std::size_t i = 0; i < words.size(); ++i) {
    if (i > 0) text += i + 1 == words.size() ? " and " : ", ";
    text += words[i];
  }
  return text;
}

std::string are(const std::vector<std::string>& names) {
  return listed(names) + (names.size() == 1 ? " is " : " are ");
}

class MissingOperators {
 public:
  void add(const OperatorCode& code) {
    std::string name = name_of(code);
    if (!code.is_custom()) name += " version " + std::to_string(code.version);
    if (const auto known = std::ranges::find(found_, name, &Found::name); known != found_.end()) {
      ++known->count;
    } else {
      const bool is_for_accelerators = code.is_custom() && is_known_by_name_only(code.custom_code);
      found_.push_back({std::move(name), code.is_custom(), is_for_accelerators, chip_of(code), 1});
    }
  }

  [[nodiscard]] std::string message() const {
    if (found_.empty()) return {};
    std::vector<std::string> counted;
    counted.reserve(found_.size());
    for (const Found& one : found_) counted.push_back(one.name + " (" + std::to_string(one.count) + ")");
    return "nothing here runs the operator" + std::string(counted.size() == 1 ? " " : "s ") + listed(counted) +
           advice();
  }

 private:
  struct Found {
    std::string name;
    bool is_custom;
    bool is_for_accelerators;
    std::string_view chip;
    std::size_t count;

    [[nodiscard]] bool is_of_tensorflow() const { return is_custom && name.starts_with(kTensorFlowPrefix); }
  };

  [[nodiscard]] std::vector<std::string> names(const std::function<bool(const Found&)>& chosen) const {
    std::vector<std::string> names;
    for (const Found& one : found_) {
      if (chosen(one)) names.push_back(one.name);
    }
    return names;
  }

  // What each of them is, and what can be done.
  [[nodiscard]] std::string advice() const {
    std::string text;
    if (const auto builtin = names([](const Found& one) { return !one.is_custom; }); !builtin.empty()) {
      text += "; the runtime has no " + std::string(builtin.size() == 1 ? "kernel" : "kernels") + " for " +
              listed(builtin) + ", so convert the model again, for an older runtime";
    }
    if (const auto flex = names(&Found::is_of_tensorflow); !flex.empty()) {
      text += "; " + are(flex) +
              "TensorFlow's own (Select TF ops), so convert the model without them, or run it with tf.lite.Interpreter";
    }
    for (const Found& one : found_) {
      if (one.chip.empty()) continue;
      text += "; " + one.name + " was compiled for " + std::string(one.chip) +
              ", so load the model where there is one, with its delegate (zl.ExternalDelegate), or load the model that "
              "it was compiled from";
    }
    if (const auto named = names([](const Found& one) { return one.is_for_accelerators; }); !named.empty()) {
      text +=
          "; " + are(named) +
          "known to the runtime by name only, for XNNPACK (the default kernels), which takes some forms, and for GPUs "
          "(zl.Gpu), so load the model with one of them, or convert it with other operators";
    }
    const auto others = names([](const Found& one) {
      return one.is_custom && !one.is_for_accelerators && !one.is_of_tensorflow() && one.chip.empty();
    });
    if (!others.empty()) {
      const std::string them = others.size() == 1 ? "it" : "them";
      text += "; " + are(others) + "custom, so load the model with " + (others.size() == 1 ? "a kernel" : "kernels") +
              " for " + them + " (custom_ops=[zl.CustomOp(...)]) or with a delegate that takes " + them +
              " (zl.ExternalDelegate), or convert it without";
    }
    return text;
  }

  std::vector<Found> found_;
};

// The subgraph and all that its operators run, in one another's bodies too.
std::vector<std::size_t> reached_from(std::size_t start, const ModelInterface& model, const ModelContents& contents) {
  std::vector<std::size_t> reached = {start};
  for (std::size_t at = 0; at < reached.size(); ++at) {
    for (const OperatorDetails& operation : contents.subgraphs[reached[at]].operators) {
      const Operator kind = kind_of(model.operator_codes[operation.code]);
      const std::optional<flatbuffer::Table> options = options_of(kind, operation);
      if (!options) continue;
      for (const unsigned field : callees(kind)) {
        const auto called = options->scalar<std::int32_t>(field, -1);
        if (called < 0 || std::cmp_greater_equal(called, model.subgraphs.size())) continue;
        const auto subgraph = static_cast<std::size_t>(called);
        if (std::ranges::find(reached, subgraph) == reached.end()) reached.push_back(subgraph);
      }
    }
  }
  return reached;
}

bool is_given(const CustomOperators* custom_operators, const OperatorCode& code) {
  return custom_operators != nullptr && code.is_custom() && custom_operators->has(code.custom_code);
}

}  // namespace

std::string missing_kernels(const Model& model, const GraphObserver& observer, std::size_t subgraph,
                            const CustomOperators* custom_operators) {
  const ModelInterface& interface = model.interface();
  MissingOperators missing;
  for (const std::size_t index : reached_from(subgraph, interface, ModelContents::read(model.bytes().span()))) {
    const CapturedGraph* graph = observer.graph(index);
    if (graph == nullptr) continue;
    const std::vector<std::uint32_t>& operators = interface.subgraphs[index].operators;
    for (const PlannedNode& planned : graph->plan()) {
      if (planned.node->delegate != nullptr || planned.index >= operators.size()) continue;
      if (kernel_of(*planned.registration) == Kernel::present) continue;
      const OperatorCode& code = interface.operator_codes[operators[planned.index]];
      if (!is_given(custom_operators, code)) missing.add(code);
    }
  }
  return missing.message();
}

std::string missing_kernels(const Model& model, const CustomOperators* custom_operators) {
  const ModelInterface& interface = model.interface();
  std::vector<std::optional<Kernel>> kernels(interface.operator_codes.size());
  MissingOperators missing;
  for (const SubgraphDescription& subgraph : interface.subgraphs) {
    for (const std::uint32_t code : subgraph.operators) {
      if (is_given(custom_operators, interface.operator_codes[code])) continue;
      if (!kernels[code]) kernels[code] = probe_kernel(interface.operator_codes[code]);
      // Whether a delegate takes what is known by name only can't be told.
      if (kernels[code] == Kernel::missing) missing.add(interface.operator_codes[code]);
    }
  }
  return missing.message();
}

bool has_operators_by_name_only(const Model& model) {
  return std::ranges::any_of(model.interface().operator_codes, [](const OperatorCode& code) {
    return code.is_custom() && is_known_by_name_only(code.custom_code);
  });
}

}  // namespace zerolite
