// Every allocation of the core fails once: an exception comes out of the call, nothing leaks (AddressSanitizer looks at
// the end of each test), a live model is as good as before, and the next load is as well.
#include <gtest/gtest.h>

#include <array>
#include <functional>
#include <memory>
#include <new>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "support/failing_allocation.hpp"
#include "support/float_batch.hpp"
#include "support/temporary_directory.hpp"
#include "support/tensor_access.hpp"
#include "support/test_models.hpp"
#include "zerolite/compilation/load_model.hpp"
#include "zerolite/inference/batch_loop.hpp"
#include "zerolite/instrumentation/tensor_trace.hpp"
#include "zerolite/platform/aligned_buffer.hpp"
#include "zerolite/platform/error.hpp"

namespace zerolite::tests {
namespace {

enum class End { done, refused };

// Fails the first allocation of an operation, then the second, and so on, until it has no more, each on a subject of
// its own. `check` hears of each what became of it.
template <typename Prepare, typename Operation, typename Check>
void fail_each_allocation(Prepare prepare, Operation operation, Check check) {
  for (const Failing failing : {Failing::once, Failing::from_then_on}) {
    for (std::size_t number = 1;; ++number) {
      SCOPED_TRACE("allocation " + std::to_string(number) + (failing == Failing::once ? "" : " and all others"));
      auto subject = prepare();
      End end = End::done;
      bool has_failed = false;
      {
        const FailingAllocation allocation(number, failing);
        try {
          operation(subject);
        } catch (const std::bad_alloc&) {
          end = End::refused;
        } catch (const Error&) {
          end = End::refused;
        }
        has_failed = allocation.has_failed();
      }
      check(subject, end);
      if (testing::Test::HasFailure()) return;
      if (!has_failed) {
        EXPECT_GT(number, 1U) << "nothing was allocated, and so nothing tested";
        break;
      }
    }
  }
}

// What a signature answers, the same by the runtime's own call and directly.
Result answer(CompiledModel& model, std::size_t signature) {
  Result first;
  for (int run = 0; run < 5; ++run) {
    SignatureRunner& runner = model.signature(signature);
    fill_inputs(runner, 3);
    runner.run();
    const Result result = result_of(runner);
    if (run == 0) first = result;
    EXPECT_TRUE(runner.keeps_state() || result == first) << "run " << run;
  }
  return first;
}

std::vector<Result> answers(CompiledModel& model) {
  const std::size_t signatures = model.interface().signatures.size();
  std::vector<Result> results;
  results.reserve(signatures);
  for (std::size_t i = 0; i < signatures; ++i) results.push_back(answer(model, i));
  return results;
}

bool keeps_state(CompiledModel& model) {
  bool keeps = false;
  for (std::size_t i = 0; i < model.interface().signatures.size(); ++i) {
    keeps = keeps || model.signature(i).keeps_state();
  }
  return keeps;
}

// A model that answers as it does when nothing has gone wrong.
void expect_good(CompiledModel& model, const std::vector<Result>& expected) {
  if (keeps_state(model)) {
    EXPECT_EQ(answers(model).size(), expected.size());
  } else {
    EXPECT_EQ(answers(model), expected);
  }
}

struct LoadCase {
  std::string name;
  std::function<void(CompileOptions&, const TemporaryDirectory&)> change = [](auto&, const auto&) {};
};

std::unique_ptr<CompiledModel> load(const std::string& name, const CompileOptions& options) {
  const auto model = load_model(ModelBytes::read(model_path(name)), Verification::full);
  auto compiled = std::make_unique<CompiledModel>(model, options);
  compiled->prepare();
  return compiled;
}

class OutOfMemoryWhileLoading : public testing::TestWithParam<LoadCase> {};

TEST_P(OutOfMemoryWhileLoading, TheNextLoadIsGood) {
  struct Subject {
    TemporaryDirectory directory;
    CompileOptions options;
    std::unique_ptr<CompiledModel> model;
  };
  const auto prepare = [&] {
    auto subject = std::make_unique<Subject>();
    GetParam().change(subject->options, subject->directory);
    return subject;
  };
  const std::vector<Result> expected = answers(*load(GetParam().name, prepare()->options));
  std::size_t loads = 0;
  fail_each_allocation(
      prepare, [&](const auto& subject) { subject->model = load(GetParam().name, subject->options); },
      [&](const auto& subject, End end) {
        EXPECT_EQ(end == End::done, subject->model != nullptr);
        // Loading again takes longest here, so it is done after some of the failures.
        constexpr std::size_t kStride = 8;
        if (end == End::refused && ++loads % kStride == 0) subject->model = load(GetParam().name, subject->options);
        if (subject->model != nullptr) expect_good(*subject->model, expected);
      });
}

const std::vector<LoadCase>& load_cases() {
  static const std::vector<LoadCase> cases = {
      {.name = "dense_2layer"},
      {.name = "dynamic_after_dense"},
      {.name = "hashtable_to_string"},
      {.name = "counter_two_signatures"},
      {.name = "sequence_lstm"},
      {.name = "small_cnn_int8",
       .change = [](auto& options,
                    const auto& directory) { options.weight_cache_file = (directory.path() / "weights").string(); }},
      {.name = "delegated_chain", .change = [](auto& options, const auto&) {
         options.before_xnnpack.push_back(ExternalDelegateSettings{ZEROLITE_SAMPLE_DELEGATE, {}});
       }}};
  return cases;
}

INSTANTIATE_TEST_SUITE_P(Models, OutOfMemoryWhileLoading, testing::ValuesIn(load_cases()),
                         [](const auto& name) { return name.param.name; });

// Errors are made of strings, and so is the runtime's log that goes into them.
TEST(OutOfMemoryTest, ARefusalIsStillOne) {
  for (const char* name : {"unknown_custom_op", "short_constant", "shapes_do_not_fit"}) {
    fail_each_allocation([] { return nullptr; }, [&](auto) { (void)load(name, {}); },
                         [](auto, End end) { EXPECT_EQ(end, End::refused); });
  }
}

class OutOfMemoryWhileRunning : public testing::TestWithParam<const char*> {};

TEST_P(OutOfMemoryWhileRunning, TheNextRunIsGood) {
  const std::shared_ptr<const Model> model = read_model(GetParam());
  const auto prepare = [&] {
    auto compiled = std::make_unique<CompiledModel>(model, CompileOptions{});
    for (std::size_t i = 0; i < compiled->interface().signatures.size(); ++i) fill_inputs(compiled->signature(i), 1);
    return compiled;
  };
  const std::vector<Result> expected = answers(*prepare());
  fail_each_allocation(
      prepare,
      [](const auto& compiled) {
        for (int run = 0; run < 3; ++run) {
          for (std::size_t i = 0; i < compiled->interface().signatures.size(); ++i) compiled->signature(i).run();
        }
      },
      [&](const auto& compiled, End) { expect_good(*compiled, expected); });
}

INSTANTIATE_TEST_SUITE_P(Models, OutOfMemoryWhileRunning,
                         testing::Values("dense_2layer", "small_cnn", "dynamic_after_dense", "string_passthrough",
                                         "sequence_lstm", "counter_two_signatures", "two_signatures_one_subgraph",
                                         "conditional_dynamic", "runtime_reshape"),
                         [](const auto& name) { return std::string(name.param); });

TEST(OutOfMemoryTest, StringsAreSetOrNot) {
  const std::shared_ptr<const Model> model = read_model("string_passthrough");
  const auto prepare = [&] { return std::make_unique<CompiledModel>(model, CompileOptions{}); };
  const std::vector<Result> expected = answers(*prepare());
  fail_each_allocation(
      prepare,
      [](const auto& compiled) {
        fill_inputs(compiled->signature(0), 1);
        compiled->signature(0).run();
      },
      [&](const auto& compiled, End) { expect_good(*compiled, expected); });
}

// A model that has been run, with one input and one output of its own memory bound to it.
struct BoundModel {
  explicit BoundModel(const char* name, bool bind) : model(compile(name)) {
    SignatureRunner& runner = model->signature(0);
    for (int run = 0; run < 4; ++run) runner.run();
    if (!bind) return;
    memory = AlignedBuffer::allocate(runner.binding(Side::input, 0).size());
    runner.bind(Side::input, 0, memory->data(), memory);
  }

