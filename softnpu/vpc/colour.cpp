#include "softnpu/vpc/colour.hpp"

#include <algorithm>
#include <cstring>
#include <vector>

#include "softnpu/vpc/components.hpp"
#include "softnpu/vpc/vectorised.hpp"

namespace softnpu::vpc {
namespace {

SOFTNPU_VECTORISED void gather(const uint8_t *from, size_t step, uint8_t *__restrict to,
                               size_t count) {
    if (step == 2) {
        for (size_t x = 0; x < count; ++x) to[x] = from[2 * x];
    } else if (step == 3) {
        for (size_t x = 0; x < count; ++x) to[x] = from[3 * x];
    } else {
        for (size_t x = 0; x < count; ++x) to[x] = from[4 * x];
    }
}

SOFTNPU_VECTORISED void scatter(const uint8_t *from, uint8_t *__restrict to, size_t step,
                                size_t count) {
    if (step == 2) {
        for (size_t x = 0; x < count; ++x) to[2 * x] = from[x];
    } else if (step == 3) {
        for (size_t x = 0; x < count; ++x) to[3 * x] = from[x];
    } else {
        for (size_t x = 0; x < count; ++x) to[4 * x] = from[x];
    }
}

SOFTNPU_VECTORISED void repeat_each(const uint8_t *from, uint8_t *__restrict to, size_t pairs) {
    for (size_t x = 0; x < pairs; ++x) to[2 * x] = to[2 * x + 1] = from[x];
}

SOFTNPU_VECTORISED void mix(const uint8_t *const rows[3], const float *weights, float *out,
                            size_t count) {
    const uint8_t *a = rows[0], *b = rows[1], *c = rows[2];
    const float wa = weights[0], wb = weights[1], wc = weights[2], bias = weights[3];
    for (size_t x = 0; x < count; ++x) out[x] = wa * a[x] + wb * b[x] + wc * c[x] + bias;
}

SOFTNPU_VECTORISED void to_bytes(const float *from, uint8_t *__restrict to, size_t count) {
    for (size_t x = 0; x < count; ++x) {
        float value = from[x] + 0.5f;
        value = value > 0.0f ? value : 0.0f;  // what is no number becomes 0, too
        value = value < 255.0f ? value : 255.0f;
        to[x] = static_cast<uint8_t>(static_cast<int>(value));
    }
}

/// All three at once, to bytes.
SOFTNPU_VECTORISED void mix_all(const uint8_t *a, const uint8_t *b, const uint8_t *c,
                                const float *weights, uint8_t *__restrict p, uint8_t *__restrict q,
                                uint8_t *__restrict r, size_t count) {
    const auto byte = [](float value) {
        value = value > 0.0f ? value : 0.0f;
        value = value < 255.0f ? value : 255.0f;
        return static_cast<uint8_t>(static_cast<int>(value));
    };
    const float pa = weights[0], pb = weights[1], pc = weights[2], p0 = weights[3] + 0.5f;
    const float qa = weights[4], qb = weights[5], qc = weights[6], q0 = weights[7] + 0.5f;
    const float ra = weights[8], rb = weights[9], rc = weights[10], r0 = weights[11] + 0.5f;
    for (size_t x = 0; x < count; ++x) {
        const float fa = a[x], fb = b[x], fc = c[x];
        p[x] = byte(pa * fa + pb * fb + pc * fc + p0);
        q[x] = byte(qa * fa + qb * fb + qc * fc + q0);
        r[x] = byte(ra * fa + rb * fb + rc * fc + r0);
    }
}

/// Three rows to pixels of three bytes, and back.
SOFTNPU_VECTORISED void join_rows(const uint8_t *a, const uint8_t *b, const uint8_t *c,
                                  uint8_t *__restrict to, size_t count) {
    for (size_t x = 0; x < count; ++x) {
        to[3 * x] = a[x];
        to[3 * x + 1] = b[x];
        to[3 * x + 2] = c[x];
    }
}

/// Four rows, one of them alpha.
SOFTNPU_VECTORISED void join_four(const uint8_t *const rows[4], uint8_t *__restrict to,
                                  size_t count) {
    const uint8_t *a = rows[0], *b = rows[1], *c = rows[2], *d = rows[3];
    for (size_t x = 0; x < count; ++x) {
        to[4 * x] = a[x];
        to[4 * x + 1] = b[x];
        to[4 * x + 2] = c[x];
        to[4 * x + 3] = d[x];
    }
}

SOFTNPU_VECTORISED void split_rows(const uint8_t *from, uint8_t *__restrict a,
                                   uint8_t *__restrict b, uint8_t *__restrict c, size_t count) {
    for (size_t x = 0; x < count; ++x) {
        a[x] = from[3 * x];
        b[x] = from[3 * x + 1];
        c[x] = from[3 * x + 2];
    }
}

SOFTNPU_VECTORISED void to_floats(const uint8_t *from, float *to, size_t count) {
    for (size_t x = 0; x < count; ++x) to[x] = from[x];
}

/// Every second sample by the card's filter; `row` has two samples more on each side.
SOFTNPU_VECTORISED void halve_filtered(const float *row, float *out, size_t pairs) {
    for (size_t x = 0; x < pairs; ++x) {
        const float *at = row + 2 * x;
        out[x] = (13 * (at[0] + at[4]) + 65 * (at[1] + at[3]) + 100 * at[2]) / 256;
    }
}

/// What a picture is made of, for the loops below.
struct Layout {
    bool is_yuv, grey;
    uint8_t *pixels = nullptr;  // of three or four bytes, in one plane
    size_t period = 0;
    size_t order[4] = {0, 1, 2, 3};  // which component each byte is
    int across, down;                // log2 of the chroma subsampling
    ComponentPlace places[3];

