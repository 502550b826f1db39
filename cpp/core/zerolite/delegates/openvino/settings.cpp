#include "zerolite/delegates/openvino/settings.hpp"

#include <algorithm>

namespace zerolite {

std::vector<std::pair<std::string, std::string>> OpenVinoSettings::properties() const {
  std::vector<std::pair<std::string, std::string>> all = {
      {"PERFORMANCE_HINT", "LATENCY"},
      {"INFERENCE_PRECISION_HINT", precision},
  };
  if (device == "CPU") {
    // One request at a time, as every model here runs. Pinned threads of several models would share their cores.
    all.insert(
        all.end(),
        {{"NUM_STREAMS", "1"}, {"INFERENCE_NUM_THREADS", std::to_string(threads)}, {"ENABLE_CPU_PINNING", "NO"}});
  }
  if (counters) all.emplace_back("PERF_COUNT", "YES");
  for (const auto& [name, value] : options) {
    std::erase_if(all, [&key = name](const auto& property) { return property.first == key; });
    all.emplace_back(name, value);
  }
  return all;
}

}  // namespace zerolite
