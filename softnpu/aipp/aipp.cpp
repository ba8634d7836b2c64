#include "softnpu/aipp/aipp.hpp"

#include <algorithm>
#include <cstring>
#include <vector>

#include "softnpu/aipp/scale.hpp"
#include "softnpu/aipp/vectorised.hpp"
#include "softnpu/core/half.hpp"
#include "softnpu/dvpp/parallel.hpp"

namespace softnpu::aipp {
namespace {

constexpr int32_t kRowsPerPiece = 32;

/// Scratch of one thread for one row: three channels in each form they pass through.
struct Row {
    std::vector<uint8_t> bytes[3];
    std::vector<float> floats[3];
    std::vector<uint16_t> halves[3];

    void reserve(size_t width) {
        for (auto &channel : bytes) channel.resize(width + 64);
        for (auto &channel : floats) channel.resize(width + 64);
        for (auto &channel : halves) channel.resize(width + 64);
    }
};

SOFTNPU_VECTORISED void split_pairs(const uint8_t *pairs, uint8_t *__restrict first,
                                    uint8_t *__restrict second, int32_t width) {
    for (int32_t x = 0; x < width / 2; ++x) {
        const uint8_t a = pairs[2 * x], b = pairs[2 * x + 1];
        first[2 * x] = first[2 * x + 1] = a;
        second[2 * x] = second[2 * x + 1] = b;
    }
}

void split_pixels(const uint8_t *pixels, int32_t step, const int32_t *order, uint8_t *const out[3],
                  int32_t width) {
    uint8_t *__restrict a = out[0], *__restrict b = out[1], *__restrict c = out[2];
    for (int32_t x = 0; x < width; ++x) {
        const uint8_t *pixel = pixels + size_t{static_cast<uint32_t>(x * step)};
        a[x] = pixel[order[0]];
        b[x] = pixel[order[1]];
        c[x] = pixel[order[2]];
    }
}

/// out_i = clamp((sum M[i][j] * (in_j - in_bias_j) >> 8) + out_bias_i), in place.
SOFTNPU_VECTORISED void convert(uint8_t *__restrict a, uint8_t *__restrict b, uint8_t *__restrict c,
                                int32_t width, const int32_t *m, const int32_t *in,
                                const int32_t *out) {
    for (int32_t x = 0; x < width; ++x) {
        const int32_t p = a[x] - in[0], q = b[x] - in[1], r = c[x] - in[2];
        const int32_t u = ((m[0] * p + m[1] * q + m[2] * r) >> 8) + out[0];
        const int32_t v = ((m[3] * p + m[4] * q + m[5] * r) >> 8) + out[1];
        const int32_t w = ((m[6] * p + m[7] * q + m[8] * r) >> 8) + out[2];
        a[x] = static_cast<uint8_t>(u < 0 ? 0 : u > 255 ? 255 : u);
        b[x] = static_cast<uint8_t>(v < 0 ? 0 : v > 255 ? 255 : v);
        c[x] = static_cast<uint8_t>(w < 0 ? 0 : w > 255 ? 255 : w);
    }
}

SOFTNPU_VECTORISED void normalise(const uint8_t *__restrict in, float *__restrict out,
                                  int32_t width, float mean, float min, float reciprocal) {
    for (int32_t x = 0; x < width; ++x) {
        out[x] = (static_cast<float>(in[x]) - mean - min) * reciprocal;
    }
}

/// to_half() of a whole row, without a branch so that it is done in vectors.
SOFTNPU_VECTORISED void halve(const float *__restrict in, uint16_t *__restrict out, int32_t width) {
    for (int32_t x = 0; x < width; ++x) {
        uint32_t bits = 0;
        std::memcpy(&bits, in + x, sizeof bits);
        const uint32_t sign = (bits >> 16) & 0x8000u, magnitude = bits & 0x7FFFFFFFu;
        // Below 2^-14 the adder rounds: 0.5 has the last bit that a subnormal half can hold.
        float small = 0;
        std::memcpy(&small, &magnitude, sizeof small);
        small += 0.5f;
        uint32_t subnormal = 0;
        std::memcpy(&subnormal, &small, sizeof subnormal);
        subnormal -= 0x3F000000u;
        const uint32_t normal =
            (magnitude - (112u << 23) + 0xFFFu + ((magnitude >> 13) & 1u)) >> 13;
        const uint32_t large =
            magnitude > 0x7F800000u ? 0x7E00u | ((magnitude >> 13) & 0x3FFu) : 0x7C00u;
        const uint32_t finite = magnitude < (113u << 23) ? subnormal : normal;
        out[x] = static_cast<uint16_t>(sign | (magnitude >= 0x47800000u ? large : finite));
    }
}

#define SOFTNPU_INTERLEAVE(Type)                                                           \
    SOFTNPU_VECTORISED void interleave(const Type *__restrict a, const Type *__restrict b, \
                                       const Type *__restrict c, Type *__restrict out,     \
                                       int32_t width) {                                    \
        for (int32_t x = 0; x < width; ++x) {                                              \
            out[3 * x] = a[x];                                                             \
            out[3 * x + 1] = b[x];                                                         \
            out[3 * x + 2] = c[x];                                                         \
        }                                                                                  \
    }
SOFTNPU_INTERLEAVE(uint8_t)
SOFTNPU_INTERLEAVE(uint16_t)
SOFTNPU_INTERLEAVE(float)
#undef SOFTNPU_INTERLEAVE

/// One row of the cropped picture as separate channels, swapped and converted.
void load_row(const Settings &s, const uint8_t *picture, int32_t y, Row &row) {
    uint8_t *const out[3] = {row.bytes[0].data(), row.bytes[1].data(), row.bytes[2].data()};
    const size_t line = static_cast<size_t>(s.crop_y + y), width = static_cast<size_t>(s.src_w);
    const size_t left = static_cast<size_t>(s.crop_x);
    switch (s.format) {
        case Format::yuv400:
            std::memcpy(out[0], picture + line * width + left, static_cast<size_t>(s.crop_w));
            return;
        case Format::yuv420sp: {
            std::memcpy(out[0], picture + line * width + left, static_cast<size_t>(s.crop_w));
            const uint8_t *pairs =
                picture + width * static_cast<size_t>(s.src_h) + line / 2 * width + left;
            split_pairs(pairs, out[s.rbuv_swap ? 2 : 1], out[s.rbuv_swap ? 1 : 2], s.crop_w);
            break;
        }
        case Format::rgb888: {
            const int32_t order[3] = {s.rbuv_swap ? 2 : 0, 1, s.rbuv_swap ? 0 : 2};
            split_pixels(picture + (line * width + left) * 3, 3, order, out, s.crop_w);
            break;
        }
        case Format::xrgb8888: {
            // The fourth byte is dropped: the last, or the first after the ax swap.
            const int32_t first = s.ax_swap ? 1 : 0;
            const int32_t order[3] = {first + (s.rbuv_swap ? 2 : 0), first + 1,
                                      first + (s.rbuv_swap ? 0 : 2)};
            split_pixels(picture + (line * width + left) * 4, 4, order, out, s.crop_w);
            break;
        }
    }
    if (!s.csc) return;
    static constexpr std::array<int32_t, 3> kNone{};
    const bool yuv = s.format == Format::yuv420sp;
    convert(out[0], out[1], out[2], s.crop_w, s.matrix.data(), (yuv ? s.input_bias : kNone).data(),
            (yuv ? kNone : s.output_bias).data());
}

/// Puts `count` values into a row of the tensor, from column `x` on.
class Writer {
  public:
    Writer(const Tensor &tensor, const Settings &settings) : tensor_(tensor), settings_(settings) {}

