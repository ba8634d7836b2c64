#include "softnpu/vpc/columns.hpp"

#include <algorithm>
#include <cstring>

#if defined(__x86_64__)
#include <immintrin.h>
#define SOFTNPU_AVX2 __attribute__((target("avx2")))
#define SOFTNPU_AVX2_INLINE __attribute__((target("avx2"), always_inline)) inline
#endif

namespace softnpu::vpc {
namespace {

constexpr uint32_t kBlock = 16;
constexpr uint8_t kZero = 0x80;  // in a shuffle

/// Where one result position reads: its first tap, which may lie outside, and the weights.
struct Reading {
    int32_t first;
    int16_t weights[kMostTaps];
};

Reading reading_of(const Columns &columns, uint32_t i) {
    const ColumnKey &key = columns.key;
    Reading reading{};
    if (key.taps == 2) {
        const Between found = between(i, key.step);
        reading.first = found.position;
        std::copy_n(found.weights, 2, reading.weights);
        return reading;
    }
    const uint64_t at = static_cast<uint64_t>(i) * key.step;
    reading.first = static_cast<int32_t>(at >> 16) - (key.taps / 2 - 1);
    std::copy_n(columns.taps->phase[(at >> 13) & 7].data(), key.taps, reading.weights);
    return reading;
}

/// Builds the tables of a geometry block by block.
class Builder {
  public:
    explicit Builder(Columns &columns)
        : columns_(columns), key_(columns.key), pairs_(static_cast<size_t>(key_.taps) / 2) {}

    bool build(int loads) {
        const uint32_t blocks = static_cast<uint32_t>((columns_.bytes() + kBlock - 1) / kBlock);
        const bool is_signed = columns_.is_signed();
        // Unsigned: a register holds two pairs of taps; an odd pair of both registers shares one.
        const size_t shuffles = is_signed || pairs_ == 1 ? 2 * pairs_ : 2 * (pairs_ - 1);
        const size_t weights = is_signed ? shuffles : pairs_;
        loads_ = static_cast<size_t>(loads);
        columns_.loads = loads;
        columns_.bases.assign(size_t{blocks} * 4 * loads_, 0);
        columns_.orders.assign(size_t{blocks} * shuffles * loads_ * 32, kZero);
        columns_.weights.assign(size_t{blocks} * weights * 32, 0);
        for (uint32_t block = 0; block < blocks; ++block) {
            base_ = columns_.bases.data() + size_t{block} * 4 * loads_;
            order_ = columns_.orders.data() + size_t{block} * shuffles * loads_ * 32;
            weight_ = columns_.weights.data() + size_t{block} * weights * 32;
            for (uint32_t group = 0; group < 4; ++group) {
                if (!place(block, group, is_signed)) return false;
            }
        }
        return true;
    }

  private:
    /// The byte of a row that tap `k` of result byte `at` reads; ends repeat.
    int32_t source_of(const Reading &reading, uint32_t at, int32_t k) const {
        const auto channels = static_cast<int32_t>(key_.channels);
        const int32_t x = std::clamp(reading.first + k, 0, static_cast<int32_t>(key_.width) - 1);
        return x * channels + static_cast<int32_t>(at % key_.channels);
    }

    /// Group 0 and 2 are the lanes of the first register, 1 and 3 of the second: what follows puts
    /// them in order without a permutation of its own.
    bool place(uint32_t block, uint32_t group, bool is_signed) {
        const size_t reg = group % 2, lane = group / 2;
        const auto last_base = static_cast<int32_t>(key_.width * key_.channels) - 16;
        const uint32_t each = 4 / static_cast<uint32_t>(loads_);
        const auto bytes = static_cast<uint32_t>(columns_.bytes());
        for (uint32_t e = 0; e < 4; ++e) {
            const uint32_t at = block * kBlock + group * 4 + e;
            const size_t load = e / each;
            const uint32_t within = std::min(at, bytes - 1);
            const Reading reading = reading_of(columns_, within / key_.channels);
            int32_t &base = base_[(reg * loads_ + load) * 2 + lane];
            if (e % each == 0) {
                // The group's first byte is of the first channel, so none reads before its tap 0.
                base = std::min(source_of(reading, within, 0), last_base);
            }
            if (at >= bytes) continue;
            for (int32_t k = 0; k < key_.taps; ++k) {
                const int32_t offset = source_of(reading, at, k) - base;
                if (offset < 0 || offset > 15) return false;
                put(is_signed, reg, lane, load, e, static_cast<uint32_t>(k),
                    static_cast<uint8_t>(offset), reading.weights[k]);
            }
        }
        return true;
    }

