// The two halves of the still picture engine.
#pragma once

#include <string>

#include "softnpu/dvpp/engines.hpp"

namespace softnpu::image {

std::string jpeg_info(const uint8_t *data, size_t size, ImageInfo &info);
std::string jpeg_decode(const uint8_t *data, size_t size, Picture &picture,
                        const JpegDecoding &how);
std::string jpeg_encode(const Picture &picture, int quality, uint8_t *out, size_t &written);
std::string jpeg_encode_with(const Picture &picture, const uint8_t *const tables[3], uint8_t *out,
                             size_t &written);
std::string jpeg_encode_as(const Picture &picture, const JpegCoding &coding, uint8_t *out,
                           size_t &written);

std::string png_info(const uint8_t *data, size_t size, ImageInfo &info);
std::string png_decode(const uint8_t *data, size_t size, Picture &picture);

/// Orientation of an EXIF header, 1 where there is none.
int exif_orientation(const uint8_t *data, size_t size);

/// Writes a semiplanar or grey picture turned by `orientation` (2 to 8) into `target`, whose
/// width, height, strides and format are set; chroma is brought to the sampling of the target.
void turn(const Picture &source, int orientation, const Picture &target);

/// Pairs U V, U V, ... from two rows, and two rows from pairs.
void interleave(const uint8_t *u, const uint8_t *v, uint8_t *out, size_t pairs);
void separate(const uint8_t *pairs, uint8_t *u, uint8_t *v, size_t count);

}  // namespace softnpu::image
