// A C++ loop of runs, dispatched directly and through the runtime's own call, interleaved in one process.
// Usage: run_loop LIBLITERT MODEL RUNS ROUNDS; writes one JSON object: nanoseconds per run, by round.
#include <chrono>
#include <cstdlib>
#include <iostream>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "zerolite/compilation/load_model.hpp"
#include "zerolite/inference/compiled_model.hpp"

namespace {

using zerolite::CompiledModel;

std::unique_ptr<CompiledModel> load(const char* path, const char* dispatch) {
  setenv("ZEROLITE_DISPATCH", dispatch, 1);  // NOLINT(concurrency-mt-unsafe): there is one thread
  auto model = std::make_unique<CompiledModel>(zerolite::load_model(zerolite::ModelBytes::read(path)),
                                               zerolite::CompileOptions{});
  for (int i = 0; i < 3; ++i) model->signature(0).run();
  return model;
}

double nanoseconds_per_run(zerolite::SignatureRunner& runner, int runs) {
  const auto begin = std::chrono::steady_clock::now();
  for (int i = 0; i < runs; ++i) runner.run();
  const std::chrono::duration<double, std::nano> taken = std::chrono::steady_clock::now() - begin;
  return taken.count() / runs;
}

void write(const char* name, const std::vector<double>& values) {
  std::cout << '"' << name << "\": [";
  for (std::size_t i = 0; i < values.size(); ++i) std::cout << (i > 0 ? ", " : "") << values[i];
  std::cout << ']';
}

}  // namespace

int main(int argc, char** argv) {
  try {
    const std::span arguments(argv, static_cast<std::size_t>(argc));
    if (arguments.size() != 5) {
      std::cerr << "usage: run_loop LIBLITERT MODEL RUNS ROUNDS\n";
      return 2;
    }
    zerolite::RuntimeLibrary::open(arguments[1]);
    const int runs = std::stoi(arguments[3]);
    const int rounds = std::stoi(arguments[4]);
    const std::unique_ptr<CompiledModel> direct = load(arguments[2], "direct");
    const std::unique_ptr<CompiledModel> runtime = load(arguments[2], "runtime");
    std::vector<double> direct_times;
    std::vector<double> runtime_times;
    for (int round = 0; round < rounds; ++round) {
      direct_times.push_back(nanoseconds_per_run(direct->signature(0), runs));
      runtime_times.push_back(nanoseconds_per_run(runtime->signature(0), runs));
    }
    std::cout << "{";
    write("direct", direct_times);
    std::cout << ", ";
    write("runtime", runtime_times);
    std::cout << "}\n";
    return 0;
  } catch (const std::exception& error) {
    std::cerr << "run_loop: " << error.what() << '\n';
    return 1;
  }
}
