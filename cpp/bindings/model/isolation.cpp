#include <pybind11/pybind11.h>
#include <pybind11/stl.h>

#include <cstddef>
#include <memory>
#include <span>
#include <string>
#include <tuple>
#include <utility>
#include <vector>

#include "arrays/array_memory.hpp"
#include "arrays/dtypes.hpp"
#include "python/instance.hpp"
#include "register.hpp"
#include "signature/signature_object.hpp"
#include "zerolite/delegates/isolated/isolated_delegate.hpp"
#include "zerolite/platform/confinement.hpp"
#include "zerolite/platform/error.hpp"
#include "zerolite/platform/interruption.hpp"
#include "zerolite/platform/shared_channel.hpp"

namespace py = pybind11;

namespace zerolite::bindings {
namespace {

using isolated::Child;
using isolated::Launcher;
using isolated::RemoteModel;
using isolated::RemoteSignature;
using isolated::Shape;

// What Python has for a launcher: an object with the methods `start`, which gives two descriptors, and `end`. They are
// called from where the GIL may not be held.
class PythonLauncher final : public Launcher {
 public:
  explicit PythonLauncher(py::object launcher) : launcher_(std::move(launcher)) {}
  // NOLINTNEXTLINE(bugprone-exception-escape): the GIL can be had, and giving an object back throws nothing
  ~PythonLauncher() override {
    if (Py_IsInitialized() == 0) {
      (void)launcher_.release();
      return;
    }
    const py::gil_scoped_acquire acquire;
    launcher_ = py::object();
  }
  PythonLauncher(const PythonLauncher&) = delete;
  PythonLauncher& operator=(const PythonLauncher&) = delete;

  Child start() override {
    const py::gil_scoped_acquire acquire;
    try {
      const auto [memory, process] = launcher_.attr("start")().cast<std::pair<int, int>>();
      return {memory, process};
    } catch (const py::error_already_set& error) {
      throw Error(py::str(error.value()).cast<std::string>());
    }
  }

  // NOLINTNEXTLINE(bugprone-exception-escape): the GIL can be had
  std::string end() noexcept override {
    if (Py_IsInitialized() == 0) return {};
    const py::gil_scoped_acquire acquire;
    try {
      return launcher_.attr("end")().cast<std::string>();
    } catch (const std::exception&) {
      return "ended";
    }
  }

 private:
  py::object launcher_;
};

// Inputs' shapes; whether the outputs are known before a run, and their shapes and sizes; whether sizes vary; steps.
using Described =
    std::tuple<std::vector<Shape>, bool, std::vector<std::pair<Shape, std::size_t>>, bool, std::vector<std::string>>;

std::shared_ptr<RemoteModel> make_remote(const py::object& launcher, const std::vector<Described>& described,
                                         bool keeps_state, double seconds, std::int64_t bytes) {
  std::vector<RemoteSignature> signatures;
  for (const auto& [inputs, known, outputs, varies, steps] : described) {
    RemoteSignature signature{inputs, {known, {}}, varies, steps};
    for (const auto& [shape, size] : outputs) signature.outputs.outputs.push_back({shape, size});
    signatures.push_back(std::move(signature));
  }
  return std::make_shared<RemoteModel>(std::make_shared<PythonLauncher>(launcher), std::move(signatures), keeps_state,
                                       RemoteModel::Limits{seconds, bytes});
}

// The side that runs the model.
class ModelServer {
 public:
  explicit ModelServer(int file) : file_(file), channel_(file) {}

  // Runs these signatures as often as it is asked for, over the memory that they are bound to. Comes back with whatever
  // else is asked, with runs of signatures that are None, and with 0 for one that has run and whose results have got
  // other sizes.
  std::pair<int, std::size_t> serve(const std::vector<py::object>& signatures) {
    std::vector<SignatureObject*> served;
    served.reserve(signatures.size());
    for (const py::object& signature : signatures) {
      served.push_back(signature.is_none() ? nullptr : &native<SignatureObject>(signature));
    }
    const py::gil_scoped_release release;
    while (true) {
      const SharedChannel::Request request = channel_.wait_for_request();
      const bool runs = request.command == SharedCommand::run && request.signature < served.size() &&
                        served[request.signature] != nullptr;
      if (!runs) return {static_cast<int>(request.command), request.signature};
      if (!run_and_answer(*served[request.signature])) return {0, request.signature};
    }
  }

