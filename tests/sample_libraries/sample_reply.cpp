// The custom operators of a model that suggests replies, as the tests design one: the names are those of TensorFlow
// Lite's published model, what they compute is simpler.
#include <zerolite_custom_op.h>

#include <algorithm>
#include <cctype>
#include <cstdlib>
#include <cstring>
#include <map>
#include <string>
#include <string_view>
#include <vector>

namespace {

// A tensor of strings is their number, where each begins, where the last one ends, and then all characters.
std::string_view text_of(const TfLiteTensor* strings) {
  if (strings->data.raw == nullptr || strings->data.i32[0] < 1) return {};
  const int32_t begin = strings->data.i32[1];
  const int32_t end = strings->data.i32[2];
  return {strings->data.raw + begin, static_cast<size_t>(end - begin)};
}

TfLiteStatus store_text(TfLiteContext* context, TfLiteTensor* strings, const std::string& text) {
  constexpr size_t kHeader = 3 * sizeof(int32_t);
  auto* memory = static_cast<char*>(std::malloc(kHeader + text.size()));
  if (memory == nullptr) {
    context->ReportError(context, "there is no memory for a text");
    return kTfLiteError;
  }
  const int32_t header[] = {1, kHeader, static_cast<int32_t>(kHeader + text.size())};
  std::memcpy(memory, header, kHeader);
  std::memcpy(memory + kHeader, text.data(), text.size());
  // The runtime gives back with free what a dynamic tensor holds.
  std::free(strings->data.raw);
  strings->data.raw = memory;
  strings->bytes = kHeader + text.size();
  return kTfLiteOk;
}

// Small letters, and only letters, digits, spaces and question marks.
TfLiteStatus normalize(TfLiteContext* context, TfLiteNode* node) {
  std::string kept;
  for (const char one : text_of(ZeroliteInput(context, node, 0))) {
    const auto letter = static_cast<unsigned char>(one);
    if (std::isalnum(letter) != 0 || one == ' ' || one == '?' || letter > 127) {
      kept += static_cast<char>(std::tolower(letter));
    }
  }
  return store_text(context, ZeroliteOutput(context, node, 0), kept);
}

TfLiteStatus dynamic_output(TfLiteContext* context, TfLiteNode* node) {
  ZeroliteDynamicShape(ZeroliteOutput(context, node, 0));
  return kTfLiteOk;
}

// A number of each word: FNV-1a, cut to positive numbers.
int32_t number_of(std::string_view word) {
  uint32_t hash = 2166136261U;
  for (const char one : word) hash = (hash ^ static_cast<unsigned char>(one)) * 16777619U;
  return static_cast<int32_t>(hash >> 1);
}

TfLiteStatus extract_features(TfLiteContext* context, TfLiteNode* node) {
  const std::string_view text = text_of(ZeroliteInput(context, node, 0));
  std::vector<int32_t> found;
  for (size_t begin = 0; begin < text.size();) {
    const size_t end = std::min(text.find(' ', begin), text.size());
    if (end > begin) found.push_back(number_of(text.substr(begin, end - begin)));
    begin = end + 1;
  }
  if (found.empty()) found.push_back(-1);
  const int count = static_cast<int>(found.size());
  TfLiteTensor* features = ZeroliteOutput(context, node, 0);
  if (context->ResizeTensor(context, features, ZeroliteShape(1, &count)) != kTfLiteOk) return kTfLiteError;
  std::copy(found.begin(), found.end(), features->data.i32);
  return kTfLiteOk;
}

struct Options {
  int32_t outputs;
  float least_weight;
};

void* read_options(TfLiteContext* /*context*/, const char* options, size_t length) {
  auto* read = new Options{0, 0};
  if (length == sizeof(Options)) std::memcpy(read, options, length);
  return read;
}

void free_options(TfLiteContext* /*context*/, void* options) { delete static_cast<Options*>(options); }

TfLiteStatus shape_of_replies(TfLiteContext* context, TfLiteNode* node) {
  const auto* options = static_cast<const Options*>(node->user_data);
  for (int place = 0; place < 2; ++place) {
    if (context->ResizeTensor(context, ZeroliteOutput(context, node, place), ZeroliteShape(1, &options->outputs)) !=
        kTfLiteOk) {
      return kTfLiteError;
    }
  }
  return kTfLiteOk;
}

// The labels of all features together, by the sum of their weights over the number of features; -1 where there are no
// more.
TfLiteStatus predict(TfLiteContext* context, TfLiteNode* node) {
  const TfLiteTensor* features = ZeroliteInput(context, node, 0);
  const TfLiteTensor* keys = ZeroliteInput(context, node, 1);
  const TfLiteTensor* labels = ZeroliteInput(context, node, 2);
  const TfLiteTensor* weights = ZeroliteInput(context, node, 3);
  const auto* options = static_cast<const Options*>(node->user_data);
  const size_t count = ZeroliteCount(features);
  const size_t width = ZeroliteCount(labels) / ZeroliteCount(keys);
  std::map<int32_t, float> sums;
  for (size_t i = 0; i < count; ++i) {
    const int32_t* end = keys->data.i32 + ZeroliteCount(keys);
    const int32_t* key = std::lower_bound<const int32_t*>(keys->data.i32, end, features->data.i32[i]);
    if (key == end || *key != features->data.i32[i]) continue;
    const size_t row = static_cast<size_t>(key - keys->data.i32) * width;
    for (size_t j = row; j < row + width; ++j) {
      sums[labels->data.i32[j]] += weights->data.f[j] / static_cast<float>(count);
    }
  }
  std::vector<std::pair<int32_t, float>> best(sums.begin(), sums.end());
  std::stable_sort(best.begin(), best.end(), [](const auto& a, const auto& b) { return a.second > b.second; });
  for (size_t i = 0; i < static_cast<size_t>(options->outputs); ++i) {
    const bool is_one = i < best.size() && best[i].second >= options->least_weight;
    ZeroliteOutput(context, node, 0)->data.i32[i] = is_one ? best[i].first : -1;
    ZeroliteOutput(context, node, 1)->data.f[i] = is_one ? best[i].second : 0.0F;
  }
  return kTfLiteOk;
}

TfLiteRegistration kernel(TfLiteStatus (*prepare)(TfLiteContext*, TfLiteNode*),
                          TfLiteStatus (*invoke)(TfLiteContext*, TfLiteNode*)) {
  TfLiteRegistration registration{};
  registration.prepare = prepare;
  registration.invoke = invoke;
  return registration;
}

}  // namespace

ZEROLITE_EXPORT TfLiteRegistration* Register_NORMALIZE(void) {
  static TfLiteRegistration registration = kernel(&dynamic_output, &normalize);
  return &registration;
}

ZEROLITE_EXPORT TfLiteRegistration* Register_EXTRACT_FEATURES(void) {
  static TfLiteRegistration registration = kernel(&dynamic_output, &extract_features);
  return &registration;
}

ZEROLITE_EXPORT TfLiteRegistration* Register_PREDICT(void) {
  static TfLiteRegistration registration = kernel(&shape_of_replies, &predict);
  registration.init = &read_options;
  registration.free = &free_options;
  return &registration;
}
