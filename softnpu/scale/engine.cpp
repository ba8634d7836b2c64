// Scaling: planes with libyuv, packed formats with libswscale.
#include <libyuv.h>

extern "C" {
#include <libavutil/avutil.h>
#include <libswscale/swscale.h>
}

#include <algorithm>
#include <array>
#include <memory>

#include "acl/ops/acl_dvpp.h"
#include "softnpu/dvpp/engines.hpp"
#include "softnpu/scale/normal.hpp"

namespace softnpu {
namespace {

AVPixelFormat av_format(PixelFormat format) {
    switch (format) {
        case PIXEL_FORMAT_YUV_400:
            return AV_PIX_FMT_GRAY8;
        case PIXEL_FORMAT_YUV_SEMIPLANAR_420:
            return AV_PIX_FMT_NV12;
        case PIXEL_FORMAT_YVU_SEMIPLANAR_420:
            return AV_PIX_FMT_NV21;
        case PIXEL_FORMAT_YUV_SEMIPLANAR_422:
            return AV_PIX_FMT_NV16;
        case PIXEL_FORMAT_YUV_SEMIPLANAR_444:
            return AV_PIX_FMT_NV24;
        case PIXEL_FORMAT_YVU_SEMIPLANAR_444:
            return AV_PIX_FMT_NV42;
        case PIXEL_FORMAT_YUYV_PACKED_422:
            return AV_PIX_FMT_YUYV422;
        case PIXEL_FORMAT_UYVY_PACKED_422:
            return AV_PIX_FMT_UYVY422;
        case PIXEL_FORMAT_YVYU_PACKED_422:
            return AV_PIX_FMT_YVYU422;
        case PIXEL_FORMAT_RGB_888:
            return AV_PIX_FMT_RGB24;
        case PIXEL_FORMAT_BGR_888:
            return AV_PIX_FMT_BGR24;
        case PIXEL_FORMAT_ARGB_8888:
            return AV_PIX_FMT_ARGB;
        case PIXEL_FORMAT_ABGR_8888:
            return AV_PIX_FMT_ABGR;
        case PIXEL_FORMAT_RGBA_8888:
            return AV_PIX_FMT_RGBA;
        case PIXEL_FORMAT_BGRA_8888:
            return AV_PIX_FMT_BGRA;
        default:
            return AV_PIX_FMT_NONE;
    }
}

struct AvPlanes {
    std::array<uint8_t *, 4> data{};
    std::array<int, 4> stride{};

    explicit AvPlanes(const Picture &picture) {
        const int count = std::min<int>(format_info(picture.format)->planes, 2);
        for (int i = 0; i < count; ++i) {
            const Plane plane = plane_of(picture, i);
            data[static_cast<size_t>(i)] = plane.data;
            stride[static_cast<size_t>(i)] = static_cast<int>(plane.stride);
        }
    }
};

struct FreeContext {
    void operator()(SwsContext *context) const { sws_freeContext(context); }
};

/// Scales without another colour.
std::string run_swscale(const Picture &source, const Picture &target, int flags) {
    const AVPixelFormat from = av_format(source.format), to = av_format(target.format);
    if (from == AV_PIX_FMT_NONE || to == AV_PIX_FMT_NONE || sws_isSupportedInput(from) == 0 ||
        sws_isSupportedOutput(to) == 0) {
        return std::string("no scaling of ") + format_info(source.format)->name + " here";
    }
    thread_local std::unique_ptr<SwsContext, FreeContext> kept;
    const auto size = [](uint32_t value) { return static_cast<int>(value); };
    kept.reset(sws_getCachedContext(kept.release(), size(source.width), size(source.height), from,
                                    size(target.width), size(target.height), to,
                                    flags | SWS_ACCURATE_RND | SWS_FULL_CHR_H_INT, nullptr, nullptr,
                                    nullptr));
    if (kept == nullptr) return "libswscale refuses these sizes";
    // Grey and the like are not to be taken for narrow ones.
    const int *table = sws_getCoefficients(SWS_CS_ITU601);
    sws_setColorspaceDetails(kept.get(), table, 1, table, 1, 0, 1 << 16, 1 << 16);
    const AvPlanes in(source), out(target);
    const int rows = sws_scale(kept.get(), in.data.data(), in.stride.data(), 0, size(source.height),
                               out.data.data(), out.stride.data());
    return rows == size(target.height) ? "" : "libswscale failed";
}

void scale_planes(const Picture &source, const Picture &target, libyuv::FilterMode mode) {
    for (int i = 0; i < format_info(source.format)->planes; ++i) {
        const Plane in = plane_of(source, i), out = plane_of(target, i);
        const auto number = [](auto value) { return static_cast<int>(value); };
        const int from[] = {number(in.stride), number(in.width), number(in.height)};
        const int to[] = {number(out.stride), number(out.width), number(out.height)};
        if (i == 0) {
            libyuv::ScalePlane(in.data, from[0], from[1], from[2], out.data, to[0], to[1], to[2],
                               mode);
        } else {
            libyuv::UVScale(in.data, from[0], from[1], from[2], out.data, to[0], to[1], to[2],
                            mode);
        }
    }
}

class Engine final : public ScaleEngine {
  public:
    const char *version() const noexcept override {
        static const std::string text = "libyuv " + std::to_string(LIBYUV_VERSION) +
                                        ", libswscale " + std::to_string(LIBSWSCALE_VERSION_MAJOR) +
                                        "." + std::to_string(LIBSWSCALE_VERSION_MINOR) + "." +
                                        std::to_string(LIBSWSCALE_VERSION_MICRO);
        return text.c_str();
    }

    std::string resize(const Picture &from, const Picture &to, Interpolation how) const override {
        const NormalPicture in = NormalPicture::of_source(from), out = NormalPicture::of_target(to);
        std::string why = resize_normal(in.picture(), out.picture(), how);
        if (why.empty()) out.store();
        return why;
    }

  private:
    static std::string resize_normal(const Picture &source, const Picture &target,
                                     Interpolation how) {
        const FormatInfo &info = *format_info(source.format);
        const bool nearest = how == Interpolation::nearest || how == Interpolation::nearest_tf;
        if (info.is_yuv && info.luma_bytes == 1 && info.planes <= 2) {
            scale_planes(source, target, nearest ? libyuv::kFilterNone : libyuv::kFilterBilinear);
            return "";
        }
        return run_swscale(source, target, nearest ? SWS_POINT : SWS_BILINEAR);
    }
};

const Engine g_engine;

}  // namespace
}  // namespace softnpu

SOFTNPU_EXPORT_ENGINE(scale, softnpu::g_engine)
