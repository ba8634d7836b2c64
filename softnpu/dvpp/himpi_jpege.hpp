// Encoding of JPEG files for the second media interface.
#pragma once

#include <string>

#include "acl/dvpp/hi_dvpp.h"
#include "softnpu/core/export.hpp"
#include "softnpu/dvpp/picture.hpp"

namespace softnpu {

constexpr hi_u32 kOwnTables = 0xFFFFFFFF;  // qfactor: the program gives the quantisers

/// Quality 100, and its quantisers.
SOFTNPU_API hi_venc_jpeg_param default_jpeg_param();

/// The standard's tables, of luma and twice of chroma.
SOFTNPU_API hi_venc_jpeg_huffman_param default_huffman_param();
/// "" where the tables can be written into a file; else what is wrong.
SOFTNPU_API std::string check_huffman_param(const hi_venc_jpeg_huffman_param &param);

struct VencSettings;

/// Bytes that hold the file of any picture of this size and format.
SOFTNPU_API size_t jpeg_file_room(const Picture &picture);

/// `written` is the room at `out` on entry and the file's bytes on return; "" or what is wrong.
SOFTNPU_API std::string encode_jpeg_file(const Picture &picture, const hi_venc_jpeg_param &param,
                                         const VencSettings &settings, uint8_t *out,
                                         size_t &written);

}  // namespace softnpu