    void put(bool is_signed, size_t reg, size_t lane, size_t load, uint32_t e, uint32_t k,
             uint8_t offset, int16_t tap) {
        const size_t pair = k / 2, half = k % 2;
        if (is_signed) {
            const size_t index = reg * pairs_ + pair, byte = lane * 16 + e * 4 + half * 2;
            order_[(index * loads_ + load) * 32 + byte] = offset;
            std::memcpy(weight_ + index * 32 + byte, &tap, 2);
            return;
        }
        const bool odd = pair + 1 == pairs_ && pairs_ % 2 == 1;
        const size_t index = odd ? pairs_ - 1 + reg : reg;
        const size_t byte = lane * 16 + (odd ? reg : pair) * 8 + e * 2 + half;
        order_[(index * loads_ + load) * 32 + byte] = offset;
        weight_[(odd ? pairs_ - 1 : reg) * 32 + byte] = static_cast<uint8_t>(tap);
    }

    Columns &columns_;
    const ColumnKey &key_;
    const size_t pairs_;
    size_t loads_ = 1;
    int32_t *base_ = nullptr;
    uint8_t *order_ = nullptr, *weight_ = nullptr;
};

void make(Columns &columns, const ColumnKey &key) {
    columns.key = key;
    columns.taps = key.taps == 2 ? nullptr : &taps_for(key.step, key.taps);
    columns.loads = 0;
    if (key.step == kUnit || !has_shuffles() || key.width * key.channels < 16) return;
    Builder builder(columns);
    if (!builder.build(1) && !builder.build(2)) columns.loads = 0;
}

uint8_t clip(int value) {
    return static_cast<uint8_t>(std::clamp(value, 0, 255));
}

/// Any geometry, on any processor: source positions beyond the ends repeat the end.
void across_scalar(const Columns &columns, const uint8_t *row, uint8_t *out) {
    const auto channels = static_cast<int32_t>(columns.key.channels);
    const auto last = static_cast<int32_t>(columns.key.width) - 1;
    for (uint32_t i = 0; i < columns.key.count; ++i) {
        const Reading reading = reading_of(columns, i);
        for (int32_t c = 0; c < channels; ++c) {
            int sum = 128;
            for (int k = 0; k < columns.key.taps; ++k) {
                const int32_t x = std::clamp(reading.first + k, 0, last);
                sum += reading.weights[k] * row[x * channels + c];
            }
            *out++ = clip(sum >> 8);
        }
    }
}

#if defined(__x86_64__)
SOFTNPU_AVX2_INLINE __m256i load(const uint8_t *at) {
    return _mm256_loadu_si256(reinterpret_cast<const __m256i *>(at));
}

/// The source bytes of one register: a load per lane.
SOFTNPU_AVX2_INLINE __m256i load_lanes(const uint8_t *row, const int32_t *bases) {
    const auto at = [&](int lane) __attribute__((target("avx2"), always_inline)) {
        return _mm_loadu_si128(reinterpret_cast<const __m128i *>(row + bases[lane]));
    };
    return _mm256_inserti128_si256(_mm256_castsi128_si256(at(0)), at(1), 1);
}

/// Taps that are not negative: sums of (pixel - 128) * weight, unlike those of pixel * weight, fit
/// into 16 bits.
/// The bytes of one register in the order of their weights, from one load per lane or two.
template <int kLoads>
SOFTNPU_AVX2_INLINE __m256i in_order(const __m256i *pixels, const uint8_t *orders) {
    const __m256i bytes = _mm256_shuffle_epi8(pixels[0], load(orders));
    if constexpr (kLoads == 1) return bytes;
    return _mm256_or_si256(bytes, _mm256_shuffle_epi8(pixels[1], load(orders + 32)));
}

template <int kPairs, int kLoads>
SOFTNPU_AVX2 void across_unsigned(const Columns &columns, const uint8_t *row, uint8_t *out) {
    const __m256i flip = _mm256_set1_epi8(static_cast<char>(0x80));
    const __m256i half = _mm256_set1_epi16(128);
    const int32_t *bases = columns.bases.data();
    const uint8_t *orders = columns.orders.data(), *weights = columns.weights.data();
    const uint8_t *const end = out + columns.bytes();
    constexpr int kShuffle = 32 * kLoads;
    for (; out < end; out += kBlock) {
        __m256i a[kLoads], b[kLoads];
        for (int i = 0; i < kLoads; ++i) {
            a[i] = _mm256_xor_si256(load_lanes(row, bases + 2 * i), flip);
            b[i] = _mm256_xor_si256(load_lanes(row, bases + 2 * (kLoads + i)), flip);
        }
        __m256i sums = half;
        if constexpr (kPairs >= 2) {
            const __m256i first = _mm256_maddubs_epi16(load(weights), in_order<kLoads>(a, orders));
            const __m256i second =
                _mm256_maddubs_epi16(load(weights + 32), in_order<kLoads>(b, orders + kShuffle));
            sums = _mm256_add_epi16(_mm256_unpacklo_epi64(first, second),
                                    _mm256_unpackhi_epi64(first, second));
            sums = _mm256_add_epi16(sums, half);
            orders += 2 * kShuffle;
            weights += 64;
        }
        if constexpr (kPairs % 2 == 1) {
            const __m256i odd = _mm256_or_si256(in_order<kLoads>(a, orders),
                                                in_order<kLoads>(b, orders + kShuffle));
            sums = _mm256_add_epi16(sums, _mm256_maddubs_epi16(load(weights), odd));
            orders += 2 * kShuffle;
            weights += 32;
        }
        sums = _mm256_srai_epi16(sums, 8);
        const __m128i bytes =
            _mm_packs_epi16(_mm256_castsi256_si128(sums), _mm256_extracti128_si256(sums, 1));
        _mm_storeu_si128(reinterpret_cast<__m128i *>(out),
                         _mm_xor_si128(bytes, _mm256_castsi256_si128(flip)));
        bases += 4 * kLoads;
    }
}

/// Four sums per lane, rounded.
template <int kPairs, int kLoads>
SOFTNPU_AVX2_INLINE __m256i signed_sums(const uint8_t *row, const int32_t *bases,
                                        const uint8_t *orders, const uint8_t *weights) {
    const __m256i pixels = load_lanes(row, bases);
    const __m256i others = kLoads == 2 ? load_lanes(row, bases + 2) : pixels;
    __m256i sums = _mm256_set1_epi32(128);
    for (int pair = 0; pair < kPairs; ++pair) {
        __m256i words = _mm256_shuffle_epi8(pixels, load(orders + pair * kLoads * 32));
        if constexpr (kLoads == 2) {
            words = _mm256_or_si256(
                words, _mm256_shuffle_epi8(others, load(orders + pair * kLoads * 32 + 32)));
        }
        sums = _mm256_add_epi32(sums, _mm256_madd_epi16(words, load(weights + pair * 32)));
    }
    return _mm256_srai_epi32(sums, 8);
}

template <int kPairs, int kLoads>
SOFTNPU_AVX2 void across_signed(const Columns &columns, const uint8_t *row, uint8_t *out) {
    const int32_t *bases = columns.bases.data();
    const uint8_t *orders = columns.orders.data(), *weights = columns.weights.data();
    const uint8_t *const end = out + columns.bytes();
    for (; out < end; out += kBlock) {
        const __m256i a = signed_sums<kPairs, kLoads>(row, bases, orders, weights);
        const __m256i b = signed_sums<kPairs, kLoads>(
            row, bases + 2 * kLoads, orders + kPairs * kLoads * 32, weights + kPairs * 32);
        const __m256i words = _mm256_packs_epi32(a, b);
        _mm_storeu_si128(
            reinterpret_cast<__m128i *>(out),
            _mm_packus_epi16(_mm256_castsi256_si128(words), _mm256_extracti128_si256(words, 1)));
        bases += 4 * kLoads;
        orders += 2 * kPairs * kLoads * 32;
        weights += 2 * kPairs * 32;
    }
}

void across_shuffled(const Columns &columns, const uint8_t *row, uint8_t *out) {
    using Kernel = void (*)(const Columns &, const uint8_t *, uint8_t *);
    static constexpr Kernel kUnsigned[3][2] = {{across_unsigned<1, 1>, across_unsigned<1, 2>},
                                               {across_unsigned<2, 1>, across_unsigned<2, 2>},
                                               {across_unsigned<3, 1>, across_unsigned<3, 2>}};
    static constexpr Kernel kSigned[2][2] = {{across_signed<2, 1>, across_signed<2, 2>},
                                             {across_signed<3, 1>, across_signed<3, 2>}};
    const int pairs = columns.key.taps / 2, more = columns.loads - 1;
    (columns.is_signed() ? kSigned[pairs - 2][more] : kUnsigned[pairs - 1][more])(columns, row,
                                                                                  out);
}
#endif

}  // namespace

Between between(uint32_t i, uint32_t step) {
    const int64_t at = static_cast<int64_t>(i) * step + step / 2 - kUnit / 2;
    const auto further = static_cast<int16_t>(std::clamp<int64_t>((at >> 8) & 255, 1, 255));
    return {static_cast<int32_t>(at >> 16), {static_cast<int16_t>(256 - further), further}};
}

bool has_shuffles() {
#if defined(__x86_64__)
    static const bool has = __builtin_cpu_supports("avx2");
    return has;
#else
    return false;
#endif
}

const Columns &columns_for(const ColumnKey &key) {
    static constexpr size_t kKept = 32;  // luma and chroma of a batch of sixteen
    thread_local std::vector<Columns> entries;
    thread_local size_t next = 0;
    for (const Columns &entry : entries) {
        if (entry.key == key) return entry;
    }
    if (entries.size() < kKept) {
        entries.reserve(kKept);
        entries.emplace_back();
        next = entries.size() - 1;
    } else {
        next = (next + 1) % kKept;
    }
    make(entries[next], key);
    return entries[next];
}

void scale_across(const Columns &columns, const uint8_t *row, uint8_t *out) {
    if (columns.key.step == kUnit) {
        std::memcpy(out, row, columns.bytes());
        return;
    }
#if defined(__x86_64__)
    if (columns.loads != 0) {
        across_shuffled(columns, row, out);
        return;
    }
#endif
    across_scalar(columns, row, out);
}

}  // namespace softnpu::vpc
