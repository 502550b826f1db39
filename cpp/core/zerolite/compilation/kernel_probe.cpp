#include "zerolite/compilation/kernel_probe.hpp"

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <span>
#include <string_view>
#include <vector>

#include "zerolite/compilation/compile_options.hpp"
#include "zerolite/compilation/environment.hpp"
#include "zerolite/graph/graph_observer.hpp"
#include "zerolite/model/flatbuffer.hpp"
#include "zerolite/model/schema_fields.hpp"
#include "zerolite/runtime/handle.hpp"
#include "zerolite/runtime/runtime_library.hpp"
#include "zerolite/runtime/runtime_log.hpp"

namespace zerolite {
namespace {

// Operators of MediaPipe and of StableHLO that LiteRT 2.3.0 registers for its accelerators, all with the same kernel,
// whose run says "Stub operation invoked".
constexpr auto kNameOnly = std::to_array<std::string_view>({
    "Convolution2DTransposeBias",
    "MaxPoolingWithArgmax2D",
    "MaxUnpooling2D",
    "Resampler",
    "custom_call.GroupNorm",
    "custom_call.LayerNorm",
    "custom_call.PixelShuffle",
    "custom_call.RmsNorm",
});

// A model of one custom operator without operands, in three pieces: what stands before the operator's name, room for
// the name, and what stands behind it. It has two operator codes, a builtin one that no operator uses and the custom
// one; the runtime looks for both.
constexpr auto kBeforeName = std::to_array<std::uint32_t>({
    0x00000018, 0x334C4654, 0x000E0000, 0x00100014, 0x0008000C, 0x00040000, 0x0000000E, 0x00000010, 0x0000001C,
    0x00000078, 0x00000003, 0x00000001, 0x00000008, 0x00040004, 0x00000004, 0x00000001, 0x00000010, 0x0014000C,
    0x000C0010, 0x00040008, 0x0000000C, 0x00000010, 0x00000038, 0x00000038, 0x00000038, 0x00000001, 0x00000010,
    0x000A0000, 0x000C0010, 0x00040008, 0x0000000A, 0x0000000C, 0x0000000C, 0x00000001, 0x00000000, 0x00000000,
    0x00000000, 0x00000000, 0x00000000, 0x00000002, 0x00000134, 0x00000010, 0x0010000C, 0x0008000F, 0x00040000,
    0x0000000C, 0x00000020, 0x00000008, 0x20000000, 0x000000FF,
});
constexpr std::size_t kNameSize = 256;
constexpr auto kBehindName = std::to_array<std::uint32_t>({
    0x0010000C,
    0x0000000F,
    0x00040008,
    0x0000000C,
    0x000F4240,
    0x000F4240,
    0x7F000000,
});

std::vector<std::byte> model_with(const OperatorCode& code) {
  const auto before = std::as_bytes(std::span(kBeforeName));
  const auto behind = std::as_bytes(std::span(kBehindName));
  std::vector<std::byte> bytes(before.begin(), before.end());
  bytes.resize(before.size() + kNameSize);
  bytes.insert(bytes.end(), behind.begin(), behind.end());
  // A custom operator goes with a builtin one that every version has.
  const OperatorCode builtin = code.is_custom() ? OperatorCode{} : code;
  const flatbuffer::Table table = flatbuffer::Table::root(bytes).tables(schema::model::kOperatorCodes).table(0);
  constexpr std::int32_t kLastDeprecated = 127;
  flatbuffer::write_field<std::int8_t>(bytes, table, schema::operator_code::kDeprecatedBuiltinCode,
                                       static_cast<std::int8_t>(std::min(builtin.builtin_code, kLastDeprecated)));
  flatbuffer::write_field(bytes, table, schema::operator_code::kBuiltinCode, builtin.builtin_code);
  flatbuffer::write_field(bytes, table, schema::operator_code::kVersion, builtin.version);
  // The runtime's names end at a null byte. One that is longer is nobody's, and so is its beginning.
  const std::string_view name = code.is_custom() ? std::string_view(code.custom_code) : std::string_view("none");
  std::memcpy(bytes.data() + before.size(), name.data(), std::min(name.size(), kNameSize - 1));
  return bytes;
}

}  // namespace

bool tells_of_missing_kernel(std::string_view message) {
  constexpr auto kWords = std::to_array<std::string_view>({
      "Didn't find op for builtin opcode",
      "Op builtin_code out of range",
      "unresolved custom op",
      "Select TensorFlow op(s)",
  });
  return std::ranges::any_of(kWords,
                             [&](std::string_view words) { return message.find(words) != std::string_view::npos; });
}

bool is_known_by_name_only(std::string_view name) { return std::ranges::find(kNameOnly, name) != kNameOnly.end(); }

Kernel kernel_of(const abi::tflite::Registration& registration) {
  if (registration.builtin_code != OperatorCode::kCustom || registration.custom_name == nullptr) return Kernel::present;
  // What nobody knows by name has a kernel that only says so.
  if (registration.prepare == nullptr && registration.registration_external == nullptr) return Kernel::missing;
  return is_known_by_name_only(registration.custom_name) ? Kernel::name_only : Kernel::present;
}

Kernel probe_kernel(const OperatorCode& code) {
  const std::vector<std::byte> bytes = model_with(code);
  CompileOptions plain;
  plain.kernels = CpuKernels::builtin;
  const OptionsHandle options = plain.to_runtime();
  GraphObserver observer(1, nullptr);
  observer.attach_to(options.get());
  auto* const environment = Environment::cpu().handle();
  const LogCapture log;
  abi::Model read = nullptr;
  if (runtime().CreateModelFromBuffer(environment, bytes.data(), bytes.size(), &read) != abi::Status::ok) {
    return Kernel::present;  // it can't be told
  }
  const ModelHandle model(read);
  abi::CompiledModel made = nullptr;
  const abi::Status status = runtime().CreateCompiledModel(environment, read, options.get(), &made);
  const CompiledModelHandle compiled(made);
  if (!code.is_custom()) {
    return status != abi::Status::ok && tells_of_missing_kernel(log.message()) ? Kernel::missing : Kernel::present;
  }
  const CapturedGraph* graph = observer.graph(0);
  Kernel found = Kernel::present;
  if (graph != nullptr) {
    graph->for_each_planned([&](const PlannedNode& planned) { found = kernel_of(*planned.registration); });
  }
  return found;
}

}  // namespace zerolite
