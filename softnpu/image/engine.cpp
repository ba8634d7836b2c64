// Still pictures with libjpeg-turbo and libpng.
#include <png.h>

#include <cstdio>
// libjpeg's header needs FILE from the one above.
#include <jpeglib.h>

#include "softnpu/image/jpeg.hpp"

namespace softnpu {
namespace {

class Engine final : public ImageEngine {
  public:
    const char *version() const noexcept override {
        static const std::string text =
            "libjpeg API " + std::to_string(JPEG_LIB_VERSION) + ", libpng " PNG_LIBPNG_VER_STRING;
        return text.c_str();
    }
    std::string jpeg_info(const uint8_t *data, size_t size, ImageInfo &info) const override {
        return image::jpeg_info(data, size, info);
    }
    std::string jpeg_decode(const uint8_t *data, size_t size, Picture &picture) const override {
        return image::jpeg_decode(data, size, picture, {});
    }
    std::string jpeg_decode(const uint8_t *data, size_t size, Picture &picture,
                            const JpegDecoding &how) const override {
        return image::jpeg_decode(data, size, picture, how);
    }
    std::string jpeg_encode(const Picture &picture, int quality, uint8_t *out,
                            size_t &written) const override {
        return image::jpeg_encode(picture, quality, out, written);
    }
    std::string jpeg_encode_with(const Picture &picture, const uint8_t *const tables[3],
                                 uint8_t *out, size_t &written) const override {
        return image::jpeg_encode_with(picture, tables, out, written);
    }
    std::string jpeg_encode_as(const Picture &picture, const JpegCoding &coding, uint8_t *out,
                               size_t &written) const override {
        return image::jpeg_encode_as(picture, coding, out, written);
    }
    std::string png_info(const uint8_t *data, size_t size, ImageInfo &info) const override {
        return image::png_info(data, size, info);
    }
    std::string png_decode(const uint8_t *data, size_t size, Picture &picture) const override {
        return image::png_decode(data, size, picture);
    }
};

const Engine g_engine;

}  // namespace
}  // namespace softnpu

SOFTNPU_EXPORT_ENGINE(image, softnpu::g_engine)