    void values(int32_t y, int32_t x, Row &row, int32_t count) const {
        if (tensor_.element == Element::u8) {
            store(row.bytes, y, x, count);
            return;
        }
        const bool direct = tensor_.element == Element::f32 && tensor_.planar;
        for (size_t i = 0; i < static_cast<size_t>(tensor_.channels); ++i) {
            float *out = direct ? at<float>(static_cast<int32_t>(i), y, x) : row.floats[i].data();
            normalise(row.bytes[i].data(), out, count, static_cast<float>(settings_.mean[i]),
                      settings_.min[i], settings_.reciprocal[i]);
            if (tensor_.element == Element::f16) halve(out, row.halves[i].data(), count);
        }
        if (tensor_.element == Element::f16) {
            store(row.halves, y, x, count);
        } else if (!direct) {
            store(row.floats, y, x, count);
        }
    }

    void padding(int32_t channel, int32_t y, int32_t x, int32_t count) const {
        switch (tensor_.element) {
            case Element::u8:
                fill(channel, y, x, count,
                     static_cast<uint8_t>(static_cast<int32_t>(settings_.pad_value)));
                break;
            case Element::f16:
                fill(channel, y, x, count, to_half(settings_.pad_value));
                break;
            case Element::f32:
                fill(channel, y, x, count, settings_.pad_value);
                break;
        }
    }

  private:
    template <class T>
    T *at(int32_t channel, int32_t y, int32_t x) const {
        const auto size = [](int32_t value) { return static_cast<size_t>(value); };
        const size_t row =
            tensor_.planar ? size(channel) * size(tensor_.height) + size(y) : size(y);
        const size_t pixel = row * size(tensor_.width) + size(x);
        return static_cast<T *>(tensor_.data) +
               (tensor_.planar ? pixel : pixel * size(tensor_.channels) + size(channel));
    }
    int32_t step() const { return tensor_.planar ? 1 : tensor_.channels; }

    template <class T>
    void fill(int32_t channel, int32_t y, int32_t x, int32_t count, T value) const {
        T *out = at<T>(channel, y, x);
        for (int32_t i = 0; i < count; ++i) out[i * step()] = value;
    }

