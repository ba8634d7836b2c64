// AIPP: what a model's input does with a picture before the network reads it. One pass from the
// picture to the tensor: channel swap, crop, colour conversion, resize, normalisation, padding.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>

#include "softnpu/core/export.hpp"

namespace softnpu::aipp {

/// Numbers of aclAippInputFormat.
enum class Format : int32_t { yuv420sp = 1, xrgb8888 = 2, rgb888 = 3, yuv400 = 4 };

/// What is done to each picture of a batch.
struct Settings {
    Format format = Format::yuv420sp;
    int32_t src_w = 0, src_h = 0;
    bool crop = false;
    int32_t crop_x = 0, crop_y = 0, crop_w = 0, crop_h = 0;  // the whole picture where not cropped
    bool resize = false;
    int32_t resize_w = 0, resize_h = 0;
    bool padding = false;
    int32_t left = 0, right = 0, top = 0, bottom = 0;
    float pad_value = 0;
    bool csc = false;
    std::array<int32_t, 9> matrix{};
    std::array<int32_t, 3> output_bias{}, input_bias{};
    bool rbuv_swap = false, ax_swap = false;
    std::array<int32_t, 4> mean{};
    std::array<float, 4> min{};
    std::array<float, 4> reciprocal{1, 1, 1, 1};

    /// Size after crop and resize, before padding.
    int32_t inner_w() const noexcept { return resize ? resize_w : crop_w; }
    int32_t inner_h() const noexcept { return resize ? resize_h : crop_h; }
    /// Size of the result.
    int32_t out_w() const noexcept { return inner_w() + left + right; }
    int32_t out_h() const noexcept { return inner_h() + top + bottom; }
};

/// What a picture may be resized from and to: the documented limits of the card's scaler, which
/// today's documentation calls reserved. Therefore only SOFTNPU_AIPP_RESIZE=1 switches it on.
inline constexpr int32_t kLeastResized = 16, kMostResized = 4096, kWidestResized = 1920;
inline constexpr int32_t kMostRatio = 16;

/// Says which rule a resize breaks, or nullptr.
SOFTNPU_API const char *resize_problem(int32_t from_w, int32_t from_h, int32_t to_w,
                                       int32_t to_h) noexcept;
/// What to do about a refused resize.
inline constexpr const char *kResizeAdvice =
    "AIPP does not resize at present, as on a card; resize with the VPC (acldvppVpcResizeAsync), "
    "or try it with SOFTNPU_AIPP_RESIZE=1";

enum class Element : uint8_t { u8, f16, f32 };

/// Where the result goes: channels x height x width or height x width x channels.
struct Tensor {
    void *data = nullptr;
    Element element = Element::f32;
    bool planar = true;
    int32_t channels = 3, height = 0, width = 0;
};

/// Bytes of one picture of this format and size.
SOFTNPU_API size_t picture_bytes(Format format, int32_t width, int32_t height) noexcept;
/// Channels that reach the network.
SOFTNPU_API int32_t channels_of(const Settings &settings) noexcept;

/// Width and height after crop, resize and padding are the tensor's; that was checked.
SOFTNPU_API void apply(const Settings &settings, const uint8_t *picture, const Tensor &tensor);

}  // namespace softnpu::aipp
