#include "softnpu/dvpp/picture.hpp"

#include "acl/ops/acl_dvpp.h"

namespace softnpu {

const FormatInfo *format_info(PixelFormat format) noexcept {
    // name, planes, luma bytes, chroma w, chroma h, yuv, swapped
    static constexpr FormatInfo kFormats[] = {
        {"YUV_400", 1, 1, 0, 0, true, false},
        {"YUV_SEMIPLANAR_420", 2, 1, 1, 1, true, false},
        {"YVU_SEMIPLANAR_420", 2, 1, 1, 1, true, true},
        {"YUV_SEMIPLANAR_422", 2, 1, 1, 0, true, false},
        {"YVU_SEMIPLANAR_422", 2, 1, 1, 0, true, true},
        {"YUV_SEMIPLANAR_444", 2, 1, 0, 0, true, false},
        {"YVU_SEMIPLANAR_444", 2, 1, 0, 0, true, true},
        {"YUYV_PACKED_422", 1, 2, 1, 0, true, false},
        {"UYVY_PACKED_422", 1, 2, 1, 0, true, false},
        {"YVYU_PACKED_422", 1, 2, 1, 0, true, true},
        {"VYUY_PACKED_422", 1, 2, 1, 0, true, true},
        {"YUV_PACKED_444", 1, 3, 0, 0, true, false},
        {"RGB_888", 1, 3, 0, 0, false, false},
        {"BGR_888", 1, 3, 0, 0, false, true},
        {"ARGB_8888", 1, 4, 0, 0, false, false},
        {"ABGR_8888", 1, 4, 0, 0, false, true},
        {"RGBA_8888", 1, 4, 0, 0, false, false},
        {"BGRA_8888", 1, 4, 0, 0, false, true},
        {"YUV_SEMI_PLANNER_420_10BIT", 2, 2, 1, 1, true, false},
        {"YVU_SEMI_PLANNER_420_10BIT", 2, 2, 1, 1, true, true},
        {"YVU_PLANAR_420", 3, 1, 1, 1, true, true},
        {"YVU_PLANAR_422", 3, 1, 1, 0, true, true},
        {"YVU_PLANAR_444", 3, 1, 0, 0, true, true},
    };
    static constexpr FormatInfo kSemiplanar440[] = {
        {"YUV_SEMIPLANAR_440", 2, 1, 0, 1, true, false},
        {"YVU_SEMIPLANAR_440", 2, 1, 0, 1, true, true},
    };
    constexpr auto kCount = static_cast<PixelFormat>(sizeof kFormats / sizeof kFormats[0]);
    if (format >= 0 && format < kCount) return &kFormats[format];
    if (format == PIXEL_FORMAT_YUV_SEMIPLANAR_440) return &kSemiplanar440[0];
    if (format == PIXEL_FORMAT_YVU_SEMIPLANAR_440) return &kSemiplanar440[1];
    if (format == PIXEL_FORMAT_BGR_888_PLANAR) {
        static constexpr FormatInfo kPlanar = {"BGR_888_PLANAR", 3, 1, 0, 0, false, true};
        return &kPlanar;
    }
    if (format == kRgbPlanar) {
        static constexpr FormatInfo kPlanar = {"RGB_888_PLANAR", 3, 1, 0, 0, false, false};
        return &kPlanar;
    }
    if (format == kYvuPacked444) {
        static constexpr FormatInfo kPacked = {"YVU_PACKED_444", 1, 3, 0, 0, true, true};
        return &kPacked;
    }
    return nullptr;
}

Plane plane_of(const Picture &picture, int index) noexcept {
    const FormatInfo *info = format_info(picture.format);
    const size_t luma = size_t{picture.stride_w} * picture.stride_h;
    if (info == nullptr || index == 0) {
        return {picture.data, picture.stride_w, picture.width, picture.height};
    }
    const uint32_t width = (picture.width + (1u << info->chroma_w) - 1) >> info->chroma_w;
    const uint32_t height = (picture.height + (1u << info->chroma_h) - 1) >> info->chroma_h;
    if (info->planes == 2) {  // U and V share a row
        return {picture.data + luma, size_t{picture.stride_w} * 2 >> info->chroma_w, width, height};
    }
    const size_t stride = picture.stride_w >> info->chroma_w;
    const size_t plane = stride * (picture.stride_h >> info->chroma_h);
    return {picture.data + luma + plane * static_cast<size_t>(index - 1), stride, width, height};
}

size_t picture_bytes(PixelFormat format, uint32_t stride_w, uint32_t stride_h) noexcept {
    const FormatInfo *info = format_info(format);
    if (info == nullptr) return 0;
    const size_t luma = size_t{stride_w} * stride_h;
    if (info->planes == 1) return luma;
    return luma + (luma * 2 >> (info->chroma_w + info->chroma_h));
}

Components components_of(PixelFormat format, int plane) noexcept {
    switch (format) {
        case PIXEL_FORMAT_YUYV_PACKED_422:
            return {4, {0, 1, 0, 2}};
        case PIXEL_FORMAT_UYVY_PACKED_422:
            return {4, {1, 0, 2, 0}};
        case PIXEL_FORMAT_YVYU_PACKED_422:
            return {4, {0, 2, 0, 1}};
        case PIXEL_FORMAT_VYUY_PACKED_422:
            return {4, {2, 0, 1, 0}};
        case PIXEL_FORMAT_YUV_PACKED_444:
        case PIXEL_FORMAT_RGB_888:
            return {3, {0, 1, 2, 0}};
        case PIXEL_FORMAT_BGR_888:
            return {3, {2, 1, 0, 0}};
        case kYvuPacked444:
            return {3, {0, 2, 1, 0}};
        case PIXEL_FORMAT_ARGB_8888:
            return {4, {3, 0, 1, 2}};
        case PIXEL_FORMAT_ABGR_8888:
            return {4, {3, 2, 1, 0}};
        case PIXEL_FORMAT_RGBA_8888:
            return {4, {0, 1, 2, 3}};
        case PIXEL_FORMAT_BGRA_8888:
            return {4, {2, 1, 0, 3}};
        default:
            break;
    }
    const FormatInfo *info = format_info(format);
    const bool swapped = info != nullptr && info->swapped;
    if (info != nullptr && info->planes == 3) {
        // YVU has V second, BGR has B first.
        const int component = !swapped ? plane : (info->is_yuv ? (3 - plane) % 3 : 2 - plane);
        return {1, {static_cast<uint8_t>(component), 0, 0, 0}};
    }
    if (plane == 0) return {1, {0, 0, 0, 0}};
    return swapped ? Components{2, {2, 1, 0, 0}} : Components{2, {1, 2, 0, 0}};
}

bool is_packed_422(PixelFormat format) noexcept {
    return format >= PIXEL_FORMAT_YUYV_PACKED_422 && format <= PIXEL_FORMAT_VYUY_PACKED_422;
}

bool has_alpha(PixelFormat format) noexcept {
    return format >= PIXEL_FORMAT_ARGB_8888 && format <= PIXEL_FORMAT_BGRA_8888;
}

uint32_t row_bytes(PixelFormat format, uint32_t width, uint32_t align) noexcept {
    const FormatInfo *info = format_info(format);
    return info == nullptr ? 0 : (width + align - 1) / align * align * info->luma_bytes;
}

}  // namespace softnpu