    template <class T>
    void store(const std::vector<T> (&row)[3], int32_t y, int32_t x, int32_t count) const {
        if (step() == 3) {
            interleave(row[0].data(), row[1].data(), row[2].data(), at<T>(0, y, x), count);
            return;
        }
        for (int32_t channel = 0; channel < tensor_.channels; ++channel) {
            const T *in = row[channel].data();
            T *out = at<T>(channel, y, x);
            if (step() == 1) {
                std::memcpy(out, in, static_cast<size_t>(count) * sizeof(T));
                continue;
            }
            for (int32_t i = 0; i < count; ++i) out[i * step()] = in[i];
        }
    }

    const Tensor &tensor_;
    const Settings &settings_;
};

/// Makes the rows of one piece of the tensor, from top to bottom.
class Rows {
  public:
    Rows(const Settings &settings, const uint8_t *picture, const Tensor &tensor)
        : s_(settings), picture_(picture), tensor_(tensor), writer_(tensor, settings) {
        row_.reserve(static_cast<size_t>(std::max(s_.crop_w, s_.inner_w())));
        if (!s_.resize) return;
        across_ = &axis_for(Direction::across, s_.crop_w, s_.resize_w);
        down_ = &axis_for(Direction::down, s_.crop_h, s_.resize_h);
        for (auto &sums : sums_) {
            for (auto &channel : sums) channel.resize(static_cast<size_t>(s_.resize_w));
        }
    }

    void write(int32_t y) {
        const int32_t inner = y - s_.top, width = s_.inner_w();
        const bool is_inner = inner >= 0 && inner < s_.inner_h();
        for (int32_t channel = 0; channel < tensor_.channels; ++channel) {
            writer_.padding(channel, y, 0, is_inner ? s_.left : tensor_.width);
            if (is_inner) writer_.padding(channel, y, s_.left + width, s_.right);
        }
        if (!is_inner) return;
        if (s_.resize) {
            resize(static_cast<size_t>(inner));
        } else {
            load_row(s_, picture_, inner, row_);
        }
        writer_.values(y, s_.left, row_, width);
    }

  private:
    void resize(size_t y) {
        const int32_t first = down_->first[y];
        widen(first);
        widen(first + 1);
        for (size_t i = 0; i < static_cast<size_t>(tensor_.channels); ++i) {
            scale_down(sums_[first % 2][i].data(), sums_[(first + 1) % 2][i].data(),
                       down_->weights[y], row_.bytes[i].data(), s_.resize_w);
        }
    }

    /// Two neighbours lie in different places, so the next result finds what it shares with this.
    void widen(int32_t y) {
        const auto place = static_cast<size_t>(y % 2);
        if (held_[place] == y) return;
        held_[place] = y;
        load_row(s_, picture_, y, row_);
        for (size_t i = 0; i < static_cast<size_t>(tensor_.channels); ++i) {
            scale_across(*across_, row_.bytes[i].data(), sums_[place][i].data());
        }
    }

    static thread_local Row row_;
    static thread_local std::vector<int32_t> sums_[2][3];  // two rows of the source, resized across

    const Settings &s_;
    const uint8_t *picture_;
    const Tensor &tensor_;
    const Writer writer_;
    const Axis *across_ = nullptr, *down_ = nullptr;
    int32_t held_[2] = {-1, -1};
};

thread_local Row Rows::row_;
thread_local std::vector<int32_t> Rows::sums_[2][3];

}  // namespace

size_t picture_bytes(Format format, int32_t width, int32_t height) noexcept {
    const size_t pixels = static_cast<size_t>(width) * static_cast<size_t>(height);
    switch (format) {
        case Format::yuv420sp:
            return pixels * 3 / 2;
        case Format::xrgb8888:
            return pixels * 4;
        case Format::rgb888:
            return pixels * 3;
        default:
            return pixels;
    }
}

int32_t channels_of(const Settings &settings) noexcept {
    return settings.format == Format::yuv400 ? 1 : 3;
}

const char *resize_problem(int32_t from_w, int32_t from_h, int32_t to_w, int32_t to_h) noexcept {
    const auto outside = [](int32_t value, int32_t most) {
        return value < kLeastResized || value > most;
    };
    const auto too_far = [](int32_t from, int32_t to) {
        return from > kMostRatio * to || to > kMostRatio * from;
    };
    if (outside(from_w, kMostResized) || outside(from_h, kMostResized))
        return "want a source of 16..4096 in width and height";
    if (outside(to_w, kWidestResized)) return "want a result of 16..1920 in width";
    if (outside(to_h, kMostResized)) return "want a result of 16..4096 in height";
    if (too_far(from_w, to_w) || too_far(from_h, to_h)) return "want a ratio of 1/16..16";
    return nullptr;
}

void apply(const Settings &settings, const uint8_t *picture, const Tensor &tensor) {
    const int32_t pieces = (tensor.height + kRowsPerPiece - 1) / kRowsPerPiece;
    parallel_for(static_cast<size_t>(pieces), [&](size_t piece) {
        const int32_t from = static_cast<int32_t>(piece) * kRowsPerPiece;
        const int32_t to = std::min(tensor.height, from + kRowsPerPiece);
        Rows rows(settings, picture, tensor);
        for (int32_t y = from; y < to; ++y) rows.write(y);
    });
}

}  // namespace softnpu::aipp
