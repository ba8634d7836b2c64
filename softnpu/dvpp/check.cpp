#include "softnpu/dvpp/check.hpp"

#include <algorithm>

#include "acl/ops/acl_dvpp.h"
#include "softnpu/core/status.hpp"
#include "softnpu/core/text.hpp"
#include "softnpu/dvpp/chip.hpp"
#include "softnpu/memory/memory.hpp"

namespace softnpu {
namespace {

constexpr uint32_t kLeastWidth = 10, kLeastHeight = 6;
constexpr uint32_t kMostSide = 4096, kMostSideYuv = 8192;
constexpr uint32_t kLeastStride = 32, kMostStride = 16384;

std::string check_strides(const char *what, const Picture &picture, const FormatInfo &info) {
    const uint32_t align = newer_generation() ? 1 : 16;
    const uint32_t least = std::max(row_bytes(picture.format, picture.width, align),
                                    newer_generation() ? kLeastWidth : kLeastStride);
    if (picture.stride_w < least || picture.stride_w > kMostStride ||
        picture.stride_w % (align * (info.planes == 1 ? info.luma_bytes : 1)) != 0) {
        return text("%s: stride %u for width %u of %s: want %u to %u bytes, in steps of %u", what,
                    picture.stride_w, picture.width, info.name, least, kMostStride,
                    align * (info.planes == 1 ? info.luma_bytes : 1u));
    }
    const bool even = info.chroma_h != 0 && !newer_generation();
    if (picture.stride_h < picture.height || picture.stride_h > kMostStride ||
        (even && picture.stride_h % 2 != 0)) {
        return text("%s: height stride %u for height %u: want the height to %u%s", what,
                    picture.stride_h, picture.height, kMostStride, even ? ", even" : "");
    }
    return "";
}

std::string check_even(const Picture &picture, const Rect &rect, const char *what) {
    const FormatInfo &info = *format_info(picture.format);
    const bool odd_x = info.chroma_w != 0 && (rect.left % 2 != 0 || rect.width % 2 != 0);
    const bool odd_y = info.chroma_h != 0 && (rect.top % 2 != 0 || rect.height % 2 != 0);
    if (!odd_x && !odd_y) return "";
    return text("%s [%u, %u] x [%u, %u]: %s wants even left and top, odd right and bottom", what,
                rect.left, rect.left + rect.width - 1, rect.top, rect.top + rect.height - 1,
                info.name);
}

std::string check_inside(const Picture &picture, const Rect &rect, const char *what) {
    // The second interface takes any 32-bit corner: the sums need more room.
    if (uint64_t{rect.left} + rect.width <= picture.width &&
        uint64_t{rect.top} + rect.height <= picture.height) {
        return "";
    }
    return text("%s [%u, %u] x [%u, %u] does not lie inside %ux%u", what, rect.left,
                rect.left + rect.width - 1, rect.top, rect.top + rect.height - 1, picture.width,
                picture.height);
}

std::string check_size(const Rect &rect, const char *what) {
    if (rect.width >= kLeastWidth && rect.height >= kLeastHeight) return "";
    return text("%s is %ux%u: want at least %ux%u", what, rect.width, rect.height, kLeastWidth,
                kLeastHeight);
}

}  // namespace

std::string check_vpc_format(const char *what, PixelFormat format, PictureUse use) {
    const FormatInfo *info = format_info(format);
    if (info == nullptr) return text("%s: pixel format %d is not supported", what, format);
    const bool wide = info->is_yuv && info->planes == 2 && info->luma_bytes == 2;
    const bool newer = info->planes == 3 || format == kYvuPacked444;
    if (wide || (newer && use != PictureUse::pixels)) {
        return text("%s: the picture engine does not take %s", what, info->name);
    }
    if (use == PictureUse::filter && is_packed_422(format)) {
        return text("%s: no pyramid of %s; convert it to a format with planes first", what,
                    info->name);
    }
    if (use == PictureUse::statistic && has_alpha(format)) {
        return text("%s: no histogram or table of %s; convert it to RGB_888 first", what,
                    info->name);
    }
    return "";
}

std::string check_geometry(const char *what, const Picture &picture) {
    const FormatInfo *info = format_info(picture.format);
    if (info == nullptr) return text("%s: pixel format %d is unknown", what, picture.format);
    const uint32_t most = info->is_yuv && info->luma_bytes == 1 ? kMostSideYuv : kMostSide;
    const uint32_t most_high = newer_generation() ? kMostSideYuv : most;
    if (picture.width < kLeastWidth || picture.height < kLeastHeight || picture.width > most ||
        picture.height > most_high) {
        return text("%s is %ux%u: want %ux%u to %ux%u for %s", what, picture.width, picture.height,
                    kLeastWidth, kLeastHeight, most, most_high, info->name);
    }
    if ((info->chroma_w != 0 && picture.width % 2 != 0) ||
        (info->chroma_h != 0 && picture.height % 2 != 0)) {
        return text("%s is %ux%u: %s wants even sizes", what, picture.width, picture.height,
                    info->name);
    }
    if (std::string why = check_strides(what, picture, *info); !why.empty()) return why;
    size_t needed = picture_bytes(picture.format, picture.stride_w, picture.stride_h);
    // The first chips read grey pictures as NV12 whose chroma they ignore.
    if (picture.format == PIXEL_FORMAT_YUV_400 && first_generation()) needed = needed * 3 / 2;
    if (picture.size < needed) {
        return text("%s: size %zu: strides %ux%u of %s take %zu bytes", what, picture.size,
                    picture.stride_w, picture.stride_h, info->name, needed);
    }
    return "";
}

std::string check_stream_size(uint32_t width, uint32_t height, uint32_t most) {
    constexpr uint32_t kLeast = 128;
    if (std::min(width, height) >= kLeast && std::max(width, height) <= most) return "";
    return text("frames of %ux%u: the decoder takes 128x128 to %ux%u", width, height, most, most);
}

std::string check_crop(const Picture &picture, const Rect &rect) {
    if (std::string why = check_inside(picture, rect, "the crop area"); !why.empty()) return why;
    if (std::string why = check_size(rect, "the crop area"); !why.empty()) return why;
    return check_even(picture, rect, "the crop area");
}

std::string check_paste(const Picture &picture, const Rect &rect) {
    if (std::string why = check_inside(picture, rect, "the paste area"); !why.empty()) return why;
    if (std::string why = check_size(rect, "the paste area"); !why.empty()) return why;
    if (rect.left % 16 != 0 && !newer_generation()) {
        return text("the paste area begins at column %u: want a multiple of 16", rect.left);
    }
    return check_even(picture, rect, "the paste area");
}

std::string check_scale(const Rect &crop, const Rect &paste) {
    const auto fits = [](uint32_t in, uint32_t out) {
        return uint64_t{out} * 32 >= in && out <= uint64_t{in} * 16;
    };
    if (fits(crop.width, paste.width) && fits(crop.height, paste.height)) return "";
    return text("scaling %ux%u to %ux%u: want a ratio of 1/32 to 16 per axis", crop.width,
                crop.height, paste.width, paste.height);
}

std::string check_picture_memory(const char *what, Picture &picture) {
    Allocation found;
    if (!find_allocation(picture.data, found)) {
        return text("%s: its memory %s is not alive on the device; allocate it with acldvppMalloc",
                    what, describe_address(picture.data).c_str());
    }
    const bool own = found.kind == MemoryKind::dvpp || found.kind == MemoryKind::himpi;
    const bool other = found.kind == MemoryKind::device || found.kind == MemoryKind::cached;
    if (!own && !(newer_generation() && other)) {
        return text("%s: its memory %s is not of the media heap; allocate it with acldvppMalloc",
                    what, describe_address(picture.data).c_str());
    }
    const auto offset = reinterpret_cast<uintptr_t>(picture.data) - found.address;
    if (found.size - offset < picture.size) {
        return text("%s: %zu bytes do not fit into %s", what, picture.size,
                    describe_address(picture.data).c_str());
    }
    if (reinterpret_cast<uintptr_t>(picture.data) % 16 != 0) {
        return text("%s: its memory %p is not at a multiple of 16", what,
                    static_cast<void *>(picture.data));
    }
    picture.data = static_cast<uint8_t *>(device_view(picture.data));
    return "";
}

}  // namespace softnpu
