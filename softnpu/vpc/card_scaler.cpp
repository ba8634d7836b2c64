#include "softnpu/vpc/card_scaler.hpp"

#include <algorithm>
#include <cstring>
#include <vector>

#include "softnpu/vpc/columns.hpp"
#include "softnpu/vpc/halve.hpp"
#include "softnpu/vpc/taps.hpp"

#if defined(__x86_64__)
#include <immintrin.h>
#endif

namespace softnpu::vpc {
namespace {

#if defined(__x86_64__)
/// Four rows, two of them interleaved: sums of (pixel - 128) * weight fit into 16 bits. `count` is
/// 32 at least; the last 32 overlap those before.
__attribute__((target("avx2"))) void down_avx2(const uint8_t *const rows[4], const int16_t *taps,
                                               uint8_t *out, size_t count) {
    const __m256i flip = _mm256_set1_epi8(static_cast<char>(0x80));
    const __m256i half = _mm256_set1_epi16(128);
    const __m256i upper = _mm256_set1_epi16(static_cast<int16_t>(taps[0] | taps[1] << 8));
    const __m256i lower = _mm256_set1_epi16(static_cast<int16_t>(taps[2] | taps[3] << 8));
    for (size_t i = 0;; i = std::min(i + 32, count - 32)) {
        const auto row = [&](int k) __attribute__((target("avx2"), always_inline)) {
            const __m256i bytes =
                _mm256_loadu_si256(reinterpret_cast<const __m256i *>(rows[k] + i));
            return _mm256_xor_si256(bytes, flip);
        };
        const __m256i a = row(0), b = row(1), c = row(2), d = row(3);
        __m256i low = _mm256_add_epi16(_mm256_maddubs_epi16(upper, _mm256_unpacklo_epi8(a, b)),
                                       _mm256_maddubs_epi16(lower, _mm256_unpacklo_epi8(c, d)));
        __m256i high = _mm256_add_epi16(_mm256_maddubs_epi16(upper, _mm256_unpackhi_epi8(a, b)),
                                        _mm256_maddubs_epi16(lower, _mm256_unpackhi_epi8(c, d)));
        low = _mm256_srai_epi16(_mm256_add_epi16(low, half), 8);
        high = _mm256_srai_epi16(_mm256_add_epi16(high, half), 8);
        _mm256_storeu_si256(reinterpret_cast<__m256i *>(out + i),
                            _mm256_xor_si256(_mm256_packs_epi16(low, high), flip));
        if (i + 32 >= count) return;
    }
}

bool has_avx2() {
    static const bool has = __builtin_cpu_supports("avx2");
    return has;
}
#endif

/// Weights that are not negative keep the sum within 16 bits.
__attribute__((optimize("O3"))) void down_unsigned(const uint8_t *const rows[4],
                                                   const int16_t *taps, uint8_t *out,
                                                   size_t count) {
#if defined(__x86_64__)
    if (count >= 32 && has_avx2()) {
        down_avx2(rows, taps, out, count);
        return;
    }
#endif
    const uint8_t *a = rows[0], *b = rows[1], *c = rows[2], *d = rows[3];
    const auto ta = static_cast<uint16_t>(taps[0]), tb = static_cast<uint16_t>(taps[1]),
               tc = static_cast<uint16_t>(taps[2]), td = static_cast<uint16_t>(taps[3]);
    for (size_t i = 0; i < count; ++i) {
        const auto sum = static_cast<uint16_t>(ta * a[i] + tb * b[i] + tc * c[i] + td * d[i] + 128);
        out[i] = static_cast<uint8_t>(sum >> 8);
    }
}

#if defined(__x86_64__) && !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__)
__attribute__((target_clones("avx2", "default"), optimize("O3")))
#else
__attribute__((optimize("O3")))
#endif
void down_signed(const uint8_t *const rows[4], const int16_t *taps, uint8_t *out, size_t count) {
    const uint8_t *a = rows[0], *b = rows[1], *c = rows[2], *d = rows[3];
    for (size_t i = 0; i < count; ++i) {
        const int sum =
            (taps[0] * a[i] + taps[1] * b[i] + taps[2] * c[i] + taps[3] * d[i] + 128) >> 8;
        out[i] = static_cast<uint8_t>(sum < 0 ? 0 : sum > 255 ? 255 : sum);
    }
}

/// Rows after the horizontal pass, the last few of them: neighbours share most of their rows.
class RowCache {
  public:
    RowCache(const Samples &source, const Columns &columns)
        : source_(source), columns_(columns), room_(columns.room()) {
        thread_local std::vector<uint8_t> scratch;
        const size_t halved = source.halves ? size_t{source.width} * columns.key.channels : 0;
        const size_t needed = room_ * kRows + halved + 64;
        if (scratch.size() < needed) scratch.resize(needed);
        memory_ = scratch.data();
        halved_ = memory_ + room_ * kRows;
        std::fill(std::begin(held_), std::end(held_), -1);
    }