    explicit Layout(const Picture &picture) {
        const FormatInfo &info = *format_info(picture.format);
        is_yuv = info.is_yuv;
        grey = info.planes == 1 && info.luma_bytes == 1;
        across = info.chroma_w;
        down = info.chroma_h;
        for (uint8_t c = 0; c < (grey ? 1 : 3); ++c) places[c] = component_place(picture, c);
        const Components pattern = components_of(picture.format, 0);
        if (pattern.period < 3 || is_packed_422(picture.format)) return;
        pixels = picture.data;
        period = pattern.period;
        for (size_t i = 0; i < period; ++i) order[i] = pattern.of[i];
    }
};

/// Scratch rows of one conversion.
class Converter {
  public:
    Converter(const Picture &source, const Picture &target, const ColourMatrix &matrix)
        : matrix_(matrix),
          from_(source),
          to_(target),
          width_(source.width),
          height_(source.height) {
        for (auto &row : full_) row.resize(width_ + 2);
        for (auto &row : half_) row.resize(width_ + 2);
        for (auto &row : floats_) row.resize(width_ + 6);
        halved_.resize(width_);
        no_alpha_.resize(width_);
        for (size_t c = 0; c < 3; ++c) {
            made_rows_[c].resize(width_);
            made_[c] = made_rows_[c].data();
        }
        written_.resize(width_ + 2);
    }

    void run() {
        for (uint32_t y = 0; y < height_; ++y) {
            load(y);
            if (from_.is_yuv == to_.is_yuv) {
                keep(y);
            } else if (to_.is_yuv) {
                rgb_to_yuv(y);
            } else {
                yuv_to_rgb(y);
            }
        }
    }

  private:
    /// The samples of a component in a row, as they lie or gathered.
    const uint8_t *fetch(const ComponentPlace &place, uint32_t y, uint8_t *room) const {
        const uint8_t *from = place.data + place.stride * y;
        if (place.step == 1) return from;
        gather(from, place.step, room, place.width);
        return room;
    }

    /// Points rows_ to the three components of row `y` in full width.
    void load(uint32_t y) {
        if (from_.pixels != nullptr && from_.period == 3) {
            uint8_t *rows[3];
            for (size_t i = 0; i < 3; ++i) rows[i] = full_[from_.order[i]].data();
            split_rows(from_.pixels + from_.places[0].stride * y, rows[0], rows[1], rows[2],
                       width_);
            for (size_t c = 0; c < 3; ++c) rows_[c] = full_[c].data();
            return;
        }
        rows_[0] = fetch(from_.places[0], y, full_[0].data());
        for (size_t c = 1; c < 3; ++c) {
            if (from_.grey) {
                if (y == 0) std::memset(full_[c].data(), 128, full_[c].size());
                rows_[c] = full_[c].data();
                continue;
            }
            const ComponentPlace &place = from_.places[c];
            if (from_.across == 0) {
                rows_[c] = fetch(place, y >> from_.down, full_[c].data());
            } else if (y % (1u << from_.down) == 0) {
                halves_[c] = fetch(place, y >> from_.down, half_[c].data());
                repeat_each(halves_[c], full_[c].data(), place.width);
                rows_[c] = full_[c].data();
            }
        }
    }

