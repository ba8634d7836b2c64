#include "softnpu/scale/normal.hpp"

#include <cstring>

#include "acl/ops/acl_dvpp.h"

namespace softnpu {
namespace {

PixelFormat normal_format(PixelFormat format) {
    switch (format) {
        case PIXEL_FORMAT_YVU_SEMIPLANAR_422:
            return PIXEL_FORMAT_YUV_SEMIPLANAR_422;
        case PIXEL_FORMAT_VYUY_PACKED_422:
            return PIXEL_FORMAT_UYVY_PACKED_422;
        case PIXEL_FORMAT_YUV_PACKED_444:
        case PIXEL_FORMAT_YUV_SEMIPLANAR_440:
            return PIXEL_FORMAT_YUV_SEMIPLANAR_444;
        case PIXEL_FORMAT_YVU_SEMIPLANAR_440:
            return PIXEL_FORMAT_YVU_SEMIPLANAR_444;
        default:
            return format;
    }
}

void copy_rows(const Plane &from, const Plane &to, size_t bytes) {
    for (uint32_t y = 0; y < from.height; ++y) {
        std::memcpy(to.data + to.stride * y, from.data + from.stride * y, bytes);
    }
}

/// Swaps two samples of every group: U and V, whichever way round.
void copy_swapped(const Plane &from, const Plane &to, size_t bytes, size_t group, size_t other) {
    for (uint32_t y = 0; y < from.height; ++y) {
        const uint8_t *in = from.data + from.stride * y;
        uint8_t *out = to.data + to.stride * y;
        for (size_t x = 0; x + group <= bytes; x += group) {
            std::memcpy(out + x, in + x, group);
            out[x] = in[x + other];
            out[x + other] = in[x];
        }
    }
}

/// Between YUV in three bytes and a plane of Y with a plane of UV.
void split(const Plane &packed, const Plane &luma, const Plane &chroma) {
    for (uint32_t y = 0; y < packed.height; ++y) {
        const uint8_t *in = packed.data + packed.stride * y;
        uint8_t *first = luma.data + luma.stride * y, *second = chroma.data + chroma.stride * y;
        for (size_t x = 0; x < packed.width; ++x) {
            first[x] = in[3 * x];
            second[2 * x] = in[3 * x + 1];
            second[2 * x + 1] = in[3 * x + 2];
        }
    }
}

void join(const Plane &luma, const Plane &chroma, const Plane &packed) {
    for (uint32_t y = 0; y < packed.height; ++y) {
        uint8_t *out = packed.data + packed.stride * y;
        const uint8_t *first = luma.data + luma.stride * y;
        const uint8_t *second = chroma.data + chroma.stride * y;
        for (size_t x = 0; x < packed.width; ++x) {
            out[3 * x] = first[x];
            out[3 * x + 1] = second[2 * x];
            out[3 * x + 2] = second[2 * x + 1];
        }
    }
}

/// 4:4:0: a row of chroma serves two rows of luma.
void double_rows(const Plane &half, const Plane &full) {
    for (uint32_t y = 0; y < full.height; ++y) {
        std::memcpy(full.data + full.stride * y, half.data + half.stride * (y / 2),
                    size_t{full.width} * 2);
    }
}

void drop_rows(const Plane &full, const Plane &half) {
    for (uint32_t y = 0; y < half.height; ++y) {
        std::memcpy(half.data + half.stride * y, full.data + full.stride * (size_t{2} * y),
                    size_t{full.width} * 2);
    }
}

}  // namespace

NormalPicture::NormalPicture(const Picture &picture) : original_(picture), normal_(picture) {
    normal_.format = normal_format(picture.format);
    if (normal_.format == picture.format) return;
    normal_.stride_w = row_bytes(normal_.format, picture.width, 16);
    normal_.stride_h = picture.height;
    normal_.size = picture_bytes(normal_.format, normal_.stride_w, normal_.stride_h);
    memory_.resize(normal_.size + 64);  // the libraries may read a little more
    normal_.data = memory_.data();
}

NormalPicture NormalPicture::of_source(const Picture &picture) {
    NormalPicture made(picture);
    if (made.is_copy()) made.load();
    return made;
}

NormalPicture NormalPicture::of_target(const Picture &picture) {
    return NormalPicture(picture);
}

void NormalPicture::load() const {
    const Plane from = plane_of(original_, 0), to = plane_of(normal_, 0);
    const size_t width = original_.width;
    if (original_.format == PIXEL_FORMAT_VYUY_PACKED_422) {
        copy_swapped(from, to, width * 2, 4, 2);
    } else if (original_.format == PIXEL_FORMAT_YUV_PACKED_444) {
        split(from, to, plane_of(normal_, 1));
    } else {
        copy_rows(from, to, width);
        const Plane chroma = plane_of(original_, 1), normal = plane_of(normal_, 1);
        if (original_.format == PIXEL_FORMAT_YVU_SEMIPLANAR_422) {
            copy_swapped(chroma, normal, size_t{chroma.width} * 2, 2, 1);
        } else {
            double_rows(chroma, normal);
        }
    }
}

void NormalPicture::store() const {
    if (!is_copy()) return;
    const Plane from = plane_of(normal_, 0), to = plane_of(original_, 0);
    const size_t width = original_.width;
    if (original_.format == PIXEL_FORMAT_VYUY_PACKED_422) {
        copy_swapped(from, to, width * 2, 4, 2);
    } else if (original_.format == PIXEL_FORMAT_YUV_PACKED_444) {
        join(from, plane_of(normal_, 1), to);
    } else {
        copy_rows(from, to, width);
        const Plane normal = plane_of(normal_, 1), chroma = plane_of(original_, 1);
        if (original_.format == PIXEL_FORMAT_YVU_SEMIPLANAR_422) {
            copy_swapped(normal, chroma, size_t{chroma.width} * 2, 2, 1);
        } else {
            drop_rows(normal, chroma);
        }
    }
}

}  // namespace softnpu
