// What a picture and the rectangles in it must be like for the picture engine.
//
// Each returns "" or a sentence that names the rule; the entry chooses the code.
#pragma once

#include <string>

#include "softnpu/core/export.hpp"
#include "softnpu/dvpp/picture.hpp"

namespace softnpu {

/// What the picture engine does with a format.
enum class PictureUse {
    picture,    // scaling, cutting, converting, borders
    filter,     // pyramids: no two pixels may share their chroma in one plane
    statistic,  // histograms and tables: no alpha
    pixels,     // what newer chips do with pixels where they are: planes of RGB and YVU, too
};
/// "" when the picture engine takes the format for that.
SOFTNPU_API std::string check_vpc_format(const char *what, PixelFormat format, PictureUse use);

/// Sizes, strides, room. `what` names the picture ("inputDesc").
SOFTNPU_API std::string check_geometry(const char *what, const Picture &picture);

/// The size of a stream's frames is one that decoders take: 128x128 to `most`x`most`.
SOFTNPU_API std::string check_stream_size(uint32_t width, uint32_t height, uint32_t most);

/// `rect` lies inside the picture; its corners are even where chroma is subsampled.
SOFTNPU_API std::string check_crop(const Picture &picture, const Rect &rect);
/// The same for a rectangle that is written; its left is a multiple of 16.
SOFTNPU_API std::string check_paste(const Picture &picture, const Rect &rect);
/// 1/32 to 16 per axis.
SOFTNPU_API std::string check_scale(const Rect &crop, const Rect &paste);

/// The memory of a picture: alive, of the media heap (or any of the device's: the newer chips'
/// engines take that of aclrtMalloc, too), long enough. Turns `data`, which is the program's
/// address, into the engines' view.
SOFTNPU_API std::string check_picture_memory(const char *what, Picture &picture);

}  // namespace softnpu
