// YUV pictures to JPEG, the components handed over as they are.
#include <algorithm>
#include <cstdlib>
#include <cstring>
#include <vector>

#include "acl/ops/acl_dvpp.h"
#include "softnpu/image/jpeg.hpp"
#include "softnpu/image/jpeg_error.hpp"

namespace softnpu::image {
namespace {

/// Where luma and chroma lie in a packed 4:2:2 pixel pair.
struct PackedOrder {
    size_t y, u, v;
};

bool packed_order(PixelFormat format, PackedOrder &order) {
    switch (format) {
        case PIXEL_FORMAT_YUYV_PACKED_422:
            order = {0, 1, 3};
            return true;
        case PIXEL_FORMAT_UYVY_PACKED_422:
            order = {1, 0, 2};
            return true;
        case PIXEL_FORMAT_YVYU_PACKED_422:
            order = {0, 3, 1};
            return true;
        case PIXEL_FORMAT_VYUY_PACKED_422:
            order = {1, 2, 0};
            return true;
        default:
            return false;
    }
}

/// 16 rows of luma and their chroma, in components and padded to whole blocks.
struct Band {
    std::vector<uint8_t> memory[3];
    JSAMPROW rows[3][16];
    JSAMPARRAY planes[3] = {rows[0], rows[1], rows[2]};
    size_t stride = 0;

    void prepare(uint32_t width) {
        stride = size_t{(width + 31) / 32} * 32;
        for (int c = 0; c < 3; ++c) {
            memory[c].resize(stride * 16);
            for (size_t y = 0; y < 16; ++y) rows[c][y] = own_row(c, y);
        }
    }

