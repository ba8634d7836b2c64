#include "softnpu/aipp/aipp.hpp"

#include <algorithm>
#include <cstring>
#include <vector>

#include "softnpu/core/half.hpp"
#include "softnpu/dvpp/parallel.hpp"

#if defined(__x86_64__) && !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__)
#define SOFTNPU_VECTORISED __attribute__((target_clones("avx2", "default"), optimize("O3")))
#else
#define SOFTNPU_VECTORISED __attribute__((optimize("O3")))
#endif

namespace softnpu::aipp {
namespace {

constexpr int32_t kRowsPerPiece = 32;

/// Scratch of one thread for one row: three channels of bytes, and of floats.
struct Row {
    std::vector<uint8_t> bytes[3];
    std::vector<float> floats;

    void reserve(size_t width) {
        for (auto &channel : bytes) channel.resize(width + 64);
        floats.resize(width + 64);
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

    void values(int32_t channel, int32_t y, int32_t x, Row &row, int32_t count) const {
        const auto index = static_cast<size_t>(channel);
        const uint8_t *in = row.bytes[index].data();
        if (tensor_.element == Element::u8) {
            bytes(channel, y, x, in, count);
            return;
        }
        const bool direct = tensor_.element == Element::f32 && tensor_.planar;
        float *out =
            direct ? static_cast<float *>(tensor_.data) + offset(channel, y, x) : row.floats.data();
        normalise(in, out, count, static_cast<float>(settings_.mean[index]), settings_.min[index],
                  settings_.reciprocal[index]);
        if (!direct) floats(channel, y, x, out, count);
    }

    void padding(int32_t channel, int32_t y, int32_t x, int32_t count) const {
        for (int32_t i = 0; i < count; ++i) {
            if (tensor_.element == Element::u8) {
                const auto value = static_cast<uint8_t>(static_cast<int32_t>(settings_.pad_value));
                bytes(channel, y, x + i, &value, 1);
            } else {
                floats(channel, y, x + i, &settings_.pad_value, 1);
            }
        }
    }

  private:
    size_t offset(int32_t channel, int32_t y, int32_t x) const {
        const auto at = [](int32_t value) { return static_cast<size_t>(value); };
        if (tensor_.planar) {
            return (at(channel) * at(tensor_.height) + at(y)) * at(tensor_.width) + at(x);
        }
        return (at(y) * at(tensor_.width) + at(x)) * at(tensor_.channels) + at(channel);
    }
    size_t step() const { return tensor_.planar ? 1 : static_cast<size_t>(tensor_.channels); }

    void bytes(int32_t channel, int32_t y, int32_t x, const uint8_t *in, int32_t count) const {
        uint8_t *out = static_cast<uint8_t *>(tensor_.data) + offset(channel, y, x);
        for (int32_t i = 0; i < count; ++i) out[static_cast<size_t>(i) * step()] = in[i];
    }

    void floats(int32_t channel, int32_t y, int32_t x, const float *in, int32_t count) const {
        const size_t first = offset(channel, y, x);
        if (tensor_.element == Element::f32) {
            float *out = static_cast<float *>(tensor_.data) + first;
            for (int32_t i = 0; i < count; ++i) out[static_cast<size_t>(i) * step()] = in[i];
        } else {
            uint16_t *out = static_cast<uint16_t *>(tensor_.data) + first;
            for (int32_t i = 0; i < count; ++i)
                out[static_cast<size_t>(i) * step()] = to_half(in[i]);
        }
    }

    const Tensor &tensor_;
    const Settings &settings_;
};

void write_row(const Settings &s, const uint8_t *picture, const Tensor &tensor, int32_t y) {
    thread_local Row row;
    row.reserve(static_cast<size_t>(s.crop_w));
    const Writer writer(tensor, s);
    const int32_t inner = y - s.top;
    const bool is_inner = inner >= 0 && inner < s.crop_h;
    if (is_inner) load_row(s, picture, inner, row);
    for (int32_t channel = 0; channel < tensor.channels; ++channel) {
        if (!is_inner) {
            writer.padding(channel, y, 0, tensor.width);
            continue;
        }
        if (s.left > 0) writer.padding(channel, y, 0, s.left);
        writer.values(channel, y, s.left, row, s.crop_w);
        if (s.right > 0) writer.padding(channel, y, s.left + s.crop_w, s.right);
    }
}

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

void apply(const Settings &settings, const uint8_t *picture, const Tensor &tensor) {
    const int32_t pieces = (tensor.height + kRowsPerPiece - 1) / kRowsPerPiece;
    parallel_for(static_cast<size_t>(pieces), [&](size_t piece) {
        const int32_t from = static_cast<int32_t>(piece) * kRowsPerPiece;
        const int32_t to = std::min(tensor.height, from + kRowsPerPiece);
        for (int32_t y = from; y < to; ++y) write_row(settings, picture, tensor, y);
    });
}

}  // namespace softnpu::aipp
