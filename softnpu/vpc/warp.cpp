#include "softnpu/vpc/warp.hpp"

#include <algorithm>
#include <cmath>
#include <memory>
#include <vector>

#include "softnpu/dvpp/parallel.hpp"
#include "softnpu/vpc/components.hpp"
#include "softnpu/vpc/vectorised.hpp"
#include "softnpu/vpc/warp_row.hpp"

namespace softnpu::vpc {
namespace {

/// Fixed-point places of a row. Everything far outside, and what is no number, lands just beyond
/// the reach of the samples, where it can do no harm.
SOFTNPU_VECTORISED void to_fixed(const float *from, int32_t size, float factor, float shift,
                                 int32_t *to, size_t count) {
    const float most = static_cast<float>(size) + 2.0f;
    for (size_t i = 0; i < count; ++i) {
        float value = from[i] * factor + shift;
        value = value > -3.0f ? value : -3.0f;
        value = value < most ? value : most;
        to[i] = static_cast<int32_t>((value + 4.0f) * kUnit + 0.5f) - 4 * kUnit;
    }
}

SOFTNPU_VECTORISED void affine_row(const double *x, const double *y, double first, double step,
                                   float *to_x, float *to_y, uint32_t count) {
    for (uint32_t i = 0; i < count; ++i) {
        const double at = first + step * i;
        to_x[i] = static_cast<float>(x[0] * at + x[1]);
        to_y[i] = static_cast<float>(y[0] * at + y[1]);
    }
}

SOFTNPU_VECTORISED void perspective_row(const double *x, const double *y, const double *w,
                                        double first, double step, float *to_x, float *to_y,
                                        uint32_t count) {
    for (uint32_t i = 0; i < count; ++i) {
        const double at = first + step * i;
        const double part = 1.0 / (w[0] * at + w[1]);
        to_x[i] = static_cast<float>((x[0] * at + x[1]) * part);
        to_y[i] = static_cast<float>((y[0] * at + y[1]) * part);
    }
}

/// A table's row for chroma: the middle of the pixels that share a sample.
SOFTNPU_VECTORISED void mean_pairs(const float *a, const float *b, bool pairs, float *to,
                                   uint32_t count) {
    if (pairs) {
        for (uint32_t i = 0; i < count; ++i) {
            to[i] = (a[2 * i] + a[2 * i + 1] + b[2 * i] + b[2 * i + 1]) * 0.25f;
        }
    } else {
        for (uint32_t i = 0; i < count; ++i) to[i] = (a[i] + b[i]) * 0.5f;
    }
}

void warp_row(const Samples &from, const RowPlaces &places, const WarpRule &rule, uint8_t *to) {
    if (gather_row(from, places, rule, to)) return;
    if (from.channels == 1) {
        look_up_row<1>(from, places, rule, to);
    } else if (from.channels == 2) {
        look_up_row<2>(from, places, rule, to);
    } else {
        look_up_row<3>(from, places, rule, to);
    }
}

/// A number that changes by `step` from sample to sample.
struct Ramp {
    double first, step;
};

constexpr int kFiner = 7;  // bits below those of a place, while it is added up

/// Places on a ramp in integers alone; they may be anywhere the caller made sure they fit.
SOFTNPU_VECTORISED void ramp_row(const Ramp &ramp, int32_t *to, uint32_t count) {
    constexpr uint32_t kBlock = 64;  // after which what the step is off would be felt
    constexpr double kScale = 1 << (kFraction + kFiner);
    const auto step = static_cast<int32_t>(std::lround(ramp.step * kScale));
    for (uint32_t begin = 0; begin < count; begin += kBlock) {
        const uint32_t end = std::min(begin + kBlock, count);
        const auto base = static_cast<int32_t>(
            std::lround((ramp.first + ramp.step * begin) * kScale) + (1 << (kFiner - 1)));
        int32_t *row = to + begin;
        for (uint32_t i = 0; i < end - begin; ++i) {
            row[i] = (base + step * static_cast<int32_t>(i)) >> kFiner;
        }
    }
}

/// Both ends lie near enough for ramp_row.
bool fits(const Ramp &ramp, uint32_t count) {
    constexpr double kFarthest = (1 << (30 - kFraction - kFiner)) - 1;
    return std::fabs(ramp.first) < kFarthest &&
           std::fabs(ramp.first + ramp.step * count) < kFarthest;
}

bool is_affine(const Homography &formula) {
    return formula.rows[2][0] == 0 && formula.rows[2][1] == 0 && formula.rows[2][2] == 1;
}

/// One plane of both pictures; `across` and `down` are log2 of how it is subsampled.
struct PlaneWarp {
    Samples from, to;
    int across, down;

