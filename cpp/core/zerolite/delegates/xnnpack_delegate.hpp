// XNNPACK, which LiteRT's own accelerator for the CPU makes, and a node of its own for each operator that it takes.
//
// XNNPACK names all operators that it takes at once, TensorFlow Lite gathers them into as few nodes as it can, and the
// values between the operators of a node are XNNPACK's own. TensorFlow Lite's switch for not gathering them is not
// among the runtime's options (LiteRT 2.3.0), so XNNPACK's delegate is made to name its operators one by one.
//
// Of some custom operators XNNPACK has the only kernels, so it can be left with those alone.
//
// Nobody sees the values of variables that XNNPACK keeps (LiteRT 2.3.0), and it writes past one that grows. So
// operators that read and write variables can be kept from it, and are where anything else is asked for.
#pragma once

#include <atomic>

#include "litert_abi/tflite.hpp"
#include "litert_abi/types.hpp"

namespace zerolite {

// What XNNPACK's nodes are made of.
enum class XnnpackNodes {
  gathered,           // as many operators as can be gathered into each
  without_variables,  // likewise, of those that have nothing to do with variables
  single,             // one operator each, likewise
  single_custom,      // likewise, and all but custom operators are left to the builtin kernels
};

class XnnpackDelegate {
 public:
  // Makes every model that is compiled in this environment ask LiteRT's own accelerator for the CPU, after the
  // accelerators that were registered before.
  static void register_with(abi::Environment environment);
  // Asks for such nodes, in the options of the model that is compiled next.
  static void request_nodes(abi::Options options, XnnpackNodes nodes);

 private:
  using Prepare = abi::tflite::Status (*)(abi::tflite::Context*, abi::tflite::Delegate*);
  using Replace = abi::tflite::Status (*)(abi::tflite::Context*, abi::tflite::Registration,
                                          const abi::tflite::IntArray*, abi::tflite::Delegate*);

  // What LiteRT's accelerator answers when it is asked for a delegate, changed for a model that asks for it.
  static abi::Status create_delegate(abi::RuntimeContext context, abi::Environment environment,
                                     abi::AcceleratorConst accelerator, abi::Options options,
                                     abi::DelegateWrapper* wrapper);
  template <Replace replace>
  static abi::tflite::Status prepare(abi::tflite::Context* context, abi::tflite::Delegate* delegate);
  static abi::tflite::Status replace_gathered(abi::tflite::Context* context, abi::tflite::Registration registration,
                                              const abi::tflite::IntArray* nodes, abi::tflite::Delegate* delegate);
  static abi::tflite::Status replace_one_by_one(abi::tflite::Context* context, abi::tflite::Registration registration,
                                                const abi::tflite::IntArray* nodes, abi::tflite::Delegate* delegate);
  static abi::tflite::Status replace_custom(abi::tflite::Context* context, abi::tflite::Registration registration,
                                            const abi::tflite::IntArray* nodes, abi::tflite::Delegate* delegate);

  // XNNPACK's own function, the same for all of its delegates.
  static std::atomic<Prepare> xnnpack_prepare;
  // The context's own function while ours is in its place; a context has no room for it.
  static thread_local Replace replace_together;
};

}  // namespace zerolite
