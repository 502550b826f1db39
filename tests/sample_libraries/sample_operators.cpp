// Kernels for the tests, of a library that zl.CustomOp opens.
#include <zerolite_custom_op.h>

#include <atomic>
#include <stdexcept>

namespace {

std::atomic<int> made = 0;
std::atomic<int> freed = 0;

TfLiteStatus same_shape(TfLiteContext* context, TfLiteNode* node) {
  return ZeroliteSameShape(context, ZeroliteOutput(context, node, 0), ZeroliteInput(context, node, 0));
}

TfLiteStatus negate(TfLiteContext* context, TfLiteNode* node) {
  const TfLiteTensor* x = ZeroliteInput(context, node, 0);
  TfLiteTensor* y = ZeroliteOutput(context, node, 0);
  for (size_t i = 0; i < ZeroliteCount(x); ++i) y->data.f[i] = -x->data.f[i];
  return kTfLiteOk;
}

// A node that counts its runs, and adds their number.
void* make_counter(TfLiteContext* /*context*/, const char* /*options*/, size_t /*length*/) {
  ++made;
  return new int(0);
}

void free_counter(TfLiteContext* /*context*/, void* counter) {
  ++freed;
  delete static_cast<int*>(counter);
}

TfLiteStatus count(TfLiteContext* context, TfLiteNode* node) {
  const int runs = ++*static_cast<int*>(node->user_data);
  const TfLiteTensor* x = ZeroliteInput(context, node, 0);
  TfLiteTensor* y = ZeroliteOutput(context, node, 0);
  for (size_t i = 0; i < ZeroliteCount(x); ++i) y->data.f[i] = x->data.f[i] + static_cast<float>(runs);
  return kTfLiteOk;
}

TfLiteStatus dynamic_shape(TfLiteContext* context, TfLiteNode* node) {
  ZeroliteDynamicShape(ZeroliteOutput(context, node, 0));
  return kTfLiteOk;
}

// Only the positive values.
TfLiteStatus keep_positive(TfLiteContext* context, TfLiteNode* node) {
  const TfLiteTensor* x = ZeroliteInput(context, node, 0);
  TfLiteTensor* y = ZeroliteOutput(context, node, 0);
  int kept = 0;
  for (size_t i = 0; i < ZeroliteCount(x); ++i) kept += x->data.f[i] > 0 ? 1 : 0;
  if (context->ResizeTensor(context, y, ZeroliteShape(1, &kept)) != kTfLiteOk) return kTfLiteError;
  kept = 0;
  for (size_t i = 0; i < ZeroliteCount(x); ++i) {
    if (x->data.f[i] > 0) y->data.f[kept++] = x->data.f[i];
  }
  return kTfLiteOk;
}

TfLiteStatus fail(TfLiteContext* context, TfLiteNode* /*node*/) {
  context->ReportError(context, "this kernel fails with code %d", 7);
  return kTfLiteError;
}

TfLiteStatus throw_in_run(TfLiteContext* /*context*/, TfLiteNode* /*node*/) {
  throw std::runtime_error("thrown in a kernel");
}

TfLiteStatus throw_on_negative(TfLiteContext* context, TfLiteNode* node) {
  if (ZeroliteInput(context, node, 0)->data.f[0] < 0) throw std::runtime_error("thrown for a negative number");
  return negate(context, node);
}

TfLiteStatus throw_a_number(TfLiteContext* /*context*/, TfLiteNode* /*node*/) { throw 7; }

TfLiteRegistration kernel(TfLiteStatus (*prepare)(TfLiteContext*, TfLiteNode*),
                          TfLiteStatus (*invoke)(TfLiteContext*, TfLiteNode*)) {
  TfLiteRegistration registration{};
  registration.prepare = prepare;
  registration.invoke = invoke;
  return registration;
}

}  // namespace

ZEROLITE_EXPORT TfLiteRegistration* Register_Negate(void) {
  static TfLiteRegistration registration = kernel(&same_shape, &negate);
  return &registration;
}

ZEROLITE_EXPORT TfLiteRegistration* Register_NegateAsStored(void) {
  static TfLiteRegistration registration = kernel(nullptr, &negate);
  return &registration;
}

ZEROLITE_EXPORT TfLiteRegistration* Register_Count(void) {
  static TfLiteRegistration registration = kernel(&same_shape, &count);
  registration.init = &make_counter;
  registration.free = &free_counter;
  return &registration;
}

ZEROLITE_EXPORT int counters_made(void) { return made; }
ZEROLITE_EXPORT int counters_freed(void) { return freed; }

ZEROLITE_EXPORT TfLiteRegistration* Register_KeepPositive(void) {
  static TfLiteRegistration registration = kernel(&dynamic_shape, &keep_positive);
  return &registration;
}

ZEROLITE_EXPORT TfLiteRegistration* Register_Fail(void) {
  static TfLiteRegistration registration = kernel(&same_shape, &fail);
  return &registration;
}

ZEROLITE_EXPORT TfLiteRegistration* Register_FailInPrepare(void) {
  static TfLiteRegistration registration = kernel(&fail, &negate);
  return &registration;
}

ZEROLITE_EXPORT TfLiteRegistration* Register_Throw(void) {
  static TfLiteRegistration registration = kernel(&same_shape, &throw_in_run);
  return &registration;
}

ZEROLITE_EXPORT TfLiteRegistration* Register_ThrowOnNegative(void) {
  static TfLiteRegistration registration = kernel(&same_shape, &throw_on_negative);
  return &registration;
}

ZEROLITE_EXPORT TfLiteRegistration* Register_ThrowNumber(void) {
  static TfLiteRegistration registration = kernel(&same_shape, &throw_a_number);
  return &registration;
}

ZEROLITE_EXPORT TfLiteRegistration* Register_ThrowInPrepare(void) {
  static TfLiteRegistration registration = kernel(&throw_in_run, &negate);
  return &registration;
}

ZEROLITE_EXPORT TfLiteRegistration* Register_Nothing(void) { return nullptr; }

ZEROLITE_EXPORT TfLiteRegistration* Register_WithoutInvoke(void) {
  static TfLiteRegistration registration{};
  return &registration;
}