    void run(uint32_t begin, uint32_t end, const Places &places, const WarpRule &rule) const {
        const auto count = static_cast<uint32_t>(to.width);
        std::vector<float> float_x(count), float_y(count);
        std::vector<int32_t> x(count), y(count);
        for (uint32_t row = begin; row < end; ++row) {
            if (!find_on_ramps(places, row, x.data(), y.data(), count)) {
                // A sample stands in the middle of its pixels, in source and target.
                const float part_x = 1.0f / static_cast<float>(1 << across);
                const float part_y = 1.0f / static_cast<float>(1 << down);
                find(places, row, float_x.data(), float_y.data(), count);
                to_fixed(float_x.data(), from.width, part_x, part_x / 2 - 0.5f, x.data(), count);
                to_fixed(float_y.data(), from.height, part_y, part_y / 2 - 0.5f, y.data(), count);
            }
            uint8_t *target = to.data + to.stride * row;
            warp_row(from, {x.data(), y.data(), count}, rule, target);
        }
    }

  private:
    /// An affine row is two ramps; false when it is none or leads too far away.
    bool find_on_ramps(const Places &places, uint32_t row, int32_t *x, int32_t *y,
                       uint32_t count) const {
        if (places.table != nullptr || !is_affine(places.formula)) return false;
        const double step_x = 1 << across, step_y = 1 << down;
        const double at_x = (step_x - 1) / 2, at_y = row * step_y + (step_y - 1) / 2;
        const auto ramp = [&](const double *line, double step) {
            const double first = line[0] * at_x + line[1] * at_y + line[2];
            return Ramp{(first + 0.5) / step - 0.5, line[0] * step_x / step};
        };
        const Ramp ramp_x = ramp(places.formula.rows[0], step_x);
        const Ramp ramp_y = ramp(places.formula.rows[1], step_y);
        if (!fits(ramp_x, count) || !fits(ramp_y, count)) return false;
        ramp_row(ramp_x, x, count);
        ramp_row(ramp_y, y, count);
        return true;
    }

