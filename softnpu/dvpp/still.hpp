// What the chips' engines for still pictures take and write; both media interfaces ask here.
//
// The checks return "" or a sentence that names the rule; the entry chooses the code.
#pragma once

#include <string>

#include "softnpu/core/export.hpp"
#include "softnpu/dvpp/engines.hpp"

namespace softnpu {

/// Bytes of which rows of JPEGD's results are a multiple; of PNGD's it is 128 pixels.
SOFTNPU_API uint32_t jpegd_row_step();
constexpr uint32_t kStillRows = 16;  // rows of which a plane is a multiple
constexpr uint32_t kPngdPixels = 128;

/// Whether a JPEG file of any sampling is decoded to this format.
SOFTNPU_API bool jpegd_writes(PixelFormat format);
/// Huffman coded baseline files of the samplings that the engine knows.
SOFTNPU_API std::string check_jpegd_file(const ImageInfo &info);
/// The file's own sampling, or 4:2:0.
SOFTNPU_API std::string check_jpegd_format(const ImageInfo &info, PixelFormat format);
/// What PIXEL_FORMAT_UNKNOWN stands for: the file's sampling with V before U.
SOFTNPU_API PixelFormat jpegd_own_format(const ImageInfo &info);
/// Size and strides of a result; the format is settled.
SOFTNPU_API std::string check_jpegd_result(const ImageInfo &info, const Picture &picture);

/// Colour types 0, 2, 4 and 6.
SOFTNPU_API std::string check_pngd_file(const ImageInfo &info);
/// RGB_888 always, RGBA_8888 where the file has alpha.
SOFTNPU_API std::string check_pngd_format(const ImageInfo &info, PixelFormat format);
SOFTNPU_API PixelFormat pngd_own_format(const ImageInfo &info);
SOFTNPU_API std::string check_pngd_result(const ImageInfo &info, const Picture &picture);

/// Whether pictures of this format are encoded to JPEG.
SOFTNPU_API bool jpege_takes(PixelFormat format);
/// Sides that the encoder takes.
SOFTNPU_API std::string check_jpege_size(uint32_t width, uint32_t height);
/// Size, strides and room of a picture to encode; its format is one that is taken.
SOFTNPU_API std::string check_jpege_picture(const Picture &picture);

}  // namespace softnpu
