// JPEG to semiplanar YUV: libjpeg gives each component as it was coded, luma straight into the
// picture, chroma interleaved while its rows are still in the cache.
#include <algorithm>
#include <cstring>
#include <memory>
#include <vector>

#include "acl/ops/acl_dvpp.h"
#include "softnpu/image/jpeg.hpp"
#include "softnpu/image/jpeg_error.hpp"

namespace softnpu::image {
namespace {

/// Luma samples for one of chroma along one axis, 0 where that is no whole number.
int times(int luma, int chroma) {
    return luma % chroma == 0 ? luma / chroma : 0;
}

/// Sampling of the file as acldvppJpegFormat. What counts is the ratio: some write 4:2:2 as 2x2,
/// 1x2, 1x2.
int subsampling_of(const jpeg_decompress_struct &state) {
    if (state.num_components == 1) return ACL_JPEG_CSS_GRAY;
    if (state.num_components != 3) return ACL_JPEG_CSS_UNKNOWN;
    const jpeg_component_info *c = state.comp_info;
    if (c[1].h_samp_factor != c[2].h_samp_factor || c[1].v_samp_factor != c[2].v_samp_factor) {
        return ACL_JPEG_CSS_UNKNOWN;
    }
    const int across = times(c[0].h_samp_factor, c[1].h_samp_factor);
    const int down = times(c[0].v_samp_factor, c[1].v_samp_factor);
    switch (across * 10 + down) {
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

/// Why such a file is not decoded, or "". Bands are laid out for luma with the largest factors,
/// which these samplings have: of others, rows and columns would be read beyond their memory.
const char *why_unsupported(const jpeg_decompress_struct &state) {
    if (state.num_components != 1 && state.num_components != 3) {
        return "the file has neither one nor three components";
    }
    if (state.jpeg_color_space != JCS_YCbCr && state.jpeg_color_space != JCS_GRAYSCALE) {
        return "the file's components are not Y, Cb and Cr; decode it elsewhere";
    }
    if (state.data_precision != 8) return "the file has more than 8 bits per sample";
    const int sampling = subsampling_of(state);
    if (sampling == ACL_JPEG_CSS_UNKNOWN || sampling == ACL_JPEG_CSS_411) {
        return "the file's sampling is none of 4:4:4, 4:2:2, 4:2:0, 4:4:0 and 4:0:0";
    }
    return "";
}

/// The format that keeps the file's sampling, with V before U where `swapped`.
PixelFormat native_format(int subsampling, bool swapped) {
    switch (subsampling) {
        case ACL_JPEG_CSS_GRAY:
            return PIXEL_FORMAT_YUV_400;
        case ACL_JPEG_CSS_444:
            return swapped ? PIXEL_FORMAT_YVU_SEMIPLANAR_444 : PIXEL_FORMAT_YUV_SEMIPLANAR_444;
        case ACL_JPEG_CSS_422:
            return swapped ? PIXEL_FORMAT_YVU_SEMIPLANAR_422 : PIXEL_FORMAT_YUV_SEMIPLANAR_422;
        case ACL_JPEG_CSS_440:
            return swapped ? PIXEL_FORMAT_YVU_SEMIPLANAR_440 : PIXEL_FORMAT_YUV_SEMIPLANAR_440;
        default:
            return swapped ? PIXEL_FORMAT_YVU_SEMIPLANAR_420 : PIXEL_FORMAT_YUV_SEMIPLANAR_420;
    }
}

/// Room for one band of rows of each component, which libjpeg fills.
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

    uint8_t *own_row(int component, uint32_t row) {
        return memory[component].data() + row * stride[component];
    }
};

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

/// One file on its way. setjmp needs functions without destructors: those are marked, and what
/// has to be freed is here.
struct Decoder {
    jpeg_decompress_struct state{};
    JpegErrors errors;
    jpeg_progress_mgr progress{};
    Band &band;
    Picture into{};  // where libjpeg's rows go: the picture, or what is turned afterwards
    Ratio ratio;
    bool direct = false;  // luma needs no band
    std::vector<uint8_t> scratch[2];

    explicit Decoder(Band &room) : band(room) { state.err = errors.prepare(); }
    ~Decoder() { jpeg_destroy_decompress(&state); }
    Decoder(const Decoder &) = delete;
    Decoder &operator=(const Decoder &) = delete;

    bool read_header(const uint8_t *data, size_t size);
    ImageInfo info(const uint8_t *data, size_t size) const;
    const char *plan(const Picture &picture);
    bool read();
    void read_bands();
    void write_chroma(const FormatInfo &format, uint32_t first);
    void aim_luma(uint32_t first);
};

/// A file of a few bytes can promise thousands of scans, each as long as the whole picture.
void limit_scans(j_common_ptr state) {
    constexpr int kMost = 200;
    auto *decoder = reinterpret_cast<j_decompress_ptr>(state);
    if (decoder->input_scan_number <= kMost) return;
    auto *errors = reinterpret_cast<JpegErrors *>(state->err);
    std::strcpy(errors->text, "the file has more than 200 scans");
    longjmp(errors->jump, 1);
}

/// longjmp ends here.
bool Decoder::read_header(const uint8_t *data, size_t size) {
    if (setjmp(errors.jump) != 0) return false;
    jpeg_create_decompress(&state);
    progress.progress_monitor = limit_scans;
    state.progress = &progress;
    jpeg_mem_src(&state, data, static_cast<unsigned long>(size));
    jpeg_read_header(&state, TRUE);
    return true;
}

ImageInfo Decoder::info(const uint8_t *data, size_t size) const {
    ImageInfo result;
    result.width = state.image_width;
    result.height = state.image_height;
    result.components = state.num_components;
    result.subsampling = subsampling_of(state);
    result.progressive = state.progressive_mode != 0;
    result.arithmetic = state.arith_code != 0;
    result.unsupported = why_unsupported(state);
    result.orientation = exif_orientation(data, size);
    return result;
}

/// Which reductions lead from the file's sampling to that of `into`; "" where some do.
const char *Decoder::plan(const Picture &picture) {
    into = picture;
    const FormatInfo &format = *format_info(picture.format);
    const auto &luma = state.comp_info[0];
    direct = picture.stride_w >= size_t{luma.width_in_blocks} * DCTSIZE;
    if (format.planes == 1 || state.num_components == 1) return "";
    const auto &chroma = state.comp_info[1];
    const int across = times(luma.h_samp_factor, chroma.h_samp_factor) - 1;
    const int down = times(luma.v_samp_factor, chroma.v_samp_factor) - 1;
    if (across > format.chroma_w || down > format.chroma_h) {
        return "the file's chroma is coarser than the format asked for";
    }
    ratio = {across < format.chroma_w, down < format.chroma_h};
    return "";
}

void Decoder::write_chroma(const FormatInfo &format, uint32_t first) {
    const Plane plane = plane_of(into, 1);
    const uint32_t step = ratio.down ? 2 : 1;
    for (uint32_t y = 0; y < band.rows[1].size(); y += step) {
        const uint32_t to = (first + y) / step;
        if (to >= plane.height) return;
        const uint8_t *lines[2];
        for (int c = 0; c < 2; ++c) {
            lines[c] = band.rows[c + 1][y];
            if (!ratio.across && !ratio.down) continue;
            const uint8_t *below = band.rows[c + 1][ratio.down ? y + 1 : y];
            reduce(lines[c], below, scratch[c].data(), plane.width, ratio.across);
            lines[c] = scratch[c].data();
        }
        if (format.swapped) std::swap(lines[0], lines[1]);
        interleave(lines[0], lines[1], plane.data + plane.stride * to, plane.width);
    }
}

/// Luma rows of the next band go straight into the picture, those below its last row do not.
void Decoder::aim_luma(uint32_t first) {
    for (uint32_t y = 0; y < band.rows[0].size(); ++y) {
        band.rows[0][y] = first + y < into.height ? into.data + size_t{into.stride_w} * (first + y)
                                                  : band.own_row(0, y);
    }
}

void Decoder::read_bands() {
    const FormatInfo &format = *format_info(into.format);
    const auto rows = static_cast<uint32_t>(state.max_v_samp_factor) * DCTSIZE;
    while (state.output_scanline < state.output_height) {
        const uint32_t first = state.output_scanline;
        if (direct) aim_luma(first);
        if (jpeg_read_raw_data(&state, band.planes, rows) == 0) break;
        for (uint32_t y = 0; !direct && y < rows && first + y < into.height; ++y) {
            std::memcpy(into.data + size_t{into.stride_w} * (first + y), band.rows[0][y],
                        into.width);
        }
        if (format.planes == 2 && state.num_components == 3) {
            write_chroma(format, first / rows * static_cast<uint32_t>(band.rows[1].size()));
        }
    }
}

/// longjmp ends here.
bool Decoder::read() {
    if (setjmp(errors.jump) != 0) return false;
    state.raw_data_out = TRUE;
    state.do_fancy_upsampling = FALSE;
    state.out_color_space = state.jpeg_color_space;
    state.dct_method = JDCT_ISLOW;
    jpeg_start_decompress(&state);
    read_bands();
    jpeg_finish_decompress(&state);
    return true;
}

void fill_grey_chroma(const Picture &picture) {
    if (format_info(picture.format)->planes != 2) return;
    const Plane plane = plane_of(picture, 1);
    for (uint32_t y = 0; y < plane.height; ++y) {
        std::memset(plane.data + plane.stride * y, 128, size_t{plane.width} * 2);
    }
}

/// Rounds to whole chroma samples.
uint32_t round_size(uint32_t size, int shift, bool up) {
    return (size + (up ? (1u << shift) - 1 : 0)) >> shift << shift;
}

/// Size, format and room of the result; "" when they fit.
std::string settle(const ImageInfo &info, const JpegDecoding &how, Picture &picture) {
    if (how.settle) {
        if (std::string why = how.settle(info, picture); !why.empty()) return why;
    }
    if (info.unsupported[0] != 0) return info.unsupported;
    if (picture.format == PIXEL_FORMAT_UNKNOWN) {
        picture.format = native_format(info.subsampling, true);
    }
    const FormatInfo *format = format_info(picture.format);
    if (format == nullptr || !format->is_yuv || format->luma_bytes != 1 || format->planes > 2) {
        return "pictures of this format cannot be written; ask for YUV semiplanar";
    }
    picture.width = round_size(info.turned_width(), format->chroma_w, how.round_up);
    picture.height = round_size(info.turned_height(), format->chroma_h, how.round_up);
    if (picture.stride_w < picture.width || picture.stride_h < picture.height) {
        return "the strides are smaller than the picture";
    }
    if (picture.size < picture_bytes(picture.format, picture.stride_w, picture.stride_h)) {
        return "the memory is too small for the strides; acldvppJpegPredictDecSize tells the size";
    }
    return "";
}

/// Memory for the picture as it is coded, before it is turned. Whole blocks, so that what rounding
/// up adds on any side is there.
std::unique_ptr<uint8_t[]> upright(const ImageInfo &info, const Picture &target, Picture &coded) {
    coded = target;
    coded.format = native_format(info.subsampling, format_info(target.format)->swapped);
    coded.width = round_size(info.width, 1, true);
    coded.height = round_size(info.height, 1, true);
    coded.stride_w = (info.width + 31) / 16 * 16;
    coded.stride_h = (info.height + 31) / 16 * 16;
    coded.size = picture_bytes(coded.format, coded.stride_w, coded.stride_h);
    std::unique_ptr<uint8_t[]> memory(new uint8_t[coded.size]);
    coded.data = memory.get();
    return memory;
}

}  // namespace

std::string jpeg_info(const uint8_t *data, size_t size, ImageInfo &info) {
    thread_local Band band;
    Decoder decoder(band);
    if (!decoder.read_header(data, size)) return decoder.errors.text;
    info = decoder.info(data, size);
    return "";
}

std::string jpeg_decode(const uint8_t *data, size_t size, Picture &picture,
                        const JpegDecoding &how) {
    thread_local Band band;
    Decoder decoder(band);
    if (!decoder.read_header(data, size)) return decoder.errors.text;
    const ImageInfo info = decoder.info(data, size);
    if (std::string why = settle(info, how, picture); !why.empty()) return why;
    Picture coded = picture;
    const auto memory = info.orientation == 1 ? nullptr : upright(info, picture, coded);
    if (const char *why = decoder.plan(coded); why[0] != 0) return why;
    band.prepare(decoder.state);
    for (auto &row : decoder.scratch) row.resize(size_t{coded.width} + DCTSIZE);
    if (info.components == 1) fill_grey_chroma(picture);
    if (!decoder.read()) return decoder.errors.text;
    if (memory != nullptr) {
        // Sizes as coded: an added column must not become the first one of a mirrored picture.
        coded.width = info.width;
        coded.height = info.height;
        turn(coded, info.orientation, picture);
    }
    return decoder.errors.damaged ? "the data is damaged; the picture is incomplete" : "";
}

}  // namespace softnpu::image
