#include "data/picture_input.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>

#include "data/integer_meaning.h"
#include "media/transform.h"

namespace pochade {
namespace {

bool is_channels(const Dim& dim) {
  return dim.is(3) || dim.is(1);
}

int32_t zero_point(const Quantization& quantization, size_t channel = 0) {
  const auto& all = quantization.zero_point;
  return all.empty() ? 0 : all[std::min(channel, all.size() - 1)];
}

int64_t known(const Dim& dim) {
  return dim.is_number() ? dim.number() : 0;
}

struct Fitted {
  Image image;
  int64_t top = 0, left = 0;  ///< where the image begins in the network's input
  double x_scale = 1, y_scale = 1, picture_left = 0, picture_top = 0;
};

Result<Fitted> fitted(const Image& picture, const Preprocess& how, Fit fit, int64_t height, int64_t width) {
  Fitted out;
  const double w = picture.width(), h = picture.height();
  const auto side = [](double wanted, int64_t least) {
    return std::clamp<int64_t>(std::llround(wanted), std::max<int64_t>(least, 1), 1 << 20);
  };
  const bool same = picture.width() == width && picture.height() == height;
  if (fit == Fit::kStretch || same) {
    TRY(out.image, resize_bytes(picture, width, height));
  } else if (fit == Fit::kPad) {
    const double scale = std::min(static_cast<double>(width) / w, static_cast<double>(height) / h);
    const int64_t columns = std::min(side(w * scale, 1), width), rows = std::min(side(h * scale, 1), height);
    TRY(out.image, resize_bytes(picture, columns, rows));
    out.left = (width - columns) / 2;
    out.top = (height - rows) / 2;
  } else {
    // The part that will be seen is cut out first, so that nothing outside it is blurred in and nothing else
    // is resampled. The largest part with the network's proportions is `keep` of what is seen.
    const double aspect = static_cast<double>(width) / static_cast<double>(height);
    const auto seen = [&](double most, int limit) {
      return static_cast<int>(std::clamp(std::floor(most * how.keep + 1e-9), 1.0, double{1} * limit));
    };
    const int columns = seen(std::min(w, h * aspect), picture.width());
    const int rows = seen(std::min(h, w / aspect), picture.height());
    const int x = (picture.width() - columns) / 2, y = (picture.height() - rows) / 2;
    TRY(const Image part, crop(picture, x, y, columns, rows));
    TRY(out.image, resize_bytes(part, width, height));
    out.x_scale = static_cast<double>(columns) / static_cast<double>(width);
    out.y_scale = static_cast<double>(rows) / static_cast<double>(height);
    out.picture_left = x;
    out.picture_top = y;
    return out;
  }
  out.x_scale = w / out.image.width();
  out.y_scale = h / out.image.height();
  out.picture_left = static_cast<double>(-out.left) * out.x_scale;
  out.picture_top = static_cast<double>(-out.top) * out.y_scale;
  return out;
}

/// Luma of BT.601, as 8 bits.
uint8_t grey(const uint16_t* pixel) {
  const double luma = 0.299 * to_8_bits(pixel[0]) + 0.587 * to_8_bits(pixel[1]) + 0.114 * to_8_bits(pixel[2]);
  return static_cast<uint8_t>(luma + 0.5);
}

/// What each of the 256 values becomes, a row a channel of the network.
template <typename T>
using Tables = std::vector<std::array<T, 256>>;

template <typename T>
Tables<T> tables_for(const PictureSide& side, const PictureInput& input) {
  Tables<T> out(static_cast<size_t>(input.channels));
  for (size_t c = 0; c < out.size(); ++c)
    for (size_t v = 0; v < 256; ++v) {
      const size_t colour = out.size() == 1 ? 1 : side.colour_of(c);
      const float value = side.value(colour, static_cast<double>(v));
      if constexpr (std::is_integral_v<T>) {
        const double offset = std::is_signed_v<T> && sizeof(T) == 1 ? -128 : 0;
        double q = double{value} + (side.is_raw() ? offset : 0);
        if (!side.is_raw() && input.quantization)
          q = std::round(double{value} / input.quantization->scale[0]) + zero_point(*input.quantization);
        out[c][v] = static_cast<T>(std::clamp(std::round(q), double{std::numeric_limits<T>::min()},
                                              double{std::numeric_limits<T>::max()}));
      } else {
        out[c][v] = T(value);
      }
    }
  return out;
}

template <typename T>
void write(const Fitted& from, const PictureSide& side, const PictureInput& input, int64_t height,
           int64_t width, std::span<T> out) {
  const Tables<T> tables = tables_for<T>(side, input);
  const auto channels = tables.size();
  const auto plane = static_cast<size_t>(height * width);
  const int64_t image_rows = from.image.height(), image_columns = from.image.width();
  for (int64_t y = 0; y < height; ++y)
    for (int64_t x = 0; x < width; ++x) {
      const int64_t row = y - from.top, column = x - from.left;
      const bool inside = row >= 0 && row < image_rows && column >= 0 && column < image_columns;
      const uint16_t* pixel =
          inside ? from.image.pixel(static_cast<int>(column), static_cast<int>(row)) : nullptr;
      const auto at = static_cast<size_t>(y * width + x);
      for (size_t c = 0; c < channels; ++c) {
        uint8_t v = 0;
        if (inside) v = channels == 1 ? grey(pixel) : to_8_bits(pixel[side.colour_of(c)]);
        out[input.channels_first ? c * plane + at : at * channels + c] = tables[c][v];
      }
    }
}

}  // namespace

Result<PictureInput> picture_input(const Graph& graph, size_t index,
                                   const std::optional<std::array<int64_t, 2>>& size) {
  if (index >= graph.inputs().size())
    return Error::not_supported("the model has {} inputs, none for a picture", graph.inputs().size());
  const Value& value = graph.value(graph.inputs()[index]);
  const Fact& fact = value.fact;
  const bool picture =
      fact.dims && fact.rank() == 4 && (is_channels(fact.dim(1)) || is_channels(fact.dim(3)));
  if (!picture)
    return Error::not_supported(
        "input \"{}\" is {}, expected a picture: 1x3xHxW, 1xHxWx3, or 1 channel in its place", value.name,
        fact);
  if (fact.dim(0).is_number() && !fact.dim(0).is(1))
    return Error::not_supported("input \"{}\" takes batches of {} pictures, expected 1", value.name,
                                fact.dim(0));
  PictureInput out;
  out.name = value.name;
  out.dtype = *fact.dtype;
  out.channels_first = !is_channels(fact.dim(3)) || (fact.dim(1).is(3) && !fact.dim(3).is(3));
  out.channels = fact.dim(out.channels_first ? 1 : 3).number();
  out.height = known(fact.dim(out.channels_first ? 2 : 1));
  out.width = known(fact.dim(out.channels_first ? 3 : 2));
  if (size && out.height == 0) out.height = (*size)[0];
  if (size && out.width == 0) out.width = (*size)[1];
  out.quantization = quantization_of(graph, graph.inputs()[index]);
  const bool has_type = out.dtype == DType::kF32 || out.dtype == DType::kF16 || out.dtype == DType::kU8 ||
                        out.dtype == DType::kI8 || out.dtype == DType::kI16 || out.dtype == DType::kI32;
  if (!has_type)
    return Error::not_supported(
        "input \"{}\" takes {}, expected float32, float16, uint8, int8, int16 or int32", value.name,
        to_string(out.dtype));
  if (out.quantization && out.quantization->scale.size() != 1)
    return Error::not_supported("input \"{}\" is quantized by channel, expected one scale", value.name);
  return out;
}

Result<PlacedPicture> enter_picture(const Image& picture, const Preprocess& how, const PictureInput& input,
                                    Fit fit) {
  const int64_t height = input.height > 0 ? input.height : picture.height();
  const int64_t width = input.width > 0 ? input.width : picture.width();
  TRY(const Fitted from, fitted(picture, how, how.fit.value_or(fit), height, width));
  PlacedPicture out{{}, from.x_scale, from.y_scale, from.picture_left, from.picture_top};
  TRY(out.tensor, Tensor::make(input.dtype, input.shape(height, width)));
  visit(input.dtype, [&]<typename T>() {
    if constexpr (!std::is_same_v<T, bool> && (std::is_class_v<T> || sizeof(T) <= 4))
      write<T>(from, how.input, input, height, width, out.tensor.mutable_data<T>());
  });
  return out;
}

Result<Image> picture_of_output(const Tensor& values, const PictureSide& side, bool channels_first) {
  const Shape& s = values.shape();
  const bool picture = values.dtype() == DType::kF32 && s.rank() == 4 && s[0] == 1;
  const int64_t channels = picture ? s[channels_first ? 1 : 3] : 0;
  if (channels != 1 && channels != 3) return Error::not_supported("an output of {}, expected one picture", s);
  const int64_t height = s[channels_first ? 2 : 1], width = s[channels_first ? 3 : 2];
  TRY(Image out, Image::create(width, height, 3));
  const auto data = values.data<float>();
  for (int64_t y = 0; y < height; ++y)
    for (int64_t x = 0; x < width; ++x) {
      uint16_t* pixel = out.pixel(static_cast<int>(x), static_cast<int>(y));
      for (int64_t c = 0; c < 3; ++c) {
        const int64_t from = channels == 1 ? 0 : c;
        const int64_t at =
            channels_first ? (from * height + y) * width + x : (y * width + x) * channels + from;
        const size_t colour = channels == 1 ? static_cast<size_t>(c) : side.colour_of(static_cast<size_t>(c));
        pixel[colour] = side.pixel(colour, data[static_cast<size_t>(at)]);
      }
    }
  return out;
}

Result<Tensor> quantized(const Tensor& real, DType dtype, const Quantization* quantization) {
  TRY(const Tensor wide, real.cast(DType::kF32));
  if (is_float(dtype)) return wide.cast(dtype);
  if (quantization != nullptr && quantization->scale.size() != 1)
    return Error::not_supported("values quantized by channel, expected one scale");
  TRY(Tensor out, Tensor::make(dtype, real.shape()));
  const double scale = quantization == nullptr ? 1 : double{quantization->scale[0]};
  const double zero = quantization == nullptr ? 0 : zero_point(*quantization);
  visit(dtype, [&]<typename T>() {
    if constexpr (std::is_integral_v<T> && !std::is_same_v<T, bool> && sizeof(T) <= 4) {
      const auto from = wide.data<float>();
      const auto to = out.mutable_data<T>();
      for (size_t i = 0; i < from.size(); ++i) {
        const double q = std::round(double{from[i]} / scale) + zero;
        to[i] = !(q == q) ? T{0}
                          : static_cast<T>(std::clamp(q, double{std::numeric_limits<T>::min()},
                                                      double{std::numeric_limits<T>::max()}));
      }
    }
  });
  return out;
}

Result<Tensor> dequantized(const Tensor& tensor, const Quantization* quantization) {
  if (quantization == nullptr || is_float(tensor.dtype())) return tensor.cast(DType::kF32);
  TRY(const Tensor wide, tensor.cast(DType::kF64));
  TRY(Tensor out, Tensor::make(DType::kF32, tensor.shape()));
  const std::vector<float>& scale = quantization->scale;
  const int axis = quantization->axis;
  const bool by_channel = scale.size() > 1;
  if (by_channel && (axis < 0 || axis >= tensor.rank() || quantization->block != 0 ||
                     tensor.shape()[axis] != static_cast<int64_t>(scale.size())))
    return Error::not_supported("{} scales for values of {}", scale.size(), tensor.shape());
  const int64_t inner = by_channel ? tensor.shape().product(axis + 1, tensor.rank()) : 1;
  const auto from = wide.data<double>();
  const auto to = out.mutable_data<float>();
  for (size_t i = 0; i < from.size(); ++i) {
    const size_t c = by_channel ? static_cast<size_t>(static_cast<int64_t>(i) / inner) % scale.size() : 0;
    to[i] = static_cast<float>((from[i] - zero_point(*quantization, c)) * scale[c]);
  }
  return out;
}

}  // namespace pochade