  // One run of a signature; what it refuses is an Error.
  void run_once(py::handle signature) {
    auto& object = native<SignatureObject>(signature);
    const py::gil_scoped_release release;
    run(object);
  }

  void answer(SharedChannel::Outcome outcome, const std::string& message) { channel_.answer(outcome, message); }

  [[nodiscard]] py::object numbers() const {
    const std::span<std::int64_t> numbers = channel_.numbers();
    return array_over(reinterpret_cast<std::byte*>(numbers.data()), dtype_of(ElementType::int64),
                      std::vector<std::int32_t>{static_cast<std::int32_t>(numbers.size())}, channel_.mapping(),
                      numbers.size_bytes());
  }

  // Bytes of the shared memory, with what follows them.
  [[nodiscard]] py::object memory(std::size_t place, std::size_t size) {
    channel_.follow(file_);
    const std::span<std::byte> bytes = channel_.mapping()->bytes();
    if (place > bytes.size() || size > bytes.size() - place) throw ValueError("there is no such memory");
    // An array of more than 2^31 bytes has more than one dimension.
    constexpr std::size_t kRow = std::size_t{1} << 30U;
    if (size > kRow) throw ValueError("an isolated model takes tensors of up to 1 GiB; load it without isolation");
    return array_over(bytes.data() + place, dtype_of(ElementType::uint8),
                      std::vector<std::int32_t>{static_cast<std::int32_t>(size)}, channel_.mapping(),
                      bytes.size() - place);
  }

 private:
  // Counts the operators that begin, so that the other side can tell in which one this process ended.
  class Watch final : public Interruption {
   public:
    explicit Watch(SharedChannel& channel) : channel_(channel) {}
    [[nodiscard]] bool is_due() noexcept override { return channel_.note_operator(); }

   private:
    SharedChannel& channel_;
  };

  void run(SignatureObject& signature) {
    const std::scoped_lock lock(signature.model().lock());
    SignatureRunner& runner = signature.model().signature(signature.index());
    Watch watch(channel_);
    runner.run(watch);
  }

  // False when an output has got another size than before: then nothing was answered.
  bool run_and_answer(SignatureObject& signature) {
    try {
      const std::uint64_t before = signature.model().signature(signature.index()).generation();
      run(signature);
      if (signature.model().signature(signature.index()).generation() != before) return false;
      channel_.answer(SharedChannel::Outcome::done, {});
    } catch (const std::bad_alloc&) {
      channel_.answer(SharedChannel::Outcome::refused, "memory ran out in its process");
    } catch (const std::exception& error) {
      channel_.answer(SharedChannel::Outcome::refused, error.what());
    }
    return true;
  }

  int file_;
  SharedChannel channel_;
};

}  // namespace

void register_isolation(py::module_& module) {
  module.def(
      "confine_process",
      [](bool devices, const std::string& folder) {
        confine_process({devices, folder});
      },
      py::kw_only(), py::arg("devices"), py::arg("folder"),
      "Shuts this process off from files, networks and other processes.");

  py::class_<RemoteModel, std::shared_ptr<RemoteModel>>(module, "RemoteModel", "A model that another process runs.")
      .def(py::init(&make_remote), py::kw_only(), py::arg("launcher"), py::arg("signatures"), py::arg("keeps_state"),
           py::arg("seconds"), py::arg("bytes"));

  py::class_<IsolatedSettings>(module, "IsolatedSettings", "A delegate that asks another process.")
      .def(py::init([](std::shared_ptr<RemoteModel> model) { return IsolatedSettings{std::move(model)}; }),
           py::kw_only(), py::arg("model"));

  py::enum_<SharedChannel::Outcome>(module, "Outcome", "What comes of a request to a model in another process.")
      .value("done", SharedChannel::Outcome::done)
      .value("varies", SharedChannel::Outcome::varies)
      .value("refused", SharedChannel::Outcome::refused);

  py::class_<ModelServer>(module, "ModelServer", "Runs a model for another process.")
      .def(py::init<int>(), py::kw_only(), py::arg("file"))
      .def("serve", &ModelServer::serve, py::arg("signatures"), py::pos_only())
      .def("run", &ModelServer::run_once, py::arg("signature"), py::pos_only())
      .def("answer", &ModelServer::answer, py::arg("outcome"), py::arg("message") = "", py::pos_only())
      .def("memory", &ModelServer::memory, py::arg("place"), py::arg("size"), py::pos_only())
      .def_property_readonly("numbers", &ModelServer::numbers);
}

}  // namespace zerolite::bindings
