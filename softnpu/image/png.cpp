// PNG to RGB888 or RGBA8888.
#include <png.h>

#include <cstring>
#include <vector>

#include "acl/ops/acl_dvpp.h"
#include "softnpu/image/jpeg.hpp"

namespace softnpu::image {
namespace {

constexpr size_t kHeader = 29;  // signature and the first chunk's data

struct Input {
    const uint8_t *data;
    size_t left;
};

struct Reader {
    png_structp png = nullptr;
    png_infop info = nullptr;
    Input input{};
    char text[160] = "";

    Reader(const uint8_t *data, size_t size) : input{data, size} {
        png = png_create_read_struct(PNG_LIBPNG_VER_STRING, this, fail,
                                     [](png_structp, const char *) {});
        info = png != nullptr ? png_create_info_struct(png) : nullptr;
        if (info != nullptr) png_set_read_fn(png, &input, read);
    }
    ~Reader() { png_destroy_read_struct(&png, &info, nullptr); }
    Reader(const Reader &) = delete;
    Reader &operator=(const Reader &) = delete;

    static void fail(png_structp png, const char *message) {
        auto *reader = static_cast<Reader *>(png_get_error_ptr(png));
        std::strncpy(reader->text, message, sizeof reader->text - 1);
        png_longjmp(png, 1);
    }
    static void read(png_structp png, png_bytep out, size_t count) {
        auto *input = static_cast<Input *>(png_get_io_ptr(png));
        if (count > input->left) png_error(png, "the data ends early");
        std::memcpy(out, input->data, count);
        input->data += count;
        input->left -= count;
    }
};

bool is_png(const uint8_t *data, size_t size) {
    return size > kHeader && png_sig_cmp(data, 0, 8) == 0;
}

/// Objects with destructors are the caller's: longjmp ends here.
bool read_header(Reader &reader) {
    if (setjmp(png_jmpbuf(reader.png)) != 0) return false;
    png_read_info(reader.png, reader.info);
    return true;
}

bool read_rows(Reader &reader, const Picture &picture, std::vector<png_bytep> &rows) {
    if (setjmp(png_jmpbuf(reader.png)) != 0) return false;
    const int type = png_get_color_type(reader.png, reader.info);
    png_set_strip_16(reader.png);
    if ((type & PNG_COLOR_MASK_COLOR) == 0) png_set_gray_to_rgb(reader.png);
    if (picture.format == PIXEL_FORMAT_RGB_888) {
        png_set_strip_alpha(reader.png);
    } else if ((type & PNG_COLOR_MASK_ALPHA) == 0) {
        png_set_add_alpha(reader.png, 0xFF, PNG_FILLER_AFTER);
    }
    if (png_get_bit_depth(reader.png, reader.info) < 8) png_set_expand_gray_1_2_4_to_8(reader.png);
    png_set_interlace_handling(reader.png);
    png_read_update_info(reader.png, reader.info);
    png_read_image(reader.png, rows.data());
    png_read_end(reader.png, nullptr);
    return true;
}

}  // namespace

std::string png_info(const uint8_t *data, size_t size, ImageInfo &info) {
    if (!is_png(data, size)) return "this is no PNG file";
    Reader reader(data, size);
    if (reader.info == nullptr) return "the host is out of memory";
    if (!read_header(reader)) return reader.text;
    info.width = png_get_image_width(reader.png, reader.info);
    info.height = png_get_image_height(reader.png, reader.info);
    info.color_type = png_get_color_type(reader.png, reader.info);
    info.bit_depth = png_get_bit_depth(reader.png, reader.info);
    info.components = png_get_channels(reader.png, reader.info);
    return "";
}

std::string png_decode(const uint8_t *data, size_t size, Picture &picture) {
    if (!is_png(data, size)) return "this is no PNG file";
    if (picture.format != PIXEL_FORMAT_RGB_888 && picture.format != PIXEL_FORMAT_RGBA_8888) {
        return "PNG files become RGB_888 or RGBA_8888";
    }
    Reader reader(data, size);
    if (reader.info == nullptr) return "the host is out of memory";
    if (!read_header(reader)) return reader.text;
    if (png_get_color_type(reader.png, reader.info) == PNG_COLOR_TYPE_PALETTE) {
        return "PNG files with a palette are not decoded";
    }
    picture.width = png_get_image_width(reader.png, reader.info);
    picture.height = png_get_image_height(reader.png, reader.info);
    const size_t bytes = picture.format == PIXEL_FORMAT_RGB_888 ? 3 : 4;
    if (picture.stride_w < picture.width * bytes || picture.stride_h < picture.height ||
        picture.size < size_t{picture.stride_w} * picture.stride_h) {
        return "the memory or its strides are too small; acldvppPngPredictDecSize tells the size";
    }
    std::vector<png_bytep> rows(picture.height);
    for (size_t y = 0; y < rows.size(); ++y) rows[y] = picture.data + y * picture.stride_w;
    return read_rows(reader, picture, rows) ? "" : reader.text;
}

}  // namespace softnpu::image
