#include "softnpu/dvpp/still.hpp"

#include <algorithm>

#include "acl/ops/acl_dvpp.h"
#include "softnpu/core/text.hpp"
#include "softnpu/dvpp/chip.hpp"

namespace softnpu {
namespace {

constexpr uint32_t kLeastSide = 32;
constexpr uint32_t kMostJpegd = 8192, kMostPngd = 4096, kMostJpege = 8192, kMostJpege310B = 16384;
constexpr int kPngGrey = 0, kPngRgb = 2, kPngGreyAlpha = 4, kPngRgbAlpha = 6;

uint32_t align(uint32_t value, uint32_t step) {
    return (value + step - 1) / step * step;
}

std::string check_sides(uint32_t width, uint32_t height, uint32_t most) {
    if (width >= kLeastSide && height >= kLeastSide && width <= most && height <= most) return "";
    return text("the picture is %ux%u: want %u to %u on each side", width, height, kLeastSide,
                most);
}

std::string check_rows(const Picture &picture, uint32_t bytes, uint32_t step) {
    if (picture.stride_w < bytes || picture.stride_w % step != 0) {
        return text("stride %u for rows of %u bytes: want a multiple of %u that holds them",
                    picture.stride_w, bytes, step);
    }
    if (picture.stride_h < picture.height || picture.stride_h % kStillRows != 0) {
        return text("height stride %u for %u rows: want a multiple of %u that holds them",
                    picture.stride_h, picture.height, kStillRows);
    }
    return "";
}

bool has_alpha(const ImageInfo &info) {
    return info.color_type == kPngGreyAlpha || info.color_type == kPngRgbAlpha;
}

}  // namespace

uint32_t jpegd_row_step() {
    return first_generation() ? 128 : 64;
}

bool jpegd_writes(PixelFormat format) {
    const FormatInfo *info = format_info(format);
    return info != nullptr && info->is_yuv && info->luma_bytes == 1 && info->planes <= 2;
}

std::string check_jpegd_file(const ImageInfo &info) {
    if (info.progressive) return "progressive JPEG is not decoded by this interface";
    if (info.arithmetic) return "JPEG with arithmetic coding is not decoded";
    return info.unsupported;
}

PixelFormat jpegd_own_format(const ImageInfo &info) {
    switch (info.subsampling) {
        case ACL_JPEG_CSS_GRAY:
            return PIXEL_FORMAT_YUV_400;
        case ACL_JPEG_CSS_444:
            return PIXEL_FORMAT_YVU_SEMIPLANAR_444;
        case ACL_JPEG_CSS_422:
            return PIXEL_FORMAT_YVU_SEMIPLANAR_422;
        case ACL_JPEG_CSS_440:
            return PIXEL_FORMAT_YVU_SEMIPLANAR_440;
        default:
            return PIXEL_FORMAT_YVU_SEMIPLANAR_420;
    }
}

std::string check_jpegd_format(const ImageInfo &info, PixelFormat format) {
    if (format == PIXEL_FORMAT_UNKNOWN || format == PIXEL_FORMAT_YUV_SEMIPLANAR_420 ||
        format == PIXEL_FORMAT_YVU_SEMIPLANAR_420) {
        return "";
    }
    const FormatInfo *wanted = format_info(format);
    const FormatInfo &own = *format_info(jpegd_own_format(info));
    if (wanted != nullptr && jpegd_writes(format) && wanted->planes == own.planes &&
        wanted->chroma_w == own.chroma_w && wanted->chroma_h == own.chroma_h) {
        return "";
    }
    return text("the file is decoded to its own sampling (%s) or 4:2:0, not to %s", own.name,
                wanted == nullptr ? "an unknown format" : wanted->name);
}

std::string check_jpegd_result(const ImageInfo &info, const Picture &picture) {
    const uint32_t width = info.turned_width(), height = info.turned_height();
    if (std::string why = check_sides(width, height, kMostJpegd); !why.empty()) return why;
    Picture result = picture;
    result.height = height & ~((1u << format_info(picture.format)->chroma_h) - 1);
    return check_rows(result, width & ~((1u << format_info(picture.format)->chroma_w) - 1),
                      jpegd_row_step());
}

std::string check_pngd_file(const ImageInfo &info) {
    const bool taken = info.color_type == kPngGrey || info.color_type == kPngRgb || has_alpha(info);
    return taken ? "" : "PNG files with a palette are not decoded";
}

PixelFormat pngd_own_format(const ImageInfo &info) {
    return has_alpha(info) ? PIXEL_FORMAT_RGBA_8888 : PIXEL_FORMAT_RGB_888;
}

std::string check_pngd_format(const ImageInfo &info, PixelFormat format) {
    if (format == PIXEL_FORMAT_RGB_888 || format == PIXEL_FORMAT_UNKNOWN) return "";
    if (format == PIXEL_FORMAT_RGBA_8888 && has_alpha(info)) return "";
    return "the file is decoded to RGB_888, or to RGBA_8888 where it has alpha";
}

std::string check_pngd_result(const ImageInfo &info, const Picture &picture) {
    if (std::string why = check_sides(info.width, info.height, kMostPngd); !why.empty()) return why;
    Picture result = picture;
    result.height = info.height;
    const uint32_t bytes = format_info(picture.format)->luma_bytes;
    return check_rows(result, info.width * bytes, kPngdPixels * bytes);
}

bool jpege_takes(PixelFormat format) {
    return format == PIXEL_FORMAT_YUV_SEMIPLANAR_420 || format == PIXEL_FORMAT_YVU_SEMIPLANAR_420 ||
           (format >= PIXEL_FORMAT_YUYV_PACKED_422 && format <= PIXEL_FORMAT_VYUY_PACKED_422);
}

std::string check_jpege_size(uint32_t width, uint32_t height) {
    return check_sides(width, height, chip_is("Ascend310B") ? kMostJpege310B : kMostJpege);
}

std::string check_jpege_picture(const Picture &picture) {
    if (std::string why = check_jpege_size(picture.width, picture.height); !why.empty()) return why;
    const FormatInfo &info = *format_info(picture.format);
    if (picture.width % 2 != 0 || (info.chroma_h != 0 && picture.height % 2 != 0)) {
        return text("the picture is %ux%u: %s wants even sizes", picture.width, picture.height,
                    info.name);
    }
    if (picture.stride_w < picture.width * info.luma_bytes || picture.stride_w % 16 != 0) {
        return text("stride %u for width %u of %s: want a multiple of 16 that holds %u bytes",
                    picture.stride_w, picture.width, info.name, picture.width * info.luma_bytes);
    }
    const uint32_t rounded = std::max(align(picture.height, kStillRows), kLeastSide);
    if (picture.stride_h != picture.height && picture.stride_h != rounded) {
        return text("height stride %u: want the height, %u, or %u", picture.stride_h,
                    picture.height, rounded);
    }
    const size_t needed = picture_bytes(picture.format, picture.stride_w, picture.stride_h);
    if (picture.size >= needed) return "";
    return text("size %zu: strides %ux%u of %s take %zu bytes", picture.size, picture.stride_w,
                picture.stride_h, info.name, needed);
}

}  // namespace softnpu
