// Rows of a warp with AVX2: where eight places in a row lie inside the picture, their samples are
// gathered four bytes at a time. The same numbers as look_up_row gives.
#include <cstring>

#include "softnpu/vpc/warp_row.hpp"

#if defined(__x86_64__)
#include <immintrin.h>
#endif

namespace softnpu::vpc {

#if defined(__x86_64__)
#define SOFTNPU_AVX2 __attribute__((target("avx2")))

namespace {

bool has_avx2() {
    static const bool has = __builtin_cpu_supports("avx2");
    return has;
}

struct Eight {
    __m256i x, y;
};

SOFTNPU_AVX2 inline Eight load_places(const RowPlaces &places, uint32_t i) {
    return {_mm256_loadu_si256(reinterpret_cast<const __m256i *>(places.x + i)),
            _mm256_loadu_si256(reinterpret_cast<const __m256i *>(places.y + i))};
}

/// All of them in [0, width) and [0, height).
SOFTNPU_AVX2 inline bool inside(const Eight &at, int32_t width, int32_t height) {
    const __m256i minus = _mm256_set1_epi32(-1);
    const __m256i x = _mm256_and_si256(_mm256_cmpgt_epi32(at.x, minus),
                                       _mm256_cmpgt_epi32(_mm256_set1_epi32(width), at.x));
    const __m256i y = _mm256_and_si256(_mm256_cmpgt_epi32(at.y, minus),
                                       _mm256_cmpgt_epi32(_mm256_set1_epi32(height), at.y));
    return _mm256_movemask_epi8(_mm256_and_si256(x, y)) == -1;
}

template <int channels>
SOFTNPU_AVX2 inline __m256i offsets(const Eight &at, size_t stride) {
    const __m256i rows = _mm256_mullo_epi32(at.y, _mm256_set1_epi32(static_cast<int32_t>(stride)));
    __m256i columns = at.x;
    if (channels == 2) columns = _mm256_slli_epi32(at.x, 1);
    if (channels == 3) columns = _mm256_add_epi32(at.x, _mm256_slli_epi32(at.x, 1));
    return _mm256_add_epi32(rows, columns);
}

SOFTNPU_AVX2 inline __m256i gather(const uint8_t *base, __m256i offsets) {
    return _mm256_i32gather_epi32(reinterpret_cast<const int *>(base), offsets, 1);
}

/// Channel `c` of a sample and of the one right of it, as two 16-bit numbers per place.
template <int channels>
SOFTNPU_AVX2 inline __m256i neighbours(__m256i here, __m256i next, int c) {
    const __m256i low = _mm256_set1_epi32(0xFF);
    if (channels == 1) {
        return _mm256_or_si256(
            _mm256_and_si256(here, low),
            _mm256_slli_epi32(_mm256_and_si256(here, _mm256_set1_epi32(0xFF00)), 8));
    }
    if (channels == 2) {
        const __m256i both = _mm256_set1_epi32(0x00FF00FF);
        return _mm256_and_si256(c == 0 ? here : _mm256_srli_epi32(here, 8), both);
    }
    const __m256i a = _mm256_and_si256(_mm256_srli_epi32(here, 8 * c), low);
    const __m256i b = _mm256_and_si256(_mm256_srli_epi32(next, 8 * c), low);
    return _mm256_or_si256(a, _mm256_slli_epi32(b, 16));
}

/// Eight samples, one per 32 bits, to memory.
template <int channels>
SOFTNPU_AVX2 inline void store_samples(uint8_t *to, __m256i samples) {
    // Which bytes of each half are kept: 1, 2 or 3 of every 4.
    const __m128i half =
        channels == 1
            ? _mm_setr_epi8(0, 4, 8, 12, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1)
            : (channels == 2
                   ? _mm_setr_epi8(0, 1, 4, 5, 8, 9, 12, 13, -1, -1, -1, -1, -1, -1, -1, -1)
                   : _mm_setr_epi8(0, 1, 2, 4, 5, 6, 8, 9, 10, 12, 13, 14, -1, -1, -1, -1));
    alignas(32) uint8_t packed[32];
    _mm256_store_si256(reinterpret_cast<__m256i *>(packed),
                       _mm256_shuffle_epi8(samples, _mm256_broadcastsi128_si256(half)));
    std::memcpy(to, packed, 4 * channels);
    std::memcpy(to + 4 * channels, packed + 16, 4 * channels);
}

template <int channels>
SOFTNPU_AVX2 inline void bilinear_eight(const Samples &from, const Eight &at, const Eight &whole,
                                        uint8_t *to) {
    const __m256i part = _mm256_set1_epi32(kUnit - 1), unit = _mm256_set1_epi32(kUnit);
    const __m256i right = _mm256_and_si256(at.x, part), down = _mm256_and_si256(at.y, part);
    const __m256i weights =
        _mm256_or_si256(_mm256_sub_epi32(unit, right), _mm256_slli_epi32(right, 16));
    const __m256i where = offsets<channels>(whole, from.stride);
    const uint8_t *below = from.data + from.stride;
    const __m256i a = gather(from.data, where), c = gather(below, where);
    __m256i b = a, d = c;
    if (channels == 3) {
        b = gather(from.data + 3, where);
        d = gather(below + 3, where);
    }
    const __m256i round = _mm256_set1_epi32(1 << (2 * kFraction - 1));
    __m256i result = _mm256_setzero_si256();
    for (int k = 0; k < channels; ++k) {
        const __m256i upper = _mm256_madd_epi16(neighbours<channels>(a, b, k), weights);
        const __m256i lower = _mm256_madd_epi16(neighbours<channels>(c, d, k), weights);
        const __m256i mixed =
            _mm256_add_epi32(_mm256_slli_epi32(upper, kFraction),
                             _mm256_mullo_epi32(_mm256_sub_epi32(lower, upper), down));
        const __m256i sample = _mm256_srli_epi32(_mm256_add_epi32(mixed, round), 2 * kFraction);
        result = _mm256_or_si256(result, _mm256_slli_epi32(sample, 8 * k));
    }
    store_samples<channels>(to, result);
}

/// How many columns at the right end are left out, so that four bytes from a sample on (and from
/// the next on) lie in its row.
template <int channels>
constexpr int32_t margin(bool nearest) {
    if (channels == 1) return 3;
    if (channels == 2) return 1;
    return nearest ? 1 : 2;
}

template <int channels>
SOFTNPU_AVX2 void row(const Samples &from, const RowPlaces &places, const WarpRule &rule,
                      uint8_t *to) {
    const int32_t width = from.width - margin<channels>(rule.nearest);
    const int32_t height = rule.nearest ? from.height : from.height - 1;
    const __m256i shift = _mm256_set1_epi32(rule.nearest ? kUnit / 2 : 0);
    uint32_t i = 0;
    for (; i + 8 <= places.count; i += 8) {
        const Eight at = load_places(places, i);
        const Eight whole = {_mm256_srai_epi32(_mm256_add_epi32(at.x, shift), kFraction),
                             _mm256_srai_epi32(_mm256_add_epi32(at.y, shift), kFraction)};
        uint8_t *target = to + size_t{i} * channels;
        if (!inside(whole, width, height)) {
            look_up_row<channels>(from, {places.x + i, places.y + i, 8}, rule, target);
        } else if (rule.nearest) {
            store_samples<channels>(target,
                                    gather(from.data, offsets<channels>(whole, from.stride)));
        } else {
            bilinear_eight<channels>(from, at, whole, target);
        }
    }
    look_up_row<channels>(from, {places.x + i, places.y + i, places.count - i}, rule,
                          to + size_t{i} * channels);
}

}  // namespace

bool gather_row(const Samples &from, const RowPlaces &places, const WarpRule &rule, uint8_t *to) {
    if (!has_avx2()) return false;
    if (from.channels == 1) {
        row<1>(from, places, rule, to);
    } else if (from.channels == 2) {
        row<2>(from, places, rule, to);
    } else {
        row<3>(from, places, rule, to);
    }
    return true;
}

#else

bool gather_row(const Samples &, const RowPlaces &, const WarpRule &, uint8_t *) {
    return false;
}

#endif

}  // namespace softnpu::vpc