    uint8_t *own_row(int component, size_t row) { return memory[component].data() + row * stride; }
};

/// Repeats the last sample up to the next block.
void pad(uint8_t *row, size_t used, size_t stride) {
    if (used < stride) std::memset(row + used, row[used - 1], stride - used);
}

/// Luma of whole blocks is read where it lies; libjpeg's interface only forgot the const.
void load_luma(const Picture &picture, uint32_t first, Band &band) {
    const bool whole = picture.width % DCTSIZE == 0;
    for (uint32_t y = 0; y < 16; ++y) {
        const uint32_t row = std::min(first + y, picture.height - 1);
        uint8_t *in = picture.data + size_t{picture.stride_w} * row;
        band.rows[0][y] = whole ? in : band.own_row(0, y);
        if (whole) continue;
        std::memcpy(band.rows[0][y], in, picture.width);
        pad(band.rows[0][y], picture.width, band.stride);
    }
}

void load_semiplanar(const Picture &picture, uint32_t first, Band &band) {
    const Plane chroma = plane_of(picture, 1);
    const bool swapped = format_info(picture.format)->swapped;
    load_luma(picture, first, band);
    for (uint32_t y = 0; y < 8; ++y) {
        const uint32_t row = std::min(first / 2 + y, chroma.height - 1);
        uint8_t *u = band.rows[swapped ? 2 : 1][y], *v = band.rows[swapped ? 1 : 2][y];
        separate(chroma.data + chroma.stride * row, u, v, chroma.width);
        pad(u, chroma.width, band.stride / 2);
        pad(v, chroma.width, band.stride / 2);
    }
}

void load_packed(const Picture &picture, const PackedOrder &order, uint32_t first, Band &band) {
    const uint32_t pairs = picture.width / 2;
    for (uint32_t y = 0; y < 8; ++y) {
        const uint32_t row = std::min(first + y, picture.height - 1);
        uint8_t *luma = band.rows[0][y], *u = band.rows[1][y], *v = band.rows[2][y];
        // Two bytes of luma and two of chroma, which one comes first is the order's matter.
        uint8_t *chroma = band.own_row(2, 8);
        const bool luma_first = order.y == 0;
        separate(picture.data + size_t{picture.stride_w} * row, luma_first ? luma : chroma,
                 luma_first ? chroma : luma, size_t{pairs} * 2);
        const bool u_first = order.u < order.v;
        separate(chroma, u_first ? u : v, u_first ? v : u, pairs);
        pad(luma, picture.width, band.stride);
        pad(u, pairs, band.stride / 2);
        pad(v, pairs, band.stride / 2);
    }
}

/// Where two components have equal tables one will do.
void share_quantisers(jpeg_compress_struct &state) {
    for (int c = 1; c < 3; ++c) {
        for (int other = 0; other < c; ++other) {
            jpeg_component_info &mine = state.comp_info[c];
            const int theirs = state.comp_info[other].quant_tbl_no;
            if (std::memcmp(state.quant_tbl_ptrs[mine.quant_tbl_no]->quantval,
                            state.quant_tbl_ptrs[theirs]->quantval,
                            sizeof state.quant_tbl_ptrs[theirs]->quantval) == 0) {
                mine.quant_tbl_no = theirs;
                break;
            }
        }
    }
}

void set_quantisers(jpeg_compress_struct &state, const JpegCoding &coding) {
    if (coding.quantisers == nullptr) {
        jpeg_set_quality(&state, coding.quality, TRUE);
    } else {
        unsigned values[DCTSIZE2];
        for (int c = 0; c < 3; ++c) {
            std::copy(coding.quantisers[c], coding.quantisers[c] + DCTSIZE2, values);
            jpeg_add_quant_table(&state, c, values, 100, TRUE);
            state.comp_info[c].quant_tbl_no = c;
        }
    }
    if (coding.compact) share_quantisers(state);
}

void set_code(JHUFF_TBL &table, const JpegCoding::Code &code) {
    if (code.bits == nullptr) return;
    std::memset(&table, 0, sizeof table);
    std::copy(code.bits, code.bits + 16, table.bits + 1);  // libjpeg counts from 1
    size_t count = 0;
    for (int i = 0; i < 16; ++i) count += code.bits[i];
    std::copy(code.values, code.values + count, table.huffval);
}

bool same_code(const JHUFF_TBL &a, const JHUFF_TBL &b) {
    return std::memcmp(a.bits, b.bits, sizeof a.bits) == 0 &&
           std::memcmp(a.huffval, b.huffval, sizeof a.huffval) == 0;
}

void set_codes(jpeg_compress_struct &state, const JpegCoding &coding) {
    for (int i = 0; i < 2; ++i) {
        set_code(*state.dc_huff_tbl_ptrs[i], coding.dc[i]);
        set_code(*state.ac_huff_tbl_ptrs[i], coding.ac[i]);
    }
    if (!coding.compact) return;
    const bool dc = same_code(*state.dc_huff_tbl_ptrs[0], *state.dc_huff_tbl_ptrs[1]);
    const bool ac = same_code(*state.ac_huff_tbl_ptrs[0], *state.ac_huff_tbl_ptrs[1]);
    for (int c = 1; c < 3; ++c) {
        if (dc) state.comp_info[c].dc_tbl_no = 0;
        if (ac) state.comp_info[c].ac_tbl_no = 0;
    }
}

void configure(jpeg_compress_struct &state, const Picture &picture, const JpegCoding &coding,
               int rows) {
    state.image_width = picture.width;
    state.image_height = picture.height;
    state.input_components = 3;
    state.in_color_space = JCS_YCbCr;
    jpeg_set_defaults(&state);
    jpeg_set_colorspace(&state, JCS_YCbCr);
    set_quantisers(state, coding);
    set_codes(state, coding);
    state.raw_data_in = TRUE;
    state.dct_method = JDCT_ISLOW;
    state.comp_info[0].h_samp_factor = 2;
    state.comp_info[0].v_samp_factor = rows;
    for (int c = 1; c < 3; ++c) {
        state.comp_info[c].h_samp_factor = state.comp_info[c].v_samp_factor = 1;
    }
}

/// What libjpeg writes to: it allocates when the result needs more room than was given.
struct Output {
    unsigned char *data;
    unsigned long size;
};

/// longjmp leaves through here: nothing in it has a destructor.
void write_bands(jpeg_compress_struct &state, Band &band, const Picture &picture,
                 const JpegCoding &coding, Output &output) {
    PackedOrder order{};
    const bool packed = packed_order(picture.format, order);
    jpeg_create_compress(&state);
    jpeg_mem_dest(&state, &output.data, &output.size);
    configure(state, picture, coding, packed ? 1 : 2);
    jpeg_start_compress(&state, TRUE);
    while (state.next_scanline < state.image_height) {
        if (packed) {
            load_packed(picture, order, state.next_scanline, band);
        } else {
            load_semiplanar(picture, state.next_scanline, band);
        }
        jpeg_write_raw_data(&state, band.planes, packed ? 8 : 16);
    }
    jpeg_finish_compress(&state);
}

std::string encode(jpeg_compress_struct &state, JpegErrors &errors, Band &band,
                   const Picture &picture, const JpegCoding &coding, Output &output) {
    band.prepare(picture.width);
    if (setjmp(errors.jump) != 0) return errors.text;
    write_bands(state, band, picture, coding, output);
    return "";
}

std::string encode_file(const Picture &picture, const JpegCoding &coding, uint8_t *out,
                        size_t &written) {
    thread_local Band band;
    jpeg_compress_struct state{};
    JpegErrors errors;
    state.err = errors.prepare();
    Output output{out, static_cast<unsigned long>(written)};
    std::string why = encode(state, errors, band, picture, coding, output);
    jpeg_destroy_compress(&state);
    if (output.data != out) {
        std::free(output.data);
        if (why.empty()) why = "the result does not fit; acldvppJpegPredictEncSize tells the size";
    }
    written = output.size;
    return why;
}

}  // namespace

std::string jpeg_encode(const Picture &picture, int quality, uint8_t *out, size_t &written) {
    JpegCoding coding;
    coding.quality = quality;
    return jpeg_encode_as(picture, coding, out, written);
}

std::string jpeg_encode_with(const Picture &picture, const uint8_t *const tables[3], uint8_t *out,
                             size_t &written) {
    JpegCoding coding;
    coding.quantisers = tables;
    return jpeg_encode_as(picture, coding, out, written);
}

std::string jpeg_encode_as(const Picture &picture, const JpegCoding &coding, uint8_t *out,
                           size_t &written) {
    return encode_file(picture, coding, out, written);
}

}  // namespace softnpu::image
