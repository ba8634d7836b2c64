// What a JPEG or PNG file becomes when the second media interface decodes it.
#include <algorithm>
#include <cstring>

#include "acl/ops/acl_dvpp.h"
#include "softnpu/api/himpi_pngd.hpp"
#include "softnpu/api/himpi_vdec.hpp"
#include "softnpu/api/himpi_vpc.hpp"
#include "softnpu/core/config.hpp"
#include "softnpu/dvpp/himpi_jpegd.hpp"
#include "softnpu/dvpp/still.hpp"
#include "softnpu/memory/memory.hpp"

using namespace softnpu;

namespace {

/// The same samplings under other numbers.
hi_jpeg_raw_format raw_format(int subsampling) {
    switch (subsampling) {
        case ACL_JPEG_CSS_444:
            return HI_JPEG_RAW_FORMAT_YUV444;
        case ACL_JPEG_CSS_422:
            return HI_JPEG_RAW_FORMAT_YUV422;
        case ACL_JPEG_CSS_420:
            return HI_JPEG_RAW_FORMAT_YUV420;
        case ACL_JPEG_CSS_440:
            return HI_JPEG_RAW_FORMAT_YUV440;
        case ACL_JPEG_CSS_GRAY:
            return HI_JPEG_RAW_FORMAT_YUV400;
        case ACL_JPEG_CSS_411:
            return HI_JPEG_RAW_FORMAT_YUV411;
        default:
            return HI_JPEG_RAW_FORMAT_MAX;
    }
}

/// The file may be in host or device memory.
int read_jpeg(const hi_vdec_stream *stream, PixelFormat wanted, ImageInfo &info,
              JpegOutput &output) {
    SOFTNPU_CHECK(check_vdec_pointer(stream, "stream"));
    SOFTNPU_CHECK(check_vdec_pointer(stream->addr, "stream->addr"));
    if (stream->len == 0) return fail(vdec_error(HI_ERR_VDEC_ILLEGAL_PARAM), "stream->len is 0");
    SOFTNPU_CHECK(
        check_memory("stream", stream->addr, stream->len, vdec_error(HI_ERR_VDEC_BAD_ADDR)));
    const ImageEngine *engine = image_engine();
    if (engine == nullptr) return vdec_error(HI_ERR_VDEC_NOT_SUPPORT);
    const auto *data = static_cast<const uint8_t *>(device_view(stream->addr));
    if (std::string why = engine->jpeg_info(data, stream->len, info); !why.empty()) {
        return fail(vdec_error(HI_ERR_VDEC_ILLEGAL_PARAM), "no JPEG file: %s", why.c_str());
    }
    const std::string why = jpeg_output(info, wanted, YUVOUT_ALIGN_DOWN, output);
    return why.empty() ? 0 : fail(vdec_error(HI_ERR_VDEC_NOT_SUPPORT), "%s", why.c_str());
}

void fill(const JpegOutput &output, hi_img_info &info) {
    std::memset(&info, 0, sizeof info);
    info.width = output.width;
    info.height = output.height;
    info.width_stride = output.stride_w;
    info.height_stride = output.stride_h;
    info.img_buf_size = static_cast<hi_u32>(output.bytes);
}

int check_chip() {
    if (himpi_on_chip()) return 0;
    return fail(vdec_error(HI_ERR_VDEC_NOT_SUPPORT), "%s has no hi_mpi interface; use acldvpp*",
                config().soc_name.c_str());
}

}  // namespace

