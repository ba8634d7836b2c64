// JPEG to semiplanar YUV: libjpeg gives each component as it was coded, chroma is interleaved while
// the rows are still in the cache.
#include <algorithm>
#include <cstring>
#include <vector>

#include "acl/ops/acl_dvpp.h"
#include "softnpu/image/jpeg.hpp"
#include "softnpu/image/jpeg_error.hpp"

namespace softnpu::image {
namespace {

/// Sampling of the file as acldvppJpegFormat.
int subsampling_of(const jpeg_decompress_struct &state) {
    if (state.num_components == 1) return ACL_JPEG_CSS_GRAY;
    if (state.num_components != 3) return ACL_JPEG_CSS_UNKNOWN;
    const jpeg_component_info *c = state.comp_info;
    if (c[1].h_samp_factor != c[2].h_samp_factor || c[1].v_samp_factor != c[2].v_samp_factor ||
        c[1].h_samp_factor != 1 || c[1].v_samp_factor != 1) {
        return ACL_JPEG_CSS_UNKNOWN;
    }
    const int factor = c[0].h_samp_factor * 10 + c[0].v_samp_factor;
    switch (factor) {
        case 11:
            return ACL_JPEG_CSS_444;
        case 21:
            return ACL_JPEG_CSS_422;
        case 22:
            return ACL_JPEG_CSS_420;
        case 12:
            return ACL_JPEG_CSS_440;
        case 41:
            return ACL_JPEG_CSS_411;
        default:
            return ACL_JPEG_CSS_UNKNOWN;
    }
}

/// One band of rows of each component, as libjpeg wants to be given room for it.
struct Band {
    std::vector<uint8_t> memory[3];
    std::vector<JSAMPROW> rows[3];
    JSAMPARRAY planes[3] = {};
    size_t stride[3] = {};