  std::unique_ptr<CompiledModel> model;
  std::shared_ptr<AlignedBuffer> memory;
};

void resize(CompiledModel& model, std::int32_t items) {
  std::vector<std::int32_t> shape = model.signature(0).spec(Side::input, 0).shape;
  shape[0] = items;
  model.signature(0).resize(std::array{ResizeRequest{0, std::move(shape)}});
}

class OutOfMemoryWhileResizing : public testing::TestWithParam<const char*> {};

TEST_P(OutOfMemoryWhileResizing, TheShapesAreTheOldOnesOrTheNew) {
  constexpr std::int32_t kItems = 5;
  for (const bool bind : {false, true}) {
    const std::vector<Result> before = answers(*compile(GetParam()));
    const std::unique_ptr<CompiledModel> resized = compile(GetParam());
    resize(*resized, kItems);
    const std::vector<Result> after = answers(*resized);
    fail_each_allocation([&] { return std::make_unique<BoundModel>(GetParam(), bind); },
                         [](const auto& subject) { resize(*subject->model, kItems); },
                         [&](const auto& subject, End end) {
                           const TensorBinding& input = subject->model->signature(0).binding(Side::input, 0);
                           EXPECT_EQ(input.shape()[0], end == End::done ? kItems : 1);
                           EXPECT_EQ(input.is_bound(), bind && end == End::refused);
                           expect_good(*subject->model, end == End::done ? after : before);
                           resize(*subject->model, kItems);
                           expect_good(*subject->model, after);
                         });
  }
}

INSTANTIATE_TEST_SUITE_P(Models, OutOfMemoryWhileResizing,
                         testing::Values("dense_2layer", "small_cnn", "dynamic_after_dense"),
                         [](const auto& name) { return std::string(name.param); });

TEST(OutOfMemoryTest, MemoryIsBoundOrNot) {
  const std::vector<Result> expected = answers(*compile("dense_2layer"));
  fail_each_allocation([] { return std::make_unique<BoundModel>("dense_2layer", true); },
                       [](const auto& subject) {
                         SignatureRunner& runner = subject->model->signature(0);
                         runner.run();
                         runner.unbind(Side::input, 0);
                         runner.bind(Side::input, 0, subject->memory->data(), subject->memory);
                         runner.run();
                       },
                       [&](const auto& subject, End) { expect_good(*subject->model, expected); });
}

struct BatchCase {
  std::string name;
  std::size_t replicas;
  std::size_t chunk;
};

class OutOfMemoryInABatch : public testing::TestWithParam<BatchCase> {};

TEST_P(OutOfMemoryInABatch, TheNextBatchIsGood) {
  struct Subject {
    explicit Subject(const std::shared_ptr<const Model>& model) {
      for (std::size_t i = 0; i < GetParam().replicas; ++i) {
        models.push_back(std::make_shared<CompiledModel>(model, CompileOptions{}));
        bound.push_back(AlignedBuffer::allocate(models.back()->signature(0).binding(Side::input, 0).size()));
        models.back()->signature(0).bind(Side::input, 0, bound.back()->data(), bound.back());
      }
    }
    std::vector<std::shared_ptr<CompiledModel>> models;
    std::vector<std::shared_ptr<AlignedBuffer>> bound;
    FloatBatch floats{11, 64, 10};
  };
  const std::shared_ptr<const Model> model = read_model("dense_2layer");
  const std::vector<Result> expected = answers(*compile("dense_2layer"));
  const std::vector<float> outputs = Subject(model).floats.expected(*compile("dense_2layer"));
  const auto map = [](Subject& subject) {
    BatchLoop loop(subject.models, 0, subject.floats.batch(), GetParam().chunk);
    while (!loop.advance(BatchLoop::Clock::time_point::max())) {
    }
  };
  fail_each_allocation([&] { return std::make_unique<Subject>(model); }, [&](const auto& subject) { map(*subject); },
                       [&](const auto& subject, End end) {
                         EXPECT_TRUE(end == End::refused || subject->floats.outputs == outputs);
                         for (std::size_t i = 0; i < subject->models.size(); ++i) {
                           const TensorBinding& input = subject->models[i]->signature(0).binding(Side::input, 0);
                           EXPECT_EQ(input.data(), subject->bound[i]->data()) << "what was bound is lost";
                           expect_good(*subject->models[i], expected);
                         }
                         map(*subject);
                         EXPECT_EQ(subject->floats.outputs, outputs);
                       });
}

INSTANTIATE_TEST_SUITE_P(Batches, OutOfMemoryInABatch,
                         testing::Values(BatchCase{"OneByOne", 1, 1}, BatchCase{"ChunksWithARest", 1, 4},
                                         BatchCase{"MeasuredChunks", 1, 0}, BatchCase{"TwoReplicas", 2, 4}),
                         [](const auto& name) { return name.param.name; });

TEST(OutOfMemoryTest, AnObservedModelIsLeftAsItWas) {
  for (const char* name : {"dense_2layer", "while_loop"}) {
    const std::vector<Result> expected = answers(*compile(name));
    fail_each_allocation([&] { return compile(name); },
                         [](const auto& model) {
                           (void)model->profile_run(0);
                           TensorTrace trace;
                           model->signature(0).run_instrumented(model->observer(), trace);
                         },
                         [&](const auto& model, End) { expect_good(*model, expected); });
  }
}

TEST(OutOfMemoryTest, AModelThatIsResetKeepsItsMemoryWhateverComesOfIt) {
  for (const char* name : {"counter", "counter_two_signatures"}) {
    const std::vector<Result> expected = answers(*compile(name));
    struct Subject {
      explicit Subject(const char* of) : model(compile(of)) {
        SignatureRunner& runner = model->signature(0);
        bound = AlignedBuffer::allocate(runner.binding(Side::input, 0).size());
        runner.bind(Side::input, 0, bound->data(), bound);
      }
      std::unique_ptr<CompiledModel> model;
      std::shared_ptr<AlignedBuffer> bound;
    };
    fail_each_allocation([&] { return std::make_unique<Subject>(name); },
                         [](const auto& subject) { subject->model->reset_state(); },
                         [&](const auto& subject, End) {
                           const TensorBinding& input = subject->model->signature(0).binding(Side::input, 0);
                           EXPECT_EQ(input.data(), subject->bound->data()) << "what was bound is lost";
                           expect_good(*subject->model, expected);
                         });
  }
}

TEST(OutOfMemoryTest, ClosingNeedsNone) {
  const std::unique_ptr<CompiledModel> model = compile("dense_2layer");
  model->signature(0).run();
  const FailingAllocation allocation(1, Failing::from_then_on);
  (void)model->close();
  EXPECT_FALSE(allocation.has_failed());
}

}  // namespace
}  // namespace zerolite::tests
