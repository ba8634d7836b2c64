// Half-precision numbers.
#pragma once

#include <cstdint>
#include <cstring>

namespace softnpu {

/// Round to nearest, ties to even. `bits` is a finite float below 2^16 in magnitude.
inline uint16_t round_to_half(uint32_t bits) {
    const uint32_t magnitude = bits & 0x7FFFFFFFu;
    const int exponent = static_cast<int>(magnitude >> 23) - 127;
    uint32_t mantissa = (magnitude & 0x7FFFFFu) | 0x800000u;
    // Halves below 2^-14 are subnormal: fewer mantissa bits, down to none.
    const int dropped = exponent >= -14 ? 13 : -1 - exponent;
    if (exponent < -25) return 0;
    const uint32_t half_ulp = 1u << (dropped - 1);
    const uint32_t rest = mantissa & ((half_ulp << 1) - 1);
    mantissa >>= dropped;
    if (rest > half_ulp || (rest == half_ulp && (mantissa & 1) != 0)) ++mantissa;
    // The carry of a rounding up runs into the exponent, which is what is wanted.
    const uint32_t base = exponent >= -14 ? static_cast<uint32_t>(exponent + 14) << 10 : 0;
    return static_cast<uint16_t>(base + mantissa);
}

/// Round to nearest, ties to even; a NaN keeps the top of its payload.
inline uint16_t to_half(float value) {
    uint32_t bits = 0;
    std::memcpy(&bits, &value, sizeof bits);
    const auto sign = static_cast<uint16_t>((bits >> 16) & 0x8000u);
    const uint32_t magnitude = bits & 0x7FFFFFFFu;
    if (magnitude > 0x7F800000u) {
        return static_cast<uint16_t>(sign | 0x7E00u | ((magnitude >> 13) & 0x3FFu));
    }
    if (magnitude >= 0x47800000u) return sign | 0x7C00u;  // 65536 and above
    return static_cast<uint16_t>(sign | round_to_half(bits));
}

inline float from_half(uint16_t half) {
    const uint32_t sign = static_cast<uint32_t>(half & 0x8000u) << 16;
    const uint32_t exponent = (half >> 10) & 0x1Fu, mantissa = half & 0x3FFu;
    if (exponent == 0) {  // zero and subnormal: a whole number of 2^-24
        const float value = static_cast<float>(mantissa) * 0x1p-24f;
        return sign != 0 ? -value : value;
    }
    const uint32_t bits =
        sign | (exponent == 31 ? 0x7F800000u : (exponent + 112) << 23) | mantissa << 13;
    float value = 0;
    std::memcpy(&value, &bits, sizeof value);
    return value;
}

}  // namespace softnpu