    const uint8_t *row(int32_t y) {
        if (columns_.key.step == kUnit && !source_.halves) return source_row(y);
        const size_t slot = static_cast<size_t>(y) % kRows;
        uint8_t *to = memory_ + slot * room_;
        if (held_[slot] != y) {
            scale_across(columns_, source_row(y), to);
            held_[slot] = y;
        }
        return to;
    }
    size_t bytes() const { return columns_.bytes(); }

  private:
    static constexpr size_t kRows = 8;

    const uint8_t *source_row(int32_t y) const {
        if (!source_.halves) return source_.data + source_.stride * static_cast<size_t>(y);
        const uint8_t *upper = source_.data + source_.stride * (static_cast<size_t>(y) * 2);
        const auto halve = columns_.key.channels == 1 ? halve_luma : halve_pairs;
        halve(upper, upper + source_.stride, halved_, source_.width);
        return halved_;
    }

    const Samples &source_;
    const Columns &columns_;
    const size_t room_;
    uint8_t *memory_, *halved_;
    int32_t held_[kRows];
};

/// Result row `j` of the target is row `j << keep_shift` of the scaler; its source rows are counted
/// as luma's and shifted down to those that exist.
void scale(const Samples &source, const Samples &target, const Ratio &ratio, const ColumnKey &key,
           int row_shift, int keep_shift) {
    const auto step =
        static_cast<uint32_t>((static_cast<uint64_t>(ratio.in_height) << 16) / ratio.out_height);
    const Taps &taps = taps_for(step, 4);
    RowCache rows(source, columns_for(key));
    const auto last = (static_cast<int32_t>(source.height) << row_shift) - 1;
    for (uint32_t j = 0; j < target.height; ++j) {
        const uint64_t at = (static_cast<uint64_t>(j) << keep_shift) * step;
        const auto position = static_cast<int32_t>(at >> 16);
        uint8_t *out = target.data + target.stride * j;
        if (step == kUnit) {
            std::memcpy(out, rows.row(std::min(position, last) >> row_shift), rows.bytes());
            continue;
        }
        const uint8_t *window[4];
        for (int k = 0; k < 4; ++k) {
            window[k] = rows.row(std::clamp(position + k - 1, 0, last) >> row_shift);
        }
        const int16_t *weights = taps.phase[(at >> 13) & 7].data();
        (taps.signed_ ? down_signed : down_unsigned)(window, weights, out, rows.bytes());
    }
}

uint32_t width_step(const Ratio &ratio) {
    return static_cast<uint32_t>((static_cast<uint64_t>(ratio.in_width) << 16) / ratio.out_width);
}

}  // namespace

void scale_bilinear(const Samples &source, const Samples &target, uint32_t channels) {
    const auto step = [](uint32_t in, uint32_t out) {
        return static_cast<uint32_t>((static_cast<uint64_t>(in) << 16) / out);
    };
    RowCache rows(source, columns_for({step(source.width, target.width), target.width, source.width,
                                       channels, 2}));
    const uint32_t down = step(source.height, target.height);
    const auto last = static_cast<int32_t>(source.height) - 1;
    for (uint32_t j = 0; j < target.height; ++j) {
        uint8_t *out = target.data + target.stride * j;
        if (down == kUnit) {
            std::memcpy(out, rows.row(static_cast<int32_t>(j)), rows.bytes());
            continue;
        }
        const Between at = between(j, down);
        const uint8_t *upper = rows.row(std::clamp(at.position, 0, last));
        const uint8_t *lower = rows.row(std::clamp(at.position + 1, 0, last));
        const uint8_t *window[4] = {upper, upper, lower, lower};
        const int16_t weights[4] = {0, at.weights[0], at.weights[1], 0};
        down_unsigned(window, weights, out, rows.bytes());
    }
}

void scale_luma(const Samples &source, const Samples &target, const Ratio &ratio) {
    scale(source, target, ratio, {width_step(ratio), target.width, source.width, 1, 6}, 0, 0);
}

void scale_chroma(const Samples &source, const Samples &target, const Ratio &ratio, int row_shift,
                  int keep_shift) {
    scale(source, target, ratio, {width_step(ratio), target.width, source.width, 2, 4}, row_shift,
          keep_shift);
}

}  // namespace softnpu::vpc
