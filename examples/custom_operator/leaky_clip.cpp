// The custom operator LeakyClip: y = x within [-limit, limit], and a tenth of what is beyond is added.
//
// Its options are the limit, a float in little-endian order; 1 without them.
#include <zerolite_custom_op.h>

#include <cstring>
#include <new>

namespace {

struct Settings {
  float limit = 1;
};

void* init(TfLiteContext*, const char* options, size_t length) {
  auto* settings = new (std::nothrow) Settings;
  if (settings != nullptr && length >= sizeof(float)) std::memcpy(&settings->limit, options, sizeof(float));
  return settings;
}

void destroy(TfLiteContext*, void* settings) { delete static_cast<Settings*>(settings); }

TfLiteStatus prepare(TfLiteContext* context, TfLiteNode* node) {
  if (node->user_data == nullptr || node->inputs->size != 1 || node->outputs->size != 1) {
    context->ReportError(context, "LeakyClip takes one input and gives one output");
    return kTfLiteError;
  }
  const TfLiteTensor* x = ZeroliteInput(context, node, 0);
  TfLiteTensor* y = ZeroliteOutput(context, node, 0);
  if (x == nullptr || x->type != kTfLiteFloat32 || y->type != kTfLiteFloat32) {
    context->ReportError(context, "LeakyClip takes and gives float32");
    return kTfLiteError;
  }
  return ZeroliteSameShape(context, y, x);
}

TfLiteStatus invoke(TfLiteContext* context, TfLiteNode* node) {
  const float limit = static_cast<const Settings*>(node->user_data)->limit;
  const TfLiteTensor* x = ZeroliteInput(context, node, 0);
  float* y = ZeroliteOutput(context, node, 0)->data.f;
  const size_t count = ZeroliteCount(x);
  for (size_t i = 0; i < count; ++i) {
    const float value = x->data.f[i];
    const float clipped = value < -limit ? -limit : value > limit ? limit : value;
    y[i] = clipped + 0.1f * (value - clipped);
  }
  return kTfLiteOk;
}

}  // namespace

ZEROLITE_EXPORT TfLiteRegistration* Register_LeakyClip(void) {
  static TfLiteRegistration registration{};
  registration.init = init;
  registration.free = destroy;
  registration.prepare = prepare;
  registration.invoke = invoke;
  return &registration;
}
