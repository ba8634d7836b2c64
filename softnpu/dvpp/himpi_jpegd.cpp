#include "softnpu/dvpp/himpi_jpegd.hpp"

#include "acl/ops/acl_dvpp.h"
#include "softnpu/core/status.hpp"
#include "softnpu/dvpp/still.hpp"

namespace softnpu {
namespace {

uint32_t align(uint32_t value, uint32_t step) {
    return (value + step - 1) / step * step;
}

/// A side that chroma divides by 2 to the power of `shift`.
uint32_t rounded(uint32_t side, int shift, hi_jpegd_precision_mode mode) {
    const uint32_t step = 1u << shift;
    return mode == YUVOUT_ALIGN_UP ? align(side, step) : side / step * step;
}

}  // namespace

std::string jpeg_output(const ImageInfo &info, PixelFormat wanted, hi_jpegd_precision_mode mode,
                        JpegOutput &output) {
    // Progressive files are no matter: what the hardware does not decode, the library does.
    if (info.unsupported[0] != 0) return info.unsupported;
    if (std::string why = check_jpegd_format(info, wanted); !why.empty()) return why;
    output.format = wanted == HI_PIXEL_FORMAT_UNKNOWN ? jpegd_own_format(info) : wanted;
    const FormatInfo &format = *format_info(output.format);
    const bool both = mode == YUVOUT_ALIGN_DOWN_COMPAT && (format.chroma_w | format.chroma_h) != 0;
    output.width = rounded(info.turned_width(), both ? 1 : format.chroma_w, mode);
    output.height = rounded(info.turned_height(), both ? 1 : format.chroma_h, mode);
    output.stride_w = align(output.width, jpegd_row_step());
    output.stride_h = align(output.height, kStillRows);
    output.bytes = picture_bytes(output.format, output.stride_w, output.stride_h);
    Picture picture;
    picture.format = output.format;
    picture.stride_w = output.stride_w;
    picture.stride_h = output.stride_h;
    return check_jpegd_result(info, picture);
}

std::string decode_jpeg(const uint8_t *data, size_t size, hi_jpegd_precision_mode mode,
                        Picture &picture) {
    const ImageEngine *engine = image_engine();
    if (engine == nullptr) return take_message();
    JpegOutput output;
    JpegDecoding how;
    how.round_up = mode == YUVOUT_ALIGN_UP;
    how.settle = [&](const ImageInfo &info, Picture &asked) -> std::string {
        if (std::string why = jpeg_output(info, asked.format, mode, output); !why.empty()) {
            return why;
        }
        asked.format = output.format;
        if (asked.stride_w == 0) asked.stride_w = output.stride_w;
        if (asked.stride_h == 0) asked.stride_h = output.stride_h;
        return check_jpegd_result(info, asked);
    };
    if (std::string why = engine->jpeg_decode(data, size, picture, how); !why.empty()) return why;
    picture.width = output.width;  // one less than what was written where both sides are even
    picture.height = output.height;
    return "";
}

}  // namespace softnpu