    void store(const uint8_t *row, size_t c, uint32_t y) {
        const ComponentPlace &place = to_.places[c];
        uint8_t *out = place.data + place.stride * y;
        if (place.step == 1) {
            std::memcpy(out, row, place.width);
        } else {
            scatter(row, out, place.step, place.width);
        }
    }

    /// A row of all three, none of them subsampled.
    void store_all(const uint8_t *const rows[3], uint32_t y) {
        if (to_.pixels == nullptr) {
            for (size_t c = 0; c < 3; ++c) store(rows[c], c, y);
            return;
        }
        const uint8_t *ordered[4];
        for (size_t i = 0; i < to_.period; ++i) {
            ordered[i] = to_.order[i] == 3 ? no_alpha_.data() : rows[to_.order[i]];
        }
        uint8_t *out = to_.pixels + to_.places[0].stride * y;
        if (to_.period == 3) {
            join_rows(ordered[0], ordered[1], ordered[2], out, width_);
        } else {
            join_four(ordered, out, width_);
        }
    }

    /// A row of chroma, which stands in floats_[c] from its third sample on.
    void store_chroma(size_t c, uint32_t y) {
        if (y % (1u << to_.down) != 0) return;
        float *row = floats_[c].data() + 2;
        const float *whole = row;
        if (to_.across != 0) {
            // Mirrored without the outermost sample itself.
            row[-1] = row[1];
            row[-2] = row[2];
            row[width_] = row[width_ - 2];
            row[width_ + 1] = row[width_ - 3];
            halve_filtered(row - 2, halved_.data(), to_.places[c].width);
            whole = halved_.data();
        }
        to_bytes(whole, written_.data(), to_.places[c].width);
        store(written_.data(), c, y >> to_.down);
    }

    void rgb_to_yuv(uint32_t y) {
        if (!to_.grey && to_.across == 0 && to_.down == 0) {
            mix_all(rows_[0], rows_[1], rows_[2], matrix_.to_yuv[0], made_[0], made_[1], made_[2],
                    width_);
            store_all(made_, y);
            return;
        }
        for (size_t c = 0; c < (to_.grey ? 1 : 3); ++c) {
            mix(rows_, matrix_.to_yuv[c], floats_[c].data() + 2, width_);
        }
        to_bytes(floats_[0].data() + 2, written_.data(), width_);
        store(written_.data(), 0, y);
        for (size_t c = 1; !to_.grey && c < 3; ++c) store_chroma(c, y);
    }

    void yuv_to_rgb(uint32_t y) {
        mix_all(rows_[0], rows_[1], rows_[2], matrix_.to_rgb[0], made_[0], made_[1], made_[2],
                width_);
        store_all(made_, y);
    }

    /// No other colour: only other places, or fewer or more of the chroma.
    void keep(uint32_t y) {
        if (to_.pixels != nullptr) {
            store_all(rows_, y);
            return;
        }
        store(rows_[0], 0, y);
        for (size_t c = 1; !to_.grey && c < 3; ++c) {
            if (to_.across == 0) {
                if (y % (1u << to_.down) == 0) store(rows_[c], c, y >> to_.down);
            } else if (from_.across != 0) {
                if (y % (1u << to_.down) == 0) store(halves_[c], c, y >> to_.down);
            } else if (from_.grey) {
                if (y % (1u << to_.down) == 0) store(rows_[c], c, y >> to_.down);
            } else {
                to_floats(rows_[c], floats_[c].data() + 2, width_);
                store_chroma(c, y);
            }
        }
    }

    const ColourMatrix &matrix_;
    const Layout from_, to_;
    const uint32_t width_, height_;
    const uint8_t *rows_[3] = {};    // of the source, in full width
    const uint8_t *halves_[3] = {};  // of its chroma, as it is
    std::vector<uint8_t> full_[3], half_[3], made_rows_[3], written_, no_alpha_;
    uint8_t *made_[3] = {};
    std::vector<float> floats_[3], halved_;
};

}  // namespace

void convert_colour(const Picture &source, const Picture &target, const ColourMatrix &matrix) {
    Converter(source, target, matrix).run();
}

}  // namespace softnpu::vpc
