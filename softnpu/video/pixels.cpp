#include "softnpu/video/pixels.hpp"

#include <libyuv.h>

extern "C" {
#include <libavutil/pixdesc.h>
#include <libswscale/swscale.h>
}

#include "acl/ops/acl_dvpp.h"
#include "softnpu/video/semiplanar.hpp"

namespace softnpu {
namespace {

std::string check(const Picture &picture) {
    const FormatInfo *info = format_info(picture.format);
    if (info == nullptr) return "the picture's format is not known";
    if (picture.width == 0 || picture.height == 0) return "the picture's size is 0";
    if (picture.stride_w < picture.width * info->luma_bytes || picture.stride_h < picture.height) {
        return "the picture's stride is smaller than its size";
    }
    if (picture_bytes(picture.format, picture.stride_w, picture.stride_h) > picture.size) {
        return "the picture's memory is smaller than its strides ask for";
    }
    return "";
}

bool is_wide(PixelFormat format) {
    return format == PIXEL_FORMAT_YUV_SEMI_PLANNER_420_10BIT ||
           format == PIXEL_FORMAT_YVU_SEMI_PLANNER_420_10BIT;
}

bool has_420(const AVFrame &frame, int depth) {
    const auto format = static_cast<AVPixelFormat>(frame.format);
    if (depth == 8) return format == AV_PIX_FMT_YUV420P || format == AV_PIX_FMT_YUVJ420P;
    return format == AV_PIX_FMT_YUV420P10LE;
}

}  // namespace

PixelWriter::~PixelWriter() {
    sws_freeContext(sws_);
}

PixelWriter::Planes PixelWriter::allocate(std::vector<uint8_t> &memory, int width, int height) {
    const int half = (width + 1) / 2;
    const size_t luma = static_cast<size_t>(width) * static_cast<size_t>(height);
    const size_t chroma = static_cast<size_t>(half) * static_cast<size_t>((height + 1) / 2);
    if (memory.size() < luma + 2 * chroma) memory.resize(luma + 2 * chroma);
    uint8_t *data = memory.data();
    return {{data, data + luma, data + luma + chroma}, {width, half, half}, width, height};
}

/// 10 bits to 8: the two lowest bits go.
void PixelWriter::narrow(const AVFrame &frame, Planes &planes) {
    planes = allocate(eight_bits_, frame.width, frame.height);
    for (int i = 0; i < 3; ++i) {
        const int width = i == 0 ? frame.width : (frame.width + 1) / 2;
        const int height = i == 0 ? frame.height : (frame.height + 1) / 2;
        for (int y = 0; y < height; ++y) {
            const auto *from = reinterpret_cast<const uint16_t *>(
                frame.data[i] + static_cast<ptrdiff_t>(y) * frame.linesize[i]);
            auto *to = const_cast<uint8_t *>(planes.plane[i]) +
                       static_cast<ptrdiff_t>(y) * planes.stride[i];
            for (int x = 0; x < width; ++x) to[x] = static_cast<uint8_t>(from[x] >> 2);
        }
    }
}

/// Any other layout (grey, 4:2:2, 4:4:4) by libswscale.
std::string PixelWriter::convert(const AVFrame &frame, Planes &planes) {
    planes = allocate(eight_bits_, frame.width, frame.height);
    sws_ = sws_getCachedContext(sws_, frame.width, frame.height,
                                static_cast<AVPixelFormat>(frame.format), frame.width, frame.height,
                                AV_PIX_FMT_YUV420P, SWS_BILINEAR | SWS_ACCURATE_RND, nullptr,
                                nullptr, nullptr);
    if (sws_ == nullptr) return "libswscale cannot convert the stream's pixel format";
    uint8_t *const to[4] = {const_cast<uint8_t *>(planes.plane[0]),
                            const_cast<uint8_t *>(planes.plane[1]),
                            const_cast<uint8_t *>(planes.plane[2]), nullptr};
    const int strides[4] = {planes.stride[0], planes.stride[1], planes.stride[2], 0};
    sws_scale(sws_, frame.data, frame.linesize, 0, frame.height, to, strides);
    return "";
}

std::string PixelWriter::to_planes(const AVFrame &frame, Planes &planes) {
    if (has_420(frame, 8)) {
        planes = {{frame.data[0], frame.data[1], frame.data[2]},
                  {frame.linesize[0], frame.linesize[1], frame.linesize[2]},
                  frame.width,
                  frame.height};
        return "";
    }
    if (has_420(frame, 10)) {
        narrow(frame, planes);
        return "";
    }
    return convert(frame, planes);
}

void PixelWriter::scale(Planes &planes, int width, int height) {
    const Planes from = planes;
    planes = allocate(scaled_, width, height);
    libyuv::I420Scale(from.plane[0], from.stride[0], from.plane[1], from.stride[1], from.plane[2],
                      from.stride[2], from.width, from.height,
                      const_cast<uint8_t *>(planes.plane[0]), planes.stride[0],
                      const_cast<uint8_t *>(planes.plane[1]), planes.stride[1],
                      const_cast<uint8_t *>(planes.plane[2]), planes.stride[2], width, height,
                      libyuv::kFilterBilinear);
}

/// 10 bits per sample in the upper bits of 16, as P010.
std::string PixelWriter::write_wide(const AVFrame &frame, const Picture &picture) {
    if (!has_420(frame, 10)) return "a 10 bit format needs a 10 bit 4:2:0 stream";
    if (static_cast<uint32_t>(frame.width) != picture.width ||
        static_cast<uint32_t>(frame.height) != picture.height) {
        return "10 bit output cannot be scaled";
    }
    const bool swapped = format_info(picture.format)->swapped;
    const Plane luma = plane_of(picture, 0);
    const Plane chroma = plane_of(picture, 1);
    const auto source = [&](int i) { return reinterpret_cast<const uint16_t *>(frame.data[i]); };
    libyuv::I010ToP010(source(0), frame.linesize[0] / 2, source(swapped ? 2 : 1),
                       frame.linesize[swapped ? 2 : 1] / 2, source(swapped ? 1 : 2),
                       frame.linesize[swapped ? 1 : 2] / 2, reinterpret_cast<uint16_t *>(luma.data),
                       static_cast<int>(luma.stride / 2), reinterpret_cast<uint16_t *>(chroma.data),
                       static_cast<int>(chroma.stride / 2), frame.width, frame.height);
    return "";
}

std::string PixelWriter::write(const AVFrame &frame, const Picture &picture) {
    if (std::string why = check(picture); !why.empty()) return why;
    if (is_wide(picture.format)) return write_wide(frame, picture);
    Planes from;
    if (std::string why = to_planes(frame, from); !why.empty()) return why;
    const int width = static_cast<int>(picture.width);
    const int height = static_cast<int>(picture.height);
    if (from.width != width || from.height != height) scale(from, width, height);
    const auto &[plane, stride, w, h] = from;
    const Plane luma = plane_of(picture, 0);
    const int pitch = static_cast<int>(luma.stride);
    switch (picture.format) {
        case PIXEL_FORMAT_YUV_400:
            libyuv::CopyPlane(plane[0], stride[0], luma.data, pitch, w, h);
            return "";
        case PIXEL_FORMAT_YUV_SEMIPLANAR_420:
        case PIXEL_FORMAT_YVU_SEMIPLANAR_420: {
            const int first = format_info(picture.format)->swapped ? 2 : 1;
            const int second = 3 - first;
            write_semiplanar({plane[0], plane[first], plane[second], stride[0], stride[first],
                              stride[second], w, h},
                             luma, plane_of(picture, 1));
            return "";
        }
        case PIXEL_FORMAT_BGR_888:  // libyuv names packed formats from the highest byte down
            libyuv::I420ToRGB24Matrix(plane[0], stride[0], plane[1], stride[1], plane[2], stride[2],
                                      luma.data, pitch, &libyuv::kYuvJPEGConstants, w, h);
            return "";
        case PIXEL_FORMAT_RGB_888:
            libyuv::I420ToRGB24Matrix(plane[0], stride[0], plane[2], stride[2], plane[1], stride[1],
                                      luma.data, pitch, &libyuv::kYvuJPEGConstants, w, h);
            return "";
        default:
            return std::string("the decoder cannot write ") + format_info(picture.format)->name;
    }
}

}  // namespace softnpu
