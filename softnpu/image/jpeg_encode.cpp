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

/// A quality, or the quantisers of Y, Cb and Cr in the order of the picture's coefficients.
struct Fidelity {
    int quality = 100;
    const uint8_t *const *tables = nullptr;
};

void set_tables(jpeg_compress_struct &state, const uint8_t *const tables[3]) {
    unsigned values[DCTSIZE2];
    for (int c = 0; c < 3; ++c) {
        std::copy(tables[c], tables[c] + DCTSIZE2, values);
        jpeg_add_quant_table(&state, c, values, 100, TRUE);
        state.comp_info[c].quant_tbl_no = c;
    }
}

void configure(jpeg_compress_struct &state, const Picture &picture, const Fidelity &fidelity,
               int rows) {
    state.image_width = picture.width;
    state.image_height = picture.height;
    state.input_components = 3;
    state.in_color_space = JCS_YCbCr;
    jpeg_set_defaults(&state);
    jpeg_set_colorspace(&state, JCS_YCbCr);
    if (fidelity.tables != nullptr) {
        set_tables(state, fidelity.tables);
    } else {
        jpeg_set_quality(&state, fidelity.quality, TRUE);
    }
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
                 const Fidelity &fidelity, Output &output) {
    PackedOrder order{};
    const bool packed = packed_order(picture.format, order);
    jpeg_create_compress(&state);
    jpeg_mem_dest(&state, &output.data, &output.size);
    configure(state, picture, fidelity, packed ? 1 : 2);
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
                   const Picture &picture, const Fidelity &fidelity, Output &output) {
    band.prepare(picture.width);
    if (setjmp(errors.jump) != 0) return errors.text;
    write_bands(state, band, picture, fidelity, output);
    return "";
}

std::string encode_file(const Picture &picture, const Fidelity &fidelity, uint8_t *out,
                        size_t &written) {
    thread_local Band band;
    jpeg_compress_struct state{};
    JpegErrors errors;
    state.err = errors.prepare();
    Output output{out, static_cast<unsigned long>(written)};
    std::string why = encode(state, errors, band, picture, fidelity, output);
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
    return encode_file(picture, {quality, nullptr}, out, written);
}

std::string jpeg_encode_with(const Picture &picture, const uint8_t *const tables[3], uint8_t *out,
                             size_t &written) {
    return encode_file(picture, {0, tables}, out, written);
}

}  // namespace softnpu::image
