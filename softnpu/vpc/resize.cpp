// Crop, resize and paste: the card's own way where that is asked for, else the scaling engine's.
#include <algorithm>
#include <cstdlib>
#include <cstring>
#include <vector>

#include "acl/ops/acl_dvpp.h"
#include "softnpu/core/status.hpp"
#include "softnpu/vpc/card_convert.hpp"
#include "softnpu/vpc/card_scaler.hpp"
#include "softnpu/vpc/colour.hpp"
#include "softnpu/vpc/columns.hpp"
#include "softnpu/vpc/halve.hpp"
#include "softnpu/vpc/sample.hpp"
#include "softnpu/vpc/vpc.hpp"

namespace softnpu::vpc {
namespace {

/// SOFTNPU_VPC=fast: speed instead of the card's bits.
bool fast() {
    static const bool is_fast = [] {
        const char *value = std::getenv("SOFTNPU_VPC");
        return value != nullptr && std::strcmp(value, "fast") == 0;
    }();
    return is_fast;
}

bool is_semiplanar(const FormatInfo &info) {
    return info.is_yuv && info.planes == 2 && info.luma_bytes == 1;
}

/// A rectangle of one plane.
Samples part_of(const Picture &picture, const Rect &rect, int index, const FormatInfo &info) {
    const Plane plane = plane_of(picture, index);
    if (index == 0) {
        uint8_t *at = plane.data + plane.stride * rect.top + size_t{rect.left} * info.luma_bytes;
        return {at, plane.stride, rect.width, rect.height, false};
    }
    const uint32_t left = rect.left >> info.chroma_w, top = rect.top >> info.chroma_h;
    const uint32_t width = (rect.width + info.chroma_w) >> info.chroma_w;
    const uint32_t height = (rect.height + info.chroma_h) >> info.chroma_h;
    return {plane.data + plane.stride * top + size_t{left} * 2, plane.stride, width, height, false};
}

void swap_pairs(const Samples &chroma) {
    for (uint32_t y = 0; y < chroma.height; ++y) {
        uint8_t *row = chroma.data + chroma.stride * y;
        for (uint32_t x = 0; x < chroma.width; ++x) std::swap(row[2 * x], row[2 * x + 1]);
    }
}

/// Halves both axes by rounded averages, (a + b + 1) >> 1 per axis.
Samples halve(const Samples &source, uint32_t channels, std::vector<uint8_t> &memory) {
    const uint32_t width = source.width / 2, height = source.height / 2;
    memory.resize(size_t{width} * channels * height);
    for (uint32_t y = 0; y < height; ++y) {
        const uint8_t *a = source.data + source.stride * (size_t{2} * y);
        uint8_t *out = memory.data() + size_t{y} * width * channels;
        (channels == 1 ? halve_luma : halve_pairs)(a, a + source.stride, out, width);
    }
    return {memory.data(), size_t{width} * channels, width, height, false};
}

/// The card averages first until the rest of the ratio is within 4.
struct Prescaled {
    Samples luma, chroma;
    Ratio ratio;
    int turn = 0;

    bool is_far() const {
        return ratio.in_width > 4 * ratio.out_width && ratio.in_height > 4 * ratio.out_height;
    }

    /// The last time, and nearly always that is the only one, the scaler averages row by row.
    void reduce(bool has_chroma) {
        thread_local std::vector<uint8_t> memory[2][2];  // kept from picture to picture
        while (is_far()) {
            ratio.in_width /= 2;
            ratio.in_height /= 2;
            if (!is_far()) {
                luma = halving(luma);
                if (has_chroma) chroma = halving(chroma);
                return;
            }
            luma = halve(luma, 1, memory[0][turn]);
            if (has_chroma) chroma = halve(chroma, 2, memory[1][turn]);
            turn ^= 1;
        }
    }

