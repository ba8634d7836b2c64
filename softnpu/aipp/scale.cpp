#include "softnpu/aipp/scale.hpp"

#include <algorithm>
#include <array>

#include "softnpu/aipp/vectorised.hpp"

#if defined(__x86_64__)
#include <immintrin.h>
#endif

namespace softnpu::aipp {
namespace {

void fill(Axis &axis, int32_t in, int32_t out) {
    axis.in = in;
    axis.out = out;
    axis.first.resize(static_cast<size_t>(out));
    axis.weights.resize(static_cast<size_t>(out));
    for (int32_t i = 0; i < out; ++i) {
        // In units of 1 / (2 * out) of a source pixel: exact.
        const int64_t unit = int64_t{2} * out, last = unit * (in - 1);
        const int64_t at = std::clamp((int64_t{2} * i + 1) * in - out, int64_t{0}, last);
        const int64_t first = std::min<int64_t>(at / unit, in - 2);
        const auto next =
            static_cast<int32_t>(((at - first * unit) * 2 * kWeightOne + unit) / (2 * unit));
        axis.first[static_cast<size_t>(i)] = static_cast<int32_t>(first);
        axis.weights[static_cast<size_t>(i)] = (kWeightOne - next) | next << 16;
    }
}

void across_plain(const Axis &axis, const uint8_t *row, int32_t *sums, int32_t from) {
    for (int32_t i = from; i < axis.out; ++i) {
        const uint8_t *at = row + axis.first[static_cast<size_t>(i)];
        const int32_t weights = axis.weights[static_cast<size_t>(i)];
        sums[i] = at[0] * (weights & 0xFFFF) + at[1] * (weights >> 16);
    }
}

#if defined(__x86_64__)
/// Eight results at a time: two neighbours come with one gathered load of four bytes.
__attribute__((target("avx2"))) int32_t across_gathered(const Axis &axis, const uint8_t *row,
                                                        int32_t *sums) {
    // Of each four bytes the first two become 16-bit numbers, the others nothing.
    const __m256i spread =
        _mm256_set_epi8(-1, 13, -1, 12, -1, 9, -1, 8, -1, 5, -1, 4, -1, 1, -1, 0, -1, 13, -1, 12,
                        -1, 9, -1, 8, -1, 5, -1, 4, -1, 1, -1, 0);
    const auto at = [](const std::vector<int32_t> &table, int32_t i) {
        return reinterpret_cast<const __m256i *>(table.data() + i);
    };
    int32_t i = 0;
    for (; i + 8 <= axis.out; i += 8) {
        const __m256i bytes = _mm256_i32gather_epi32(reinterpret_cast<const int *>(row),
                                                     _mm256_loadu_si256(at(axis.first, i)), 1);
        const __m256i pairs = _mm256_shuffle_epi8(bytes, spread);
        _mm256_storeu_si256(reinterpret_cast<__m256i *>(sums + i),
                            _mm256_madd_epi16(pairs, _mm256_loadu_si256(at(axis.weights, i))));
    }
    return i;
}
#endif

}  // namespace

const Axis &axis_for(Direction direction, int32_t in, int32_t out) {
    // Apart, so that no new table takes the place of the other one in use.
    struct Tables {
        std::array<Axis, 4> kept;
        size_t next = 0;
    };
    thread_local Tables both[2];
    Tables &tables = both[static_cast<size_t>(direction)];
    for (const Axis &axis : tables.kept) {
        if (axis.in == in && axis.out == out) return axis;
    }
    Axis &axis = tables.kept[tables.next++ % tables.kept.size()];
    fill(axis, in, out);
    return axis;
}

void scale_across(const Axis &axis, const uint8_t *row, int32_t *sums) {
    int32_t done = 0;
#if defined(__x86_64__)
    static const bool has_gather = __builtin_cpu_supports("avx2");
    if (has_gather) done = across_gathered(axis, row, sums);
#endif
    across_plain(axis, row, sums, done);
}

SOFTNPU_VECTORISED void scale_down(const int32_t *__restrict upper, const int32_t *__restrict lower,
                                   int32_t weights, uint8_t *__restrict out, int32_t width) {
    const int32_t a = weights & 0xFFFF, b = weights >> 16;
    for (int32_t x = 0; x < width; ++x) {
        const int32_t sum = upper[x] * a + lower[x] * b + (1 << (2 * kWeightBits - 1));
        out[x] = static_cast<uint8_t>(sum >> (2 * kWeightBits));
    }
}

}  // namespace softnpu::aipp
