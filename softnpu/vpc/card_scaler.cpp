#include "softnpu/vpc/card_scaler.hpp"

#include <algorithm>
#include <cstring>
#include <vector>

#include "softnpu/vpc/taps.hpp"

#if defined(__x86_64__)
#include <immintrin.h>
#define SOFTNPU_HAS_AVX2_PATH 1
#endif

namespace softnpu::vpc {
namespace {

constexpr uint32_t kUnit = 65536;  // a step that leaves the size as it is

/// One output position of the horizontal pass.
struct Columns {
    std::vector<int32_t> first;    // source position of the first tap, may lie outside
    std::vector<uint8_t> weights;  // 8 per position, for taps that are not negative
    std::vector<int16_t> signed_weights;
    const Taps *taps = nullptr;
    uint32_t step = 0;
    uint32_t count = 0;
    uint32_t channels = 1;
    uint32_t inside_from = 0;  // positions whose eight bytes lie inside the row
    uint32_t inside_to = 0;

    const int16_t *taps_of(uint32_t i) const {
        return taps->phase[(static_cast<uint64_t>(i) * step >> 13) & 7].data();
    }
};

/// Tables of the last few geometries of this thread: a stream of equal pictures makes them once.
struct Key {
    uint32_t step, count, width, channels;
    int taps;
    bool operator==(const Key &o) const {
        return step == o.step && count == o.count && width == o.width && channels == o.channels &&
               taps == o.taps;
    }
};

void build(Columns &columns, const Key &key) {
    columns.taps = &taps_for(key.step, key.taps);
    columns.step = key.step;
    columns.count = key.count;
    columns.channels = key.channels;
    columns.first.resize(key.count);
    columns.weights.resize(size_t{key.count} * 8);
    columns.signed_weights.resize(size_t{key.count} * 8);
    columns.inside_from = key.count;
    columns.inside_to = 0;
    const int32_t reach = static_cast<int32_t>(8 / key.channels);
    for (uint32_t i = 0; i < key.count; ++i) {
        const auto position = static_cast<int32_t>(static_cast<uint64_t>(i) * key.step >> 16);
        columns.first[i] = position - (key.taps / 2 - 1);
        const int16_t *taps = columns.taps_of(i);
        for (uint32_t k = 0; k < 8; ++k) {
            const int16_t tap = key.channels == 2 ? taps[k % 4] : taps[k];
            columns.weights[size_t{i} * 8 + k] = static_cast<uint8_t>(tap);
            columns.signed_weights[size_t{i} * 8 + k] = tap;
        }
        const bool inside =
            columns.first[i] >= 0 && columns.first[i] + reach <= static_cast<int32_t>(key.width);
        if (!inside) continue;
        columns.inside_from = std::min(columns.inside_from, i);
        columns.inside_to = i + 1;
    }
    columns.inside_from = std::min(columns.inside_from, columns.inside_to);
}

const Columns &columns_for(const Key &key) {
    static constexpr size_t kKept = 8;
    struct Entry {
        Key key;
        Columns columns;
    };
    thread_local std::vector<Entry> entries;
    thread_local size_t next = 0;
    for (const Entry &entry : entries) {
        if (entry.key == key) return entry.columns;
    }
    if (entries.size() < kKept) {
        entries.reserve(kKept);
        entries.emplace_back();
        next = entries.size() - 1;
    } else {
        next = (next + 1) % kKept;
    }
    entries[next].key = key;
    build(entries[next].columns, key);
    return entries[next].columns;
}

uint8_t clip(int value) {
    return static_cast<uint8_t>(std::clamp(value, 0, 255));
}

/// Any position, any taps: source positions beyond the ends repeat the end.
void across_scalar(const Columns &columns, const uint8_t *row, int32_t width, uint8_t *out,
                   uint32_t from, uint32_t to) {
    const auto channels = static_cast<int32_t>(columns.channels);
    for (uint32_t i = from; i < to; ++i) {
        const int16_t *taps = columns.taps_of(i);
        for (int32_t c = 0; c < channels; ++c) {
            int sum = 128;
            for (int k = 0; k < columns.taps->count; ++k) {
                const int32_t x = std::clamp(columns.first[i] + k, 0, width - 1);
                sum += taps[k] * row[x * channels + c];
            }
            out[i * columns.channels + static_cast<uint32_t>(c)] = clip(sum >> 8);
        }
    }
}

#ifdef SOFTNPU_HAS_AVX2_PATH
/// Eight source bytes at each of four positions.
__attribute__((target("avx2"), always_inline)) inline __m256i load_four(const uint8_t *row,
                                                                        const int32_t *first,
                                                                        int shift) {
    const auto at = [&](int i) {
        return _mm_loadl_epi64(reinterpret_cast<const __m128i *>(row + (first[i] << shift)));
    };
    const __m128i low = _mm_unpacklo_epi64(at(0), at(1));
    const __m128i high = _mm_unpacklo_epi64(at(2), at(3));
    return _mm256_inserti128_si256(_mm256_castsi128_si256(low), high, 1);
}

/// Sums of (pixel - 128) * weight, which unlike those of pixel * weight fit into 16 bits, back to
/// pixels.
__attribute__((target("avx2"), always_inline)) inline __m256i finish(__m256i sums) {
    const __m256i rounded = _mm256_add_epi16(sums, _mm256_set1_epi16(128));
    return _mm256_add_epi16(_mm256_srai_epi16(rounded, 8), _mm256_set1_epi16(128));
}

/// Weights must not be negative. Stops before `to` where fewer than 16 positions are left.
__attribute__((target("avx2"))) uint32_t luma_across_avx2(const Columns &columns,
                                                          const uint8_t *row, uint8_t *out,
                                                          uint32_t from, uint32_t to) {
    const __m256i flip = _mm256_set1_epi8(static_cast<char>(0x80));
    const auto part = [&](uint32_t i) __attribute__((target("avx2"), always_inline)) {
        const __m256i pixels = _mm256_xor_si256(load_four(row, &columns.first[i], 0), flip);
        const __m256i weights =
            _mm256_loadu_si256(reinterpret_cast<const __m256i *>(&columns.weights[size_t{i} * 8]));
        return _mm256_maddubs_epi16(weights, pixels);
    };
    // hadd works per 128-bit lane: groups of two positions come out interleaved and are put back.
    const __m256i order = _mm256_setr_epi32(0, 4, 1, 5, 2, 6, 3, 7);
    for (; from + 16 <= to; from += 16) {
        const __m256i a = _mm256_hadd_epi16(part(from), part(from + 4));
        const __m256i b = _mm256_hadd_epi16(part(from + 8), part(from + 12));
        const __m256i sums = finish(_mm256_hadd_epi16(a, b));
        const __m256i ordered = _mm256_permutevar8x32_epi32(sums, order);
        const __m128i bytes =
            _mm_packus_epi16(_mm256_castsi256_si128(ordered), _mm256_extracti128_si256(ordered, 1));
        _mm_storeu_si128(reinterpret_cast<__m128i *>(out + from), bytes);
    }
    return from;
}

__attribute__((target("avx2"))) uint32_t chroma_across_avx2(const Columns &columns,
                                                            const uint8_t *row, uint8_t *out,
                                                            uint32_t from, uint32_t to) {
    const __m256i flip = _mm256_set1_epi8(static_cast<char>(0x80));
    // u v u v u v u v -> u u u u v v v v, for each of two positions in a lane
    const __m256i split = _mm256_setr_epi8(0, 2, 4, 6, 1, 3, 5, 7, 8, 10, 12, 14, 9, 11, 13, 15, 0,
                                           2, 4, 6, 1, 3, 5, 7, 8, 10, 12, 14, 9, 11, 13, 15);
    const auto part = [&](uint32_t i) __attribute__((target("avx2"), always_inline)) {
        const __m256i loaded = _mm256_xor_si256(load_four(row, &columns.first[i], 1), flip);
        const __m256i weights =
            _mm256_loadu_si256(reinterpret_cast<const __m256i *>(&columns.weights[size_t{i} * 8]));
        return _mm256_maddubs_epi16(weights, _mm256_shuffle_epi8(loaded, split));
    };
    const __m256i order = _mm256_setr_epi32(0, 1, 4, 5, 2, 3, 6, 7);
    for (; from + 8 <= to; from += 8) {
        const __m256i sums = finish(_mm256_hadd_epi16(part(from), part(from + 4)));
        const __m256i ordered = _mm256_permutevar8x32_epi32(sums, order);
        const __m128i bytes =
            _mm_packus_epi16(_mm256_castsi256_si128(ordered), _mm256_extracti128_si256(ordered, 1));
        _mm_storeu_si128(reinterpret_cast<__m128i *>(out + size_t{from} * 2), bytes);
    }
    return from;
}

/// Two positions of signed taps: four partial sums each.
__attribute__((target("avx2"), always_inline)) inline __m256i signed_part(const Columns &columns,
                                                                          __m128i bytes,
                                                                          uint32_t i) {
    const __m256i weights = _mm256_loadu_si256(
        reinterpret_cast<const __m256i *>(&columns.signed_weights[size_t{i} * 8]));
    return _mm256_madd_epi16(_mm256_cvtepu8_epi16(bytes), weights);
}

/// Eight sums, whose 64-bit or 32-bit units the caller has put in order, to bytes.
__attribute__((target("avx2"), always_inline)) inline void store_eight(uint8_t *out, __m128i first,
                                                                       __m128i second) {
    const __m128i half = _mm_set1_epi32(128);
    first = _mm_srai_epi32(_mm_add_epi32(first, half), 8);
    second = _mm_srai_epi32(_mm_add_epi32(second, half), 8);
    const __m128i words = _mm_packs_epi32(first, second);
    _mm_storel_epi64(reinterpret_cast<__m128i *>(out), _mm_packus_epi16(words, words));
}

__attribute__((target("avx2"))) uint32_t luma_signed_avx2(const Columns &columns,
                                                          const uint8_t *row, uint8_t *out,
                                                          uint32_t from, uint32_t to) {
    const auto two = [&](uint32_t i) __attribute__((target("avx2"), always_inline)) {
        const auto at = [&](uint32_t k) {
            return _mm_loadl_epi64(reinterpret_cast<const __m128i *>(row + columns.first[k]));
        };
        return signed_part(columns, _mm_unpacklo_epi64(at(i), at(i + 1)), i);
    };
    for (; from + 8 <= to; from += 8) {
        const __m256i a = _mm256_hadd_epi32(two(from), two(from + 2));
        const __m256i b = _mm256_hadd_epi32(two(from + 4), two(from + 6));
        const __m256i sums = _mm256_hadd_epi32(a, b);  // even positions, odd positions
        const __m128i even = _mm256_castsi256_si128(sums), odd = _mm256_extracti128_si256(sums, 1);
        store_eight(out + from, _mm_unpacklo_epi32(even, odd), _mm_unpackhi_epi32(even, odd));
    }
    return from;
}

__attribute__((target("avx2"))) uint32_t chroma_signed_avx2(const Columns &columns,
                                                            const uint8_t *row, uint8_t *out,
                                                            uint32_t from, uint32_t to) {
    const __m128i split = _mm_setr_epi8(0, 2, 4, 6, 1, 3, 5, 7, 8, 10, 12, 14, 9, 11, 13, 15);
    const auto two = [&](uint32_t i) __attribute__((target("avx2"), always_inline)) {
        const auto at = [&](uint32_t k) {
            return _mm_loadl_epi64(reinterpret_cast<const __m128i *>(row + columns.first[k] * 2));
        };
        const __m128i bytes = _mm_unpacklo_epi64(at(i), at(i + 1));
        return signed_part(columns, _mm_shuffle_epi8(bytes, split), i);
    };
    for (; from + 4 <= to; from += 4) {
        const __m256i sums = _mm256_hadd_epi32(two(from), two(from + 2));
        const __m128i even = _mm256_castsi256_si128(sums), odd = _mm256_extracti128_si256(sums, 1);
        store_eight(out + size_t{from} * 2, _mm_unpacklo_epi64(even, odd),
                    _mm_unpackhi_epi64(even, odd));
    }
    return from;
}

bool has_avx2() {
    static const bool has = __builtin_cpu_supports("avx2");
    return has;
}
#endif

void across(const Columns &columns, const uint8_t *row, uint32_t width, uint8_t *out) {
    const auto limit = static_cast<int32_t>(width);
    if (columns.step == kUnit) {
        std::memcpy(out, row, size_t{columns.count} * columns.channels);
        return;
    }
    uint32_t from = 0;
#ifdef SOFTNPU_HAS_AVX2_PATH
    if (has_avx2()) {
        const bool luma = columns.channels == 1;
        const auto run = columns.taps->signed_ ? (luma ? luma_signed_avx2 : chroma_signed_avx2)
                                               : (luma ? luma_across_avx2 : chroma_across_avx2);
        across_scalar(columns, row, limit, out, 0, columns.inside_from);
        from = run(columns, row, out, columns.inside_from, columns.inside_to);
    }
#endif
    across_scalar(columns, row, limit, out, from, columns.count);
}

/// Weights that are not negative keep the sum within 16 bits.
#if defined(__x86_64__) && !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__)
__attribute__((target_clones("avx2", "default"), optimize("O3")))
#else
__attribute__((optimize("O3")))
#endif
void down_unsigned(const uint8_t *const rows[4], const int16_t *taps, uint8_t *out, size_t count) {
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
        : source_(source), columns_(columns), bytes_(size_t{columns.count} * columns.channels) {
        thread_local std::vector<uint8_t> scratch;
        if (scratch.size() < bytes_ * kRows + 64) scratch.resize(bytes_ * kRows + 64);
        memory_ = scratch.data();
        std::fill(std::begin(held_), std::end(held_), -1);
    }

    const uint8_t *row(int32_t y) {
        const uint8_t *from = source_.data + source_.stride * static_cast<size_t>(y);
        if (columns_.step == kUnit) return from;
        const size_t slot = static_cast<size_t>(y) % kRows;
        uint8_t *to = memory_ + slot * bytes_;
        if (held_[slot] != y) {
            across(columns_, from, source_.width, to);
            held_[slot] = y;
        }
        return to;
    }
    size_t bytes() const { return bytes_; }

  private:
    static constexpr size_t kRows = 8;
    const Samples &source_;
    const Columns &columns_;
    const size_t bytes_;
    uint8_t *memory_;
    int32_t held_[kRows];
};

/// Result row `j` of the target is row `j << keep_shift` of the scaler; its source rows are counted
/// as luma's and shifted down to those that exist.
void scale(const Samples &source, const Samples &target, const Ratio &ratio, const Key &key,
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

void scale_luma(const Samples &source, const Samples &target, const Ratio &ratio) {
    scale(source, target, ratio, {width_step(ratio), target.width, source.width, 1, 6}, 0, 0);
}

void scale_chroma(const Samples &source, const Samples &target, const Ratio &ratio, int row_shift,
                  int keep_shift) {
    scale(source, target, ratio, {width_step(ratio), target.width, source.width, 2, 4}, row_shift,
          keep_shift);
}

}  // namespace softnpu::vpc
