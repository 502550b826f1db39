// What is asked of OpenVINO for a model.
#pragma once

#include <string>
#include <utility>
#include <vector>

namespace zerolite {

struct OpenVinoSettings {
  std::string library;  // libopenvino_c.so; empty where the package is not installed
  std::string device = "CPU";
  int threads = 1;
  std::string precision = "f32";  // what float32 operators are computed with: f32, bf16 or f16
  // OpenVINO's own properties, by name.
  std::vector<std::pair<std::string, std::string>> options;

  // All properties, those that are chosen here before them; each name once.
  [[nodiscard]] std::vector<std::pair<std::string, std::string>> properties() const;
};

}  // namespace zerolite
