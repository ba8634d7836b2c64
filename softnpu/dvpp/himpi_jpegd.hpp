// JPEG pictures of the second media interface: what a file becomes, and the decoding.
#pragma once

#include <string>

#include "acl/dvpp/hi_dvpp.h"
#include "softnpu/core/export.hpp"
#include "softnpu/dvpp/engines.hpp"

namespace softnpu {

/// What a file becomes when it is decoded to `wanted`; UNKNOWN keeps the file's sampling, V first.
struct JpegOutput {
    PixelFormat format = 0;
    uint32_t width = 0;  // turned as EXIF says
    uint32_t height = 0;
    uint32_t stride_w = 0;  // the least ones that the engine takes
    uint32_t stride_h = 0;
    uint64_t bytes = 0;
};

/// "" or why such a file is not decoded by the interface.
SOFTNPU_API std::string jpeg_output(const ImageInfo &info, PixelFormat wanted,
                                    hi_jpegd_precision_mode mode, JpegOutput &output);

/// Decodes into `picture`: format UNKNOWN and strides of 0 become what jpeg_output() says.
SOFTNPU_API std::string decode_jpeg(const uint8_t *data, size_t size, hi_jpegd_precision_mode mode,
                                    Picture &picture);

}  // namespace softnpu
