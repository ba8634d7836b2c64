#include "softnpu/vpc/halve.hpp"

#if defined(__x86_64__)
#include <immintrin.h>
#endif

namespace softnpu::vpc {
namespace {

uint8_t average(int a, int b) {
    return static_cast<uint8_t>((a + b + 1) >> 1);
}

#if defined(__x86_64__)
#define SOFTNPU_AVX2 __attribute__((target("avx2")))

bool has_avx2() {
    static const bool has = __builtin_cpu_supports("avx2");
    return has;
}

SOFTNPU_AVX2 inline __m256i load(const uint8_t *at) {
    return _mm256_loadu_si256(reinterpret_cast<const __m256i *>(at));
}

/// 16 averages as 16-bit numbers.
SOFTNPU_AVX2 inline __m256i luma_part(const uint8_t *upper, const uint8_t *lower) {
    const __m256i low = _mm256_set1_epi16(0x00FF);
    const __m256i a = load(upper), b = load(lower);
    const __m256i up = _mm256_avg_epu16(_mm256_and_si256(a, low), _mm256_srli_epi16(a, 8));
    const __m256i down = _mm256_avg_epu16(_mm256_and_si256(b, low), _mm256_srli_epi16(b, 8));
    return _mm256_avg_epu16(up, down);
}

/// 8 pairs, each in the low half of 32 bits.
SOFTNPU_AVX2 inline __m256i pairs_part(const uint8_t *upper, const uint8_t *lower) {
    const __m256i low = _mm256_set1_epi32(0xFFFF);
    const __m256i a = load(upper), b = load(lower);
    const __m256i up = _mm256_avg_epu8(a, _mm256_srli_epi32(a, 16));
    const __m256i down = _mm256_avg_epu8(b, _mm256_srli_epi32(b, 16));
    return _mm256_and_si256(_mm256_avg_epu8(up, down), low);
}

/// Packing works within 128-bit lanes; the middle quarters are put back in order.
SOFTNPU_AVX2 inline void store(uint8_t *out, __m256i packed) {
    _mm256_storeu_si256(reinterpret_cast<__m256i *>(out), _mm256_permute4x64_epi64(packed, 0xD8));
}

SOFTNPU_AVX2 size_t luma_avx2(const uint8_t *upper, const uint8_t *lower, uint8_t *out,
                              size_t count) {
    size_t x = 0;
    for (; x + 32 <= count; x += 32) {
        const __m256i first = luma_part(upper + 2 * x, lower + 2 * x);
        const __m256i second = luma_part(upper + 2 * x + 32, lower + 2 * x + 32);
        store(out + x, _mm256_packus_epi16(first, second));
    }
    return x;
}

SOFTNPU_AVX2 size_t pairs_avx2(const uint8_t *upper, const uint8_t *lower, uint8_t *out,
                               size_t count) {
    size_t x = 0;
    for (; x + 16 <= count; x += 16) {
        const __m256i first = pairs_part(upper + 4 * x, lower + 4 * x);
        const __m256i second = pairs_part(upper + 4 * x + 32, lower + 4 * x + 32);
        store(out + 2 * x, _mm256_packus_epi32(first, second));
    }
    return x;
}
#endif

}  // namespace

void halve_luma(const uint8_t *upper, const uint8_t *lower, uint8_t *out, size_t count) {
    size_t x = 0;
#if defined(__x86_64__)
    if (has_avx2()) x = luma_avx2(upper, lower, out, count);
#endif
    for (; x < count; ++x) {
        out[x] = average(average(upper[2 * x], upper[2 * x + 1]),
                         average(lower[2 * x], lower[2 * x + 1]));
    }
}

void halve_pairs(const uint8_t *upper, const uint8_t *lower, uint8_t *out, size_t count) {
    size_t x = 0;
#if defined(__x86_64__)
    if (has_avx2()) x = pairs_avx2(upper, lower, out, count);
#endif
    for (; x < count; ++x) {
        const uint8_t *a = upper + 4 * x, *b = lower + 4 * x;
        out[2 * x] = average(average(a[0], a[2]), average(b[0], b[2]));
        out[2 * x + 1] = average(average(a[1], a[3]), average(b[1], b[3]));
    }
}

}  // namespace softnpu::vpc
