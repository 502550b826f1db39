// What is asked of OpenVINO for a model.
#pragma once

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "zerolite/delegates/openvino/program_store.hpp"

namespace zerolite {

struct OpenVinoSettings {
  std::string library;  // libopenvino_c.so; empty where the package is not installed
  std::string device = "CPU";
  int threads = 1;
  std::string precision = "f32";  // what float32 operators are computed with: f32, bf16 or f16
  // OpenVINO's own properties, by name.
  std::vector<std::pair<std::string, std::string>> options;
  std::string cache;  // a directory for what it compiles; empty for none
  // What is kept there for the model; null for nothing.
  std::shared_ptr<const openvino::ProgramStore> programs = nullptr;
  // Each run counts what its nodes take, which takes time itself.
  bool counters = false;

  // All properties, those that are chosen here before them; each name once.
  [[nodiscard]] std::vector<std::pair<std::string, std::string>> properties() const;
};

}  // namespace zerolite
