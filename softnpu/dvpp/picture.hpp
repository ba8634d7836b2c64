// A picture in memory as the media engines see it: where its planes are, and what may be asked of
// it.
#pragma once

#include <cstddef>
#include <cstdint>

#include "softnpu/core/export.hpp"

namespace softnpu {

/// Numbers of acldvppPixelFormat, which hi_pixel_format shares.
using PixelFormat = int32_t;
/// Those that only the second interface has.
constexpr PixelFormat kYvuPacked444 = 58, kRgbPlanar = 69;

/// `data` is the engines' view of the address (device_view), never the program's.
struct Picture {
    uint8_t *data = nullptr;
    size_t size = 0;  // bytes of the memory behind `data`
    PixelFormat format = 0;
    uint32_t width = 0;  // pixels that mean something
    uint32_t height = 0;
    uint32_t stride_w = 0;  // bytes from one row of the first plane to the next
    uint32_t stride_h = 0;  // rows from the start of the first plane to the second
};

/// A rectangle of pixels, right and bottom exclusive.
struct Rect {
    uint32_t left = 0;
    uint32_t top = 0;
    uint32_t width = 0;
    uint32_t height = 0;
};

/// What a pixel format is made of.
struct FormatInfo {
    const char *name;    // "YUV_SEMIPLANAR_420"
    uint8_t planes;      // 1 packed or grey, 2 semiplanar, 3 planar
    uint8_t luma_bytes;  // bytes per pixel of the first plane
    uint8_t chroma_w;    // log2 of the horizontal subsampling
    uint8_t chroma_h;    // log2 of the vertical subsampling
    bool is_yuv;
    bool swapped;  // V before U, or B before R
};

/// nullptr for formats that no engine here knows.
SOFTNPU_API const FormatInfo *format_info(PixelFormat format) noexcept;

struct Plane {
    uint8_t *data;
    size_t stride;   // bytes
    uint32_t width;  // in samples (semiplanar chroma: in UV pairs)
    uint32_t height;
};

/// Plane `index` of a picture.
SOFTNPU_API Plane plane_of(const Picture &picture, int index) noexcept;

/// Bytes that a picture of these strides takes; 0 for unknown formats.
SOFTNPU_API size_t picture_bytes(PixelFormat format, uint32_t stride_w, uint32_t stride_h) noexcept;

/// Which colour component each byte of a plane is, in a pattern that repeats every `period` bytes:
/// 0 Y or R, 1 U or G, 2 V or B, 3 alpha.
struct Components {
    uint8_t period;
    uint8_t of[4];
};
SOFTNPU_API Components components_of(PixelFormat format, int plane) noexcept;

/// Two pixels that share their chroma, in one plane: YUYV and its like.
SOFTNPU_API bool is_packed_422(PixelFormat format) noexcept;
/// Four bytes per pixel, one of them alpha.
SOFTNPU_API bool has_alpha(PixelFormat format) noexcept;

/// The least stride in bytes of a row: `width` pixels, aligned up to `align` pixels.
SOFTNPU_API uint32_t row_bytes(PixelFormat format, uint32_t width, uint32_t align) noexcept;

}  // namespace softnpu
