#include "softnpu/aipp/dynamic.hpp"

#include <algorithm>

#include "acl/acl_base.h"
#include "softnpu/core/config.hpp"
#include "softnpu/core/counters.hpp"
#include "softnpu/core/half.hpp"
#include "softnpu/core/status.hpp"

namespace softnpu::aipp {
namespace {

constexpr int32_t kLargest = 4096, kMostPadding = 32;

bool is_even(std::initializer_list<int32_t> values) {
    return std::all_of(values.begin(), values.end(), [](int32_t value) { return value % 2 == 0; });
}

int check_head(const Head &head, const Target &target) {
    if (head.format < 1 || head.format > 4)
        return fail(ACL_ERROR_INVALID_PARAM,
                    "the AIPP parameters have no picture format; call aclmdlSetAIPPInputFormat");
    const auto format = static_cast<Format>(head.format);
    if (head.src_w < 2 || head.src_h < 1 || head.src_w > kLargest || head.src_h > kLargest)
        return fail(ACL_ERROR_INVALID_PARAM,
                    "pictures of %dx%d: want a width of 2..4096, a height of 1..4096; call "
                    "aclmdlSetAIPPSrcImageSize",
                    head.src_w, head.src_h);
    if (format == Format::yuv420sp && !is_even({head.src_w, head.src_h}))
        return fail(ACL_ERROR_INVALID_PARAM, "pictures of %dx%d: YUV420SP_U8 wants both even",
                    head.src_w, head.src_h);
    if (format == Format::yuv400 && head.csc != 0)
        return fail(ACL_ERROR_INVALID_PARAM, "YUV400_U8 has no colours to convert; switch csc off");
    const int32_t channels = format == Format::yuv400 ? 1 : 3;
    // One channel may be the first that a conversion to gray gives.
    if (target.channels > channels || (target.channels < channels && head.csc == 0))
        return fail(ACL_ERROR_INVALID_PARAM,
                    "pictures of format %d give %d channels, the network of model %u reads %d",
                    head.format, channels, target.model, target.channels);
    if (head.images < target.images)
        return fail(ACL_ERROR_INVALID_PARAM,
                    "the AIPP parameters are for %u images, model %u reads %zu at once",
                    static_cast<unsigned>(head.images), target.model, target.images);
    return 0;
}

int read_crop(const Image &image, size_t index, Settings &s) {
    s.crop = image.crop != 0;
    s.crop_x = s.crop_y = 0, s.crop_w = s.src_w, s.crop_h = s.src_h;
    if (!s.crop) return 0;
    s.crop_x = image.crop_x, s.crop_y = image.crop_y;
    s.crop_w = image.crop_w, s.crop_h = image.crop_h;
    const bool inside = s.crop_x >= 0 && s.crop_y >= 0 && s.crop_w > 0 && s.crop_h > 0 &&
                        s.crop_w <= s.src_w - s.crop_x && s.crop_h <= s.src_h - s.crop_y;
    if (!inside)
        return fail(ACL_ERROR_INVALID_PARAM,
                    "image %zu: the crop of %dx%d at %d,%d leaves the picture of %dx%d", index,
                    s.crop_w, s.crop_h, s.crop_x, s.crop_y, s.src_w, s.src_h);
    if (s.format == Format::yuv420sp && !is_even({s.crop_x, s.crop_y, s.crop_w, s.crop_h}))
        return fail(ACL_ERROR_INVALID_PARAM,
                    "image %zu: the crop of %dx%d at %d,%d: YUV420SP_U8 wants all four even", index,
                    s.crop_w, s.crop_h, s.crop_x, s.crop_y);
    return 0;
}

int read_resize(const Image &image, size_t index, Settings &s) {
    s.resize = image.resize != 0;
    if (!s.resize) return 0;
    if (!config().aipp_resize)
        return fail(ACL_ERROR_FEATURE_UNSUPPORTED, "image %zu: %s", index, kResizeAdvice);
    s.resize_w = image.resize_out_w, s.resize_h = image.resize_out_h;
    if (image.resize_in_w != s.crop_w || image.resize_in_h != s.crop_h)
        return fail(ACL_ERROR_INVALID_PARAM,
                    "image %zu: scfInputSize is %dx%d, but %dx%d reach the resize; say the size "
                    "of the crop, or of the picture where it is not cropped",
                    index, image.resize_in_w, image.resize_in_h, s.crop_w, s.crop_h);
    const char *problem = resize_problem(s.crop_w, s.crop_h, s.resize_w, s.resize_h);
    if (problem == nullptr) return 0;
    return fail(ACL_ERROR_INVALID_PARAM, "image %zu: resize of %dx%d to %dx%d: %s", index, s.crop_w,
                s.crop_h, s.resize_w, s.resize_h, problem);
}

int read_padding(const Image &image, size_t index, const Target &target, Settings &s) {
    s.padding = image.padding != 0;
    s.left = s.right = s.top = s.bottom = 0;
    if (!s.padding) return 0;
    s.left = image.left, s.right = image.right, s.top = image.top, s.bottom = image.bottom;
    for (const int32_t pad : {s.left, s.right, s.top, s.bottom}) {
        if (pad < 0 || pad > kMostPadding)
            return fail(ACL_ERROR_INVALID_PARAM, "image %zu: padding of %d: want 0..%d", index, pad,
                        kMostPadding);
    }
    const int32_t width = s.out_w();
    if (width > target.widest_padded)
        return fail(ACL_ERROR_INVALID_PARAM,
                    "image %zu: the padded picture is %d wide: at most %d on this SoC", index,
                    width, target.widest_padded);
    return 0;
}

int check_span(size_t index, const Target &target, const Settings &s, const Settings &first) {
    const int32_t width = s.out_w(), height = s.out_h();
    if (!target.widths.has(width) || !target.heights.has(height))
        return fail(ACL_ERROR_INVALID_PARAM,
                    "image %zu: AIPP makes %dx%d of it; model %u takes a width of %lld..%lld and a "
                    "height of %lld..%lld (-1: any)",
                    index, width, height, target.model, static_cast<long long>(target.widths.least),
                    static_cast<long long>(target.widths.most),
                    static_cast<long long>(target.heights.least),
                    static_cast<long long>(target.heights.most));
    if (width == first.out_w() && height == first.out_h()) return 0;
    return fail(ACL_ERROR_INVALID_PARAM,
                "image %zu: AIPP makes %dx%d of it and %dx%d of the first; all images of a batch "
                "must become equally large",
                index, width, height, first.out_w(), first.out_h());
}

int check_result(size_t index, const Target &target, const Settings &s, const Settings &first) {
    if (target.ranged) return check_span(index, target, s, first);
    if (target.height == 0) {
        if (!s.crop && !s.resize && !s.padding) return 0;
        return fail(
            ACL_ERROR_INVALID_PARAM,
            "image %zu: model %u has image size gears, which exclude crop, resize and padding",
            index, target.model);
    }
    const int32_t width = s.out_w(), height = s.out_h();
    if (width == target.width && height == target.height) return 0;
    return fail(
        ACL_ERROR_INVALID_PARAM,
        "image %zu: after crop, resize and padding the picture is %dx%d; model %u wants %dx%d",
        index, width, height, target.model, target.width, target.height);
}

Settings common_settings(const Head &head) {
    Settings s;
    s.format = static_cast<Format>(head.format);
    s.src_w = head.src_w, s.src_h = head.src_h;
    s.csc = head.csc != 0;
    std::copy(head.matrix.begin(), head.matrix.end(), s.matrix.begin());
    std::copy(head.output_bias.begin(), head.output_bias.end(), s.output_bias.begin());
    std::copy(head.input_bias.begin(), head.input_bias.end(), s.input_bias.begin());
    s.rbuv_swap = head.rbuv_swap != 0, s.ax_swap = head.ax_swap != 0;
    return s;
}

}  // namespace

Parameters::Parameters(uint64_t batch) : images(static_cast<size_t>(batch)) {
    head.images = static_cast<uint8_t>(batch);
    count(counters().live_configs);
}

Parameters::~Parameters() {
    uncount(counters().live_configs);
}

ParametersTable &parameters_table() noexcept {
    static auto *const table = new ParametersTable;
    return *table;
}

int read_parameters(const Head &head, const Image *images, const Target &target,
                    std::vector<Settings> &settings) {
    if (const int code = check_head(head, target)) return code;
    settings.assign(head.images, common_settings(head));
    for (size_t i = 0; i < settings.size(); ++i) {
        const Image &image = images[i];
        Settings &s = settings[i];
        if (image.rotate != 0)
            return fail(ACL_ERROR_INVALID_PARAM, "image %zu: AIPP does not rotate", i);
        if (const int code = read_crop(image, i, s)) return code;
        if (const int code = read_resize(image, i, s)) return code;
        if (const int code = read_padding(image, i, target, s)) return code;
        if (const int code = check_result(i, target, s, settings[0])) return code;
        std::copy(image.mean.begin(), image.mean.end(), s.mean.begin());
        std::transform(image.min.begin(), image.min.end(), s.min.begin(), from_half);
        std::transform(image.reciprocal.begin(), image.reciprocal.end(), s.reciprocal.begin(),
                       from_half);
    }
    return 0;
}

}  // namespace softnpu::aipp
