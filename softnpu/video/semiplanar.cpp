#include "softnpu/video/semiplanar.hpp"

#include <libyuv.h>

#include <cstddef>

#if defined(__SSE2__)
#include <immintrin.h>
#endif

namespace softnpu {
namespace {

#if defined(__SSE2__)

// The result goes past the caches: what the decoder's threads need next stays in them, and a line
// is not read before it is overwritten. Half the time of ordinary stores; a program that reads the
// picture at once loses less than that.

bool is_aligned(const Plane &plane) {
    return (reinterpret_cast<uintptr_t>(plane.data) | plane.stride) % sizeof(__m128i) == 0;
}

__m128i load(const uint8_t *from) {
    return _mm_loadu_si128(reinterpret_cast<const __m128i *>(from));
}

void stream(uint8_t *to, __m128i value) {
    _mm_stream_si128(reinterpret_cast<__m128i *>(to), value);
}

void copy_row(const uint8_t *from, uint8_t *to, int width) {
    int x = 0;
    for (; x + 64 <= width; x += 64) {  // a line of the cache
        const __m128i a = load(from + x), b = load(from + x + 16);
        const __m128i c = load(from + x + 32), d = load(from + x + 48);
        stream(to + x, a);
        stream(to + x + 16, b);
        stream(to + x + 32, c);
        stream(to + x + 48, d);
    }
    for (; x + 16 <= width; x += 16) stream(to + x, load(from + x));
    for (; x < width; ++x) to[x] = from[x];
}

void merge_row(const uint8_t *first, const uint8_t *second, uint8_t *to, int width) {
    int x = 0;
    for (; x + 32 <= width; x += 32) {
        const __m128i a = load(first + x), b = load(first + x + 16);
        const __m128i c = load(second + x), d = load(second + x + 16);
        stream(to + 2 * x, _mm_unpacklo_epi8(a, c));
        stream(to + 2 * x + 16, _mm_unpackhi_epi8(a, c));
        stream(to + 2 * x + 32, _mm_unpacklo_epi8(b, d));
        stream(to + 2 * x + 48, _mm_unpackhi_epi8(b, d));
    }
    for (; x < width; ++x) {
        to[2 * x] = first[x];
        to[2 * x + 1] = second[x];
    }
}

bool write_past_caches(const PlanarPicture &from, const Plane &luma, const Plane &chroma) {
    if (!is_aligned(luma) || !is_aligned(chroma)) return false;
    for (int y = 0; y < from.height; ++y) {
        copy_row(from.luma + static_cast<ptrdiff_t>(y) * from.luma_stride,
                 luma.data + static_cast<size_t>(y) * luma.stride, from.width);
    }
    for (int y = 0; y < (from.height + 1) / 2; ++y) {
        merge_row(from.first + static_cast<ptrdiff_t>(y) * from.first_stride,
                  from.second + static_cast<ptrdiff_t>(y) * from.second_stride,
                  chroma.data + static_cast<size_t>(y) * chroma.stride, (from.width + 1) / 2);
    }
    _mm_sfence();  // before whoever is told that the picture is there reads it
    return true;
}

#else

bool write_past_caches(const PlanarPicture &, const Plane &, const Plane &) {
    return false;
}

#endif

}  // namespace

void write_semiplanar(const PlanarPicture &from, const Plane &luma, const Plane &chroma) {
    if (write_past_caches(from, luma, chroma)) return;
    libyuv::I420ToNV12(from.luma, from.luma_stride, from.first, from.first_stride, from.second,
                       from.second_stride, luma.data, static_cast<int>(luma.stride), chroma.data,
                       static_cast<int>(chroma.stride), from.width, from.height);
}

}  // namespace softnpu