    void find(const Places &places, uint32_t row, float *x, float *y, uint32_t count) const {
        if (places.table == nullptr) {
            const double step_x = 1 << across, step_y = 1 << down;
            formula_row(places.formula, {(step_x - 1) / 2, step_x, row * step_y + (step_y - 1) / 2},
                        x, y, count);
            return;
        }
        const float *upper = places.table + (size_t{row} << down) * places.width * 2;
        if (across == 0 && down == 0) {
            std::copy_n(upper, count, x);
            std::copy_n(upper + places.width, count, y);
            return;
        }
        const float *lower = down == 0 ? upper : upper + size_t{places.width} * 2;
        mean_pairs(upper, lower, across != 0, x, count);
        mean_pairs(upper + places.width, lower + places.width, across != 0, y, count);
    }
};

Samples samples_of(const Picture &picture, int index, const double *values) {
    const FormatInfo &info = *format_info(picture.format);
    const Plane plane = plane_of(picture, index);
    Samples samples{plane.data,
                    plane.stride,
                    static_cast<int32_t>(plane.width),
                    static_cast<int32_t>(plane.height),
                    index == 0 || info.planes == 3 ? info.luma_bytes : 2,
                    {}};
    const Components order = components_of(picture.format, index);
    for (int c = 0; c < samples.channels; ++c) {
        samples.constant[c] =
            static_cast<uint8_t>(std::clamp(std::lround(values[order.of[c]]), 0L, 255L));
    }
    return samples;
}

/// Both pictures are of one format, without alpha and not 4:2:2 in one plane.
void warp_alike(const Picture &source, const Picture &target, const Places &places,
                const WarpRule &rule) {
    const FormatInfo &info = *format_info(source.format);
    for (int index = 0; index < info.planes; ++index) {
        const bool chroma = index > 0 && info.is_yuv;
        const PlaneWarp plane{samples_of(source, index, rule.constant),
                              samples_of(target, index, rule.constant), chroma ? info.chroma_w : 0,
                              chroma ? info.chroma_h : 0};
        const auto rows = static_cast<uint32_t>(plane.to.height);
        parallel_for((rows + kRowsAtOnce - 1) / kRowsAtOnce, [&](size_t part) {
            const uint32_t first = static_cast<uint32_t>(part) * kRowsAtOnce;
            plane.run(first, std::min(first + kRowsAtOnce, rows), places, rule);
        });
    }
}

/// A picture with memory of its own.
class OwnPicture {
  public:
    OwnPicture(PixelFormat format, uint32_t width, uint32_t height) {
        picture_.format = format;
        picture_.width = width;
        picture_.height = height;
        picture_.stride_w = row_bytes(format, width, 16);
        picture_.stride_h = height + height % 2;
        picture_.size = picture_bytes(format, picture_.stride_w, picture_.stride_h);
        memory_.reset(new uint8_t[picture_.size + 64]);
        picture_.data = memory_.get();
    }
    const Picture &get() const { return picture_; }

  private:
    Picture picture_;
    std::unique_ptr<uint8_t[]> memory_;
};

/// What a source is warped as when the target has another format: as it is, unless its chroma
/// would be thinned out twice.
PixelFormat work_format(PixelFormat source, PixelFormat target) {
    constexpr PixelFormat kFull = 11;  // YUV_PACKED_444
    const FormatInfo &from = *format_info(source), &to = *format_info(target);
    const bool alike =
        from.planes == to.planes && from.chroma_w == to.chroma_w && from.chroma_h == to.chroma_h;
    return alike || (from.chroma_w == 0 && from.chroma_h == 0) ? source : kFull;
}

}  // namespace

void formula_row(const Homography &formula, const RowOfSamples &samples, float *x, float *y,
                 uint32_t count) {
    double parts[3][2];
    for (int i = 0; i < 3; ++i) {
        parts[i][0] = formula.rows[i][0];
        parts[i][1] = formula.rows[i][1] * samples.y + formula.rows[i][2];
    }
    if (is_affine(formula)) {
        affine_row(parts[0], parts[1], samples.first, samples.step, x, y, count);
    } else {
        perspective_row(parts[0], parts[1], parts[2], samples.first, samples.step, x, y, count);
    }
}

std::string warp(const Picture &source, const Picture &target, const Places &places,
                 const WarpRule &rule) {
    if (source.format == target.format) {
        warp_alike(source, target, places, rule);
        return "";
    }
    const PixelFormat work = work_format(source.format, target.format);
    std::unique_ptr<OwnPicture> from, to;
    if (work != source.format) {
        from = std::make_unique<OwnPicture>(work, source.width, source.height);
        std::string why = convert_color(source, from->get(), rule.matrix);
        if (!why.empty()) return why;
    }
    if (work != target.format) {
        to = std::make_unique<OwnPicture>(work, target.width, target.height);
    }
    const Picture &warped = to ? to->get() : target;
    warp_alike(from ? from->get() : source, warped, places, rule);
    return to ? convert_color(warped, target, rule.matrix) : "";
}

}  // namespace softnpu::vpc