  private:
    static Samples halving(const Samples &plane) {
        return {plane.data, plane.stride, plane.width / 2, plane.height / 2, true};
    }
};

/// How many bits of rows the scaler's rows (luma's) and those of a plane lie apart.
int row_shift(const FormatInfo &info) {
    return info.chroma_h;
}

void resize_card(const Picture &source, const Rect &crop, const Picture &target,
                 const Rect &paste) {
    const FormatInfo &from = *format_info(source.format), &to = *format_info(target.format);
    Prescaled input{part_of(source, crop, 0, from),
                    {},
                    {crop.width, crop.height, paste.width, paste.height},
                    0};
    const bool has_chroma = from.planes == 2 && to.planes == 2;
    if (has_chroma) input.chroma = part_of(source, crop, 1, from);
    input.reduce(has_chroma);
    scale_luma(input.luma, part_of(target, paste, 0, to), input.ratio);
    if (!has_chroma) return;
    const Samples chroma = part_of(target, paste, 1, to);
    scale_chroma(input.chroma, chroma, input.ratio, row_shift(from), to.chroma_h);
    if (from.swapped != to.swapped) swap_pairs(chroma);
}

void resize_card_from_rgb(const Picture &source, const Rect &crop, const Picture &target,
                          const Rect &paste) {
    thread_local Yuv422 yuv;
    to_yuv422(source, crop, yuv);
    const FormatInfo &to = *format_info(target.format);
    const uint32_t pairs = (yuv.width + 1) / 2;
    Prescaled input{{yuv.luma.data(), yuv.width, yuv.width, yuv.height, false},
                    {yuv.chroma.data(), size_t{pairs} * 2, pairs, yuv.height, false},
                    {crop.width, crop.height, paste.width, paste.height},
                    0};
    input.reduce(true);
    scale_luma(input.luma, part_of(target, paste, 0, to), input.ratio);
    if (to.planes != 2) return;
    const Samples chroma = part_of(target, paste, 1, to);
    scale_chroma(input.chroma, chroma, input.ratio, 0, to.chroma_h);
    if (to.swapped) swap_pairs(chroma);
}

/// libyuv's bilinear takes half again the time of OpenCV's, so where our kernels are vectorised
/// they do it; elsewhere, and for all that is not semiplanar, libyuv does.
void resize_fast(const Picture &source, const Rect &crop, const Picture &target,
                 const Rect &paste) {
    const FormatInfo &from = *format_info(source.format), &to = *format_info(target.format);
    scale_bilinear(part_of(source, crop, 0, from), part_of(target, paste, 0, to), 1);
    if (from.planes != 2) return;
    const Samples chroma = part_of(target, paste, 1, to);
    scale_bilinear(part_of(source, crop, 1, from), chroma, 2);
    if (from.swapped != to.swapped) swap_pairs(chroma);
}

/// The picture that a rectangle of another is; strides keep the distance of the planes.
bool view_of(const Picture &picture, const Rect &rect, Picture &view) {
    const FormatInfo &info = *format_info(picture.format);
    view = picture;
    view.width = rect.width;
    view.height = rect.height;
    if (rect.left == 0 && rect.top == 0) return true;
    view.data += size_t{rect.top} * picture.stride_w + size_t{rect.left} * info.luma_bytes;
    if (info.planes == 1) return true;
    // Chroma lies as far to the right as luma where two columns share it; it moves down less.
    const bool odd = rect.left % 2 != 0 || (info.chroma_h != 0 && rect.top % 2 != 0);
    if (info.planes != 2 || info.chroma_w != 1 || odd) return false;
    view.stride_h -= rect.top - (rect.top >> info.chroma_h);
    return true;
}

/// A picture in memory of its own, tightly packed.
Picture temporary(PixelFormat format, uint32_t width, uint32_t height,
                  std::vector<uint8_t> &memory) {
    Picture made;
    made.format = format;
    made.width = width;
    made.height = height;
    made.stride_w = row_bytes(format, width, 2);
    made.stride_h = (height + 1) / 2 * 2;
    made.size = picture_bytes(format, made.stride_w, made.stride_h);
    memory.resize(made.size + 64);
    made.data = memory.data();
    return made;
}

void copy_planes(const Picture &source, const Rect &from, const Picture &target, const Rect &to) {
    const FormatInfo &info = *format_info(source.format);
    for (int index = 0; index < std::min<int>(info.planes, 2); ++index) {
        const Samples a = part_of(source, from, index, info), b = part_of(target, to, index, info);
        const size_t bytes = size_t{a.width} * (index == 0 ? info.luma_bytes : 2);
        for (uint32_t y = 0; y < a.height; ++y) {
            std::memcpy(b.data + b.stride * y, a.data + a.stride * y, bytes);
        }
    }
}

std::string resize_with_engine(const Picture &source, const Rect &crop, const Picture &target,
                               const Rect &paste, Interpolation how, int matrix) {
    static thread_local std::vector<uint8_t> memory[3];
    const auto planar = [](const Picture &p) { return format_info(p.format)->planes == 3; };
    if (planar(source) || planar(target)) return "planar formats cannot be cropped or scaled here";
    Picture cropped;
    if (!view_of(source, crop, cropped)) {
        cropped = temporary(source.format, crop.width, crop.height, memory[0]);
        copy_planes(source, crop, cropped, {0, 0, crop.width, crop.height});
    }
    const bool same_size = crop.width == paste.width && crop.height == paste.height;
    Picture scaled = cropped;
    if (!same_size) {
        scaled = temporary(source.format, paste.width, paste.height, memory[1]);
        const FormatInfo &info = *format_info(source.format);
        const Rect all{0, 0, crop.width, crop.height};
        const bool card = how == Interpolation::card && !fast();
        if (card && (is_semiplanar(info) || source.format == PIXEL_FORMAT_YUV_400)) {
            resize_card(cropped, all, scaled, {0, 0, paste.width, paste.height});
        } else if (how != Interpolation::card && can_sample(source.format)) {
            resize_sampled(cropped, scaled, how);
        } else {
            const ScaleEngine *engine = scale_engine();
            if (engine == nullptr) return engine_problem("scale");
            Picture direct;  // libyuv writes nothing outside, which libswscale does not promise
            const bool in_place = source.format == target.format && is_semiplanar(info) &&
                                  view_of(target, paste, direct);
            std::string why = engine->resize(cropped, in_place ? direct : scaled, how);
            if (in_place || !why.empty()) return why;
        }
    }
    Picture converted = scaled;
    if (source.format != target.format) {
        converted = temporary(target.format, paste.width, paste.height, memory[2]);
        convert_colour(scaled, converted, colour_matrix(matrix));
    }
    copy_planes(converted, {0, 0, paste.width, paste.height}, target, paste);
    return "";
}

/// The format with planes that a picture is scaled in: packed YUV loses nothing by it, and colours
/// that become YUV go through 4:2:2 in the card.
PixelFormat with_planes(PixelFormat format, bool to_yuv) {
    const bool colours = to_yuv && !format_info(format)->is_yuv;
    if (is_packed_422(format) || colours) return PIXEL_FORMAT_YUV_SEMIPLANAR_422;
    return format == PIXEL_FORMAT_YUV_PACKED_444 ? PIXEL_FORMAT_YUV_SEMIPLANAR_444 : format;
}

/// Packed YUV is scaled as planes; what is left to do is as with any picture that has some.
std::string resize_as_planes(const Picture &source, const Rect &crop, const Picture &target,
                             const Rect &paste, int matrix) {
    thread_local std::vector<uint8_t> memory;
    Picture cropped;
    view_of(source, crop, cropped);
    const PixelFormat format = with_planes(source.format, format_info(target.format)->is_yuv);
    Picture planes = temporary(format, crop.width, crop.height, memory);
    convert_colour(cropped, planes, colour_matrix(matrix));
    const Rect all{0, 0, crop.width, crop.height};
    return crop_resize_paste(planes, all, target, paste, Interpolation::card, matrix);
}

}  // namespace

std::string crop_resize_paste(const Picture &source, const Rect &crop, const Picture &target,
                              const Rect &paste, Interpolation how, int matrix) {
    const FormatInfo *from = format_info(source.format), *to = format_info(target.format);
    if (from == nullptr || to == nullptr) return "the pixel format is not supported";
    const bool same_size = crop.width == paste.width && crop.height == paste.height;
    if (source.format == target.format && same_size && from->planes < 3) {
        copy_planes(source, crop, target, paste);
        return "";
    }
    const bool to_card = is_semiplanar(*to) || target.format == PIXEL_FORMAT_YUV_400;
    const bool from_card = is_semiplanar(*from) || source.format == PIXEL_FORMAT_YUV_400;
    const bool alike = from->planes == to->planes && from->chroma_w == to->chroma_w &&
                       from->chroma_h == to->chroma_h;
    if (how == Interpolation::card && fast() && from_card && to_card && alike && has_shuffles()) {
        resize_fast(source, crop, target, paste);
        return "";
    }
    const bool card = how == Interpolation::card && !fast() && to_card;
    if (card && from_card) {
        if (from->planes == to->planes && from->chroma_w == to->chroma_w) {
            resize_card(source, crop, target, paste);
            return "";
        }
    }
    if (card && !from->is_yuv && from->planes == 1 && matrix == ACL_DVPP_CSC_MATRIX_BT601_WIDE &&
        (to->planes == 1 || to->chroma_w == 1)) {
        resize_card_from_rgb(source, crop, target, paste);
        return "";
    }
    if (how == Interpolation::card && !fast() && !same_size &&
        with_planes(source.format, to->is_yuv) != source.format) {
        return resize_as_planes(source, crop, target, paste, matrix);
    }
    return resize_with_engine(source, crop, target, paste, how, matrix);
}

std::string convert_color(const Picture &source, const Picture &target, int matrix) {
    const Rect whole{0, 0, source.width, source.height};
    return crop_resize_paste(source, whole, target, whole, Interpolation::card, matrix);
}

}  // namespace softnpu::vpc