    void prepare(const jpeg_decompress_struct &state) {
        for (int c = 0; c < state.num_components && c < 3; ++c) {
            const jpeg_component_info &info = state.comp_info[c];
            const size_t count = static_cast<size_t>(info.v_samp_factor) * DCTSIZE;
            stride[c] = size_t{info.width_in_blocks + 4} * DCTSIZE;
            memory[c].resize(stride[c] * count);
            rows[c].resize(count);
            for (size_t i = 0; i < count; ++i) rows[c][i] = memory[c].data() + i * stride[c];
            planes[c] = rows[c].data();
        }
    }
};

/// Where chroma rows go, and how those of the file relate to those of the picture.
struct Target {
    const Picture &picture;
    const FormatInfo &info;
    int skip;  // the picture has every second chroma row of the file, by averages
};

void interleave(const uint8_t *u, const uint8_t *v, uint8_t *out, size_t pairs, bool swapped) {
    if (swapped) std::swap(u, v);
    for (size_t x = 0; x < pairs; ++x) {
        out[2 * x] = u[x];
        out[2 * x + 1] = v[x];
    }
}

/// Reduces a chroma row of the file to the picture's width and, over pairs of rows, height.
void reduce(const uint8_t *a, const uint8_t *b, uint8_t *out, size_t pairs, bool across) {
    for (size_t x = 0; x < pairs; ++x) {
        if (across) {
            out[x] =
                static_cast<uint8_t>((a[2 * x] + a[2 * x + 1] + b[2 * x] + b[2 * x + 1] + 2) >> 2);
        } else {
            out[x] = static_cast<uint8_t>((a[x] + b[x] + 1) >> 1);
        }
    }
}

struct Ratio {
    bool across = false;  // two chroma columns of the file for one of the picture
    bool down = false;
};

void write_chroma(const Band &band, const Picture &picture, const FormatInfo &info,
                  const Ratio &ratio, uint32_t first, uint32_t rows) {
    thread_local std::vector<uint8_t> scratch[2];
    const Plane plane = plane_of(picture, 1);
    const uint32_t step = ratio.down ? 2 : 1;
    for (uint32_t y = 0; y < rows; y += step) {
        const uint32_t to = (first + y) / step;
        if (to >= plane.height) return;
        const uint8_t *lines[2];
        for (int c = 0; c < 2; ++c) {
            const uint8_t *a = band.rows[c + 1][y];
            lines[c] = a;
            if (!ratio.across && !ratio.down) continue;
            const uint8_t *b = band.rows[c + 1][ratio.down ? y + 1 : y];
            scratch[c].resize(plane.width + 8);
            reduce(a, b, scratch[c].data(), plane.width, ratio.across);
            lines[c] = scratch[c].data();
        }
        interleave(lines[0], lines[1], plane.data + plane.stride * to, plane.width, info.swapped);
    }
}

/// Which reductions lead from the file's sampling to the picture's; false where none does.
bool find_ratio(const jpeg_decompress_struct &state, const FormatInfo &info, Ratio &ratio) {
    if (info.planes == 1 || state.num_components == 1) return true;
    const jpeg_component_info &luma = state.comp_info[0];
    const int across = luma.h_samp_factor == 2 ? 1 : luma.h_samp_factor == 1 ? 0 : -1;
    const int down = luma.v_samp_factor == 2 ? 1 : luma.v_samp_factor == 1 ? 0 : -1;
    if (across < 0 || down < 0 || across > info.chroma_w || down > info.chroma_h) return false;
    ratio = {across < info.chroma_w, down < info.chroma_h};
    return true;
}

void fill_grey_chroma(const Picture &picture, const FormatInfo &info) {
    if (info.planes != 2) return;
    const Plane plane = plane_of(picture, 1);
    for (uint32_t y = 0; y < plane.height; ++y) {
        std::memset(plane.data + plane.stride * y, 128, size_t{plane.width} * 2);
    }
}

/// Everything after the header. No object with a destructor lives here: longjmp passes through.
void read_bands(jpeg_decompress_struct &state, Band &band, const Picture &picture,
                const FormatInfo &info, const Ratio &ratio) {
    const uint32_t luma_rows = static_cast<uint32_t>(state.max_v_samp_factor) * DCTSIZE;
    while (state.output_scanline < state.output_height) {
        const uint32_t first = state.output_scanline;
        if (jpeg_read_raw_data(&state, band.planes, luma_rows) == 0) break;
        for (uint32_t y = 0; y < luma_rows && first + y < picture.height; ++y) {
            std::memcpy(picture.data + size_t{picture.stride_w} * (first + y), band.rows[0][y],
                        picture.width);
        }
        if (info.planes == 2 && state.num_components == 3) {
            write_chroma(band, picture, info, ratio,
                         first / static_cast<uint32_t>(state.max_v_samp_factor), DCTSIZE);
        }
    }
}

/// The format that keeps the file's sampling.
PixelFormat native_format(int subsampling) {
    switch (subsampling) {
        case ACL_JPEG_CSS_GRAY:
            return PIXEL_FORMAT_YUV_400;
        case ACL_JPEG_CSS_444:
            return PIXEL_FORMAT_YUV_SEMIPLANAR_444;
        case ACL_JPEG_CSS_422:
            return PIXEL_FORMAT_YUV_SEMIPLANAR_422;
        case ACL_JPEG_CSS_440:
            return PIXEL_FORMAT_YUV_SEMIPLANAR_440;
        default:
            return PIXEL_FORMAT_YUV_SEMIPLANAR_420;
    }
}

/// Size, format and room of the result; "" when they fit.
const char *settle(const jpeg_decompress_struct &state, Picture &picture, Ratio &ratio) {
    if (state.num_components != 1 && state.num_components != 3) {
        return "the file has neither one nor three components";
    }
    if (state.jpeg_color_space != JCS_YCbCr && state.jpeg_color_space != JCS_GRAYSCALE) {
        return "the file's components are not Y, Cb and Cr; decode it elsewhere";
    }
    // Bands are laid out for luma with the largest factors and chroma of 1x1: rows and columns
    // beyond a component's own would be read outside of its memory.
    if (state.num_components == 3 && subsampling_of(state) == ACL_JPEG_CSS_UNKNOWN) {
        return "the file's sampling is unusual: want 4:4:4, 4:2:2, 4:2:0, 4:4:0 or 4:1:1";
    }
    if (picture.format == PIXEL_FORMAT_UNKNOWN)
        picture.format = native_format(subsampling_of(state));
    const FormatInfo *info = format_info(picture.format);
    if (info == nullptr || !info->is_yuv || info->luma_bytes != 1 || info->planes > 2) {
        return "pictures of this format cannot be written; ask for YUV semiplanar";
    }
    if (!find_ratio(state, *info, ratio)) {
        return "the file's chroma is coarser than the format asked for, or its sampling is unusual";
    }
    picture.width = state.image_width >> info->chroma_w << info->chroma_w;
    picture.height = state.image_height >> info->chroma_h << info->chroma_h;
    if (picture.stride_w < picture.width || picture.stride_h < picture.height) {
        return "the strides are smaller than the picture";
    }
    if (picture.size < picture_bytes(picture.format, picture.stride_w, picture.stride_h)) {
        return "the memory is too small for the strides; acldvppJpegPredictDecSize tells the size";
    }
    return "";
}

std::string decode(jpeg_decompress_struct &state, JpegErrors &errors, Band &band,
                   const uint8_t *data, size_t size, Picture &picture) {
    if (setjmp(errors.jump) != 0) return errors.text;
    jpeg_create_decompress(&state);
    jpeg_mem_src(&state, data, static_cast<unsigned long>(size));
    jpeg_read_header(&state, TRUE);
    Ratio ratio;
    if (const char *why = settle(state, picture, ratio); why[0] != 0) return why;
    state.raw_data_out = TRUE;
    state.do_fancy_upsampling = FALSE;
    state.out_color_space = state.jpeg_color_space;
    state.dct_method = JDCT_ISLOW;
    jpeg_start_decompress(&state);
    band.prepare(state);
    const FormatInfo &info = *format_info(picture.format);
    if (state.num_components == 1) fill_grey_chroma(picture, info);
    read_bands(state, band, picture, info, ratio);
    jpeg_finish_decompress(&state);
    return errors.damaged ? "the data is damaged; the picture is incomplete" : "";
}

}  // namespace

std::string jpeg_info(const uint8_t *data, size_t size, ImageInfo &info) {
    jpeg_decompress_struct state{};
    JpegErrors errors;
    state.err = errors.prepare();
    if (setjmp(errors.jump) != 0) {
        jpeg_destroy_decompress(&state);
        return errors.text;
    }
    jpeg_create_decompress(&state);
    jpeg_mem_src(&state, data, static_cast<unsigned long>(size));
    jpeg_read_header(&state, TRUE);
    info.width = state.image_width;
    info.height = state.image_height;
    info.components = state.num_components;
    info.subsampling = subsampling_of(state);
    info.progressive = state.progressive_mode != 0;
    info.arithmetic = state.arith_code != 0;
    jpeg_destroy_decompress(&state);
    info.orientation = exif_orientation(data, size);
    return "";
}

std::string jpeg_decode(const uint8_t *data, size_t size, Picture &picture) {
    thread_local Band band;
    jpeg_decompress_struct state{};
    JpegErrors errors;
    state.err = errors.prepare();
    std::string why = decode(state, errors, band, data, size, picture);
    jpeg_destroy_decompress(&state);
    return why;
}

}  // namespace softnpu::image
