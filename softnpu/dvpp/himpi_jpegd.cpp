#include "softnpu/dvpp/himpi_jpegd.hpp"

#include "acl/ops/acl_dvpp.h"
#include "softnpu/core/config.hpp"
#include "softnpu/core/status.hpp"

namespace softnpu {
namespace {

constexpr uint32_t kLeast = 32;

uint32_t align(uint32_t value, uint32_t step) {
    return (value + step - 1) / step * step;
}

uint32_t most() {
    return config().soc_name.rfind("Ascend310B", 0) == 0 ? 16384 : 8192;
}

/// The format that keeps the file's sampling; UNKNOWN where there is none.
PixelFormat kept_format(int subsampling) {
    switch (subsampling) {
        case ACL_JPEG_CSS_444:
            return HI_PIXEL_FORMAT_YVU_SEMIPLANAR_444;
        case ACL_JPEG_CSS_422:
            return HI_PIXEL_FORMAT_YVU_SEMIPLANAR_422;
        case ACL_JPEG_CSS_440:
            return HI_PIXEL_FORMAT_YVU_SEMIPLANAR_440;
        case ACL_JPEG_CSS_420:
            return HI_PIXEL_FORMAT_YVU_SEMIPLANAR_420;
        case ACL_JPEG_CSS_GRAY:
            return HI_PIXEL_FORMAT_YUV_400;
        default:
            return HI_PIXEL_FORMAT_UNKNOWN;
    }
}

/// Every sampling becomes itself or 4:2:0, in either order of the chroma.
bool can_become(PixelFormat kept, PixelFormat wanted) {
    if (wanted == HI_PIXEL_FORMAT_YUV_SEMIPLANAR_420 ||
        wanted == HI_PIXEL_FORMAT_YVU_SEMIPLANAR_420 || wanted == kept) {
        return true;
    }
    // Of each semiplanar pair the number before has U first.
    return kept != HI_PIXEL_FORMAT_YUV_400 && wanted == kept - 1;
}

}  // namespace

std::string jpeg_output(const ImageInfo &info, PixelFormat wanted, JpegOutput &output) {
    const PixelFormat kept = kept_format(info.subsampling);
    if (kept == HI_PIXEL_FORMAT_UNKNOWN) {
        return "the file's sampling is not decoded: want 4:4:4, 4:2:2, 4:2:0, 4:4:0 or grey";
    }
    if (info.width < kLeast || info.height < kLeast || info.width > most() ||
        info.height > most()) {
        return "the picture is " + std::to_string(info.width) + "x" + std::to_string(info.height) +
               ": want " + std::to_string(kLeast) + " to " + std::to_string(most()) +
               " on each side";
    }
    output.format = wanted == HI_PIXEL_FORMAT_UNKNOWN ? kept : wanted;
    if (!can_become(kept, output.format)) {
        return "pixel format " + std::to_string(wanted) +
               " is not the file's own sampling: ask for that one, for 4:2:0 semiplanar or UNKNOWN";
    }
    const FormatInfo &format = *format_info(output.format);
    const bool turned = info.orientation >= 5;
    output.width = (turned ? info.height : info.width) >> format.chroma_w << format.chroma_w;
    output.height = (turned ? info.width : info.height) >> format.chroma_h << format.chroma_h;
    output.stride_w = align(output.width, kJpegStep);
    output.stride_h = align(output.height, kJpegRowStep);
    output.bytes = picture_bytes(output.format, output.stride_w, output.stride_h);
    return "";
}

std::string decode_jpeg(const uint8_t *data, size_t size, Picture &picture) {
    const ImageEngine *engine = image_engine();
    if (engine == nullptr) return pending_message();
    ImageInfo info;
    if (std::string why = engine->jpeg_info(data, size, info); !why.empty()) return why;
    JpegOutput output;
    if (std::string why = jpeg_output(info, picture.format, output); !why.empty()) return why;
    picture.format = output.format;
    if (picture.stride_w == 0) picture.stride_w = output.stride_w;
    if (picture.stride_h == 0) picture.stride_h = output.stride_h;
    return engine->jpeg_decode(data, size, picture);
}

}  // namespace softnpu