extern "C" {

hi_s32 hi_mpi_dvpp_get_image_info(hi_payload_type img_type, const hi_vdec_stream *stream,
                                  hi_img_info *img_info) {
    return guarded(__func__, [&] {
        SOFTNPU_CHECK(check_chip());
        SOFTNPU_CHECK(check_vdec_pointer(img_info, "img_info"));
        if (img_type != HI_PT_JPEG) {
            return fail(vdec_error(HI_ERR_VDEC_NOT_SUPPORT),
                        "img_type %d: want JPEG (26); of PNG files hi_mpi_png_get_image_info tells",
                        static_cast<int>(img_type));
        }
        ImageInfo info;
        JpegOutput output;
        SOFTNPU_CHECK(read_jpeg(stream, HI_PIXEL_FORMAT_UNKNOWN, info, output));
        fill(output, *img_info);
        img_info->pixel_format = raw_format(info.subsampling);
        return HI_SUCCESS;
    });
}

hi_s32 hi_mpi_vdec_get_jpegd_output_info(const hi_vdec_stream *stream,
                                         const hi_pixel_format output_format,
                                         hi_img_info *img_info) {
    return guarded(__func__, [&] {
        SOFTNPU_CHECK(check_chip());
        SOFTNPU_CHECK(check_vdec_pointer(img_info, "img_info"));
        ImageInfo info;
        JpegOutput output;
        SOFTNPU_CHECK(read_jpeg(stream, static_cast<PixelFormat>(output_format), info, output));
        fill(output, *img_info);
        img_info->img_pixel_format = static_cast<hi_pixel_format>(output.format);
        return HI_SUCCESS;
    });
}

/// Bytes of a decoded picture; 0 for what is not decoded.
hi_u32 hi_vdec_get_pic_buf_size(hi_payload_type type, hi_pic_buf_attr *buf_attr) {
    return guarded_value(__func__, hi_u32{0}, [&]() -> hi_u32 {
        if (check_vdec_pointer(buf_attr, "buf_attr") != 0) return 0;
        const bool is_jpeg = type == HI_PT_JPEG;
        const auto format = static_cast<PixelFormat>(buf_attr->pixel_format);
        const bool known = is_jpeg ? jpegd_writes(format) : format_info(format) != nullptr;
        if ((!is_jpeg && type != HI_PT_H264 && type != HI_PT_H265) || !known) {
            fail(vdec_error(HI_ERR_VDEC_NOT_SUPPORT), "pictures of type %d and format %d",
                 static_cast<int>(type), format);
            return 0;
        }
        const uint32_t step = std::max(is_jpeg ? jpegd_row_step() : 16u, buf_attr->align);
        const uint32_t rows = std::max(is_jpeg ? kStillRows : 2u, buf_attr->align);
        const bool is_deep = !is_jpeg && buf_attr->bit_width != HI_DATA_BIT_WIDTH_8;
        const uint64_t bytes =
            picture_bytes(format, row_bytes(format, buf_attr->width, step) * (is_deep ? 2 : 1),
                          (buf_attr->height + rows - 1) / rows * rows);
        return bytes > UINT32_MAX ? 0 : static_cast<hi_u32>(bytes);
    });
}

/// A motion vector of 16 bytes for each block of 16x16 pixels; the decoder here needs none of it.
hi_u32 hi_vdec_get_tmv_buf_size(hi_payload_type type, hi_u32 width, hi_u32 height) {
    return guarded_value(__func__, hi_u32{0}, [&]() -> hi_u32 {
        if (type != HI_PT_H264 && type != HI_PT_H265) {
            fail(vdec_error(HI_ERR_VDEC_NOT_SUPPORT), "payload type %d: want H.264 or H.265",
                 static_cast<int>(type));
            return 0;
        }
        if (width > 16384 || height > 16384) {
            fail(vdec_error(HI_ERR_VDEC_ILLEGAL_PARAM), "%ux%u is too large", width, height);
            return 0;
        }
        return (width + 63) / 64 * ((height + 63) / 64) * 256;
    });
}

hi_s32 hi_mpi_png_get_image_info(const hi_img_stream *png_stream, hi_img_info *img_info) {
    return guarded(__func__, [&] {
        SOFTNPU_CHECK(check_pngd_chip());
        SOFTNPU_CHECK(check_pngd_pointer(png_stream, "png_stream"));
        SOFTNPU_CHECK(check_pngd_pointer(img_info, "img_info"));
        SOFTNPU_CHECK(check_pngd_stream(*png_stream));
        SOFTNPU_CHECK(check_memory("png_stream", png_stream->addr, png_stream->len,
                                   pngd_error(HI_ERR_PNGD_BAD_ADDR)));
        const auto *data = static_cast<const uint8_t *>(device_view(png_stream->addr));
        PngOutput output;
        const std::string why = png_output(data, png_stream->len, HI_PIXEL_FORMAT_UNKNOWN, output);
        if (!why.empty()) {
            return fail(pngd_error(HI_ERR_PNGD_ILLEGAL_PARAM), "%s", why.c_str());
        }
        std::memset(img_info, 0, sizeof *img_info);
        img_info->width = output.width;
        img_info->height = output.height;
        img_info->width_stride = output.stride_w;
        img_info->height_stride = output.stride_h;
        img_info->img_buf_size = output.stride_w * output.stride_h;
        img_info->png_pixel_format = static_cast<hi_png_color_format>(output.color_type);
        return HI_SUCCESS;
    });
}

}  // extern "C"
