// Pyramids: a 5x5 filter on every second sample.
#include <cstring>
#include <vector>

#include "softnpu/vpc/edge.hpp"
#include "softnpu/vpc/vpc.hpp"

namespace softnpu::vpc {
namespace {

/// A plane with two samples more on every side, as wide integers.
class Padded {
  public:
    Padded(const Plane &plane, uint32_t channels, Border border, uint8_t constant)
        : channels_(channels),
          width_((size_t{plane.width} + 4) * channels),
          samples_(width_ * (size_t{plane.height} + 4), constant) {
        for (uint32_t y = 0; y < plane.height + 4; ++y) {
            const int64_t at = reflect(int64_t{y} - 2, plane.height, border);
            if (at < 0) continue;
            const uint8_t *from = plane.data + plane.stride * static_cast<size_t>(at);
            int16_t *to = samples_.data() + width_ * y;
            for (uint32_t x = 0; x < plane.width + 4; ++x) {
                const int64_t column = reflect(int64_t{x} - 2, plane.width, border);
                if (column < 0) continue;
                for (uint32_t c = 0; c < channels; ++c) {
                    to[size_t{x} * channels + c] = from[static_cast<size_t>(column) * channels + c];
                }
            }
        }
    }

    /// `y` counts from the first row of the picture, less two.
    const int16_t *row(uint32_t y) const { return samples_.data() + width_ * y; }
    uint32_t channels() const { return channels_; }

  private:
    const uint32_t channels_;
    const size_t width_;
    std::vector<int16_t> samples_;
};

__attribute__((optimize("O3"))) void add_row(const int16_t *from, int weight, int32_t *sums,
                                             size_t count, size_t channels) {
    if (channels == 1) {
        for (size_t x = 0; x < count; ++x) sums[x] += weight * from[2 * x];
        return;
    }
    for (size_t x = 0; x < count; ++x) {
        for (size_t c = 0; c < channels; ++c) {
            sums[x * channels + c] += weight * from[2 * x * channels + c];
        }
    }
}

void filter_plane(const Plane &in, const Plane &out, uint32_t channels,
                  const PyramidFilter &filter) {
    const Padded padded(in, channels, filter.border, filter.constant);
    const size_t count = size_t{out.width} * channels;
    std::vector<int32_t> sums(count);
    for (uint32_t y = 0; y < out.height; ++y) {
        std::fill(sums.begin(), sums.end(), (1 << filter.shift) >> 1);
        for (uint32_t j = 0; j < 5; ++j) {
            for (uint32_t i = 0; i < 5; ++i) {
                add_row(padded.row(2 * y + j) + size_t{i} * channels, filter.weights[j][i],
                        sums.data(), out.width, channels);
            }
        }
        uint8_t *row = out.data + out.stride * y;
        for (size_t x = 0; x < count; ++x) {
            row[x] = static_cast<uint8_t>(std::clamp(sums[x] >> filter.shift, 0, 255));
        }
    }
}

}  // namespace

std::string pyramid_down(const Picture &source, const Picture &target,
                         const PyramidFilter &filter) {
    const FormatInfo *info = format_info(source.format);
    if (info == nullptr || info->planes > 2 || is_packed_422(source.format)) {
        return "the pixel format has no pyramid here";
    }
    if (source.format != target.format) return "source and target differ in format";
    const auto halves = [](uint32_t from, uint32_t to) {
        return to == from / 2 || to == (from + 1) / 2;
    };
    if (!halves(source.width, target.width) || !halves(source.height, target.height)) {
        return "the output must have half the input's size";
    }
    for (int index = 0; index < info->planes; ++index) {
        filter_plane(plane_of(source, index), plane_of(target, index),
                     components_of(source.format, index).period, filter);
    }
    return "";
}

}  // namespace softnpu::vpc
