// The two halves of the still picture engine.
#pragma once

#include <string>

#include "softnpu/dvpp/engines.hpp"

namespace softnpu::image {

std::string jpeg_info(const uint8_t *data, size_t size, ImageInfo &info);
std::string jpeg_decode(const uint8_t *data, size_t size, Picture &picture);
std::string jpeg_encode(const Picture &picture, int quality, uint8_t *out, size_t &written);

std::string png_info(const uint8_t *data, size_t size, ImageInfo &info);
std::string png_decode(const uint8_t *data, size_t size, Picture &picture);

/// Orientation of an EXIF header, 1 where there is none.
int exif_orientation(const uint8_t *data, size_t size);

}  // namespace softnpu::image
