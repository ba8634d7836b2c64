// Element sizes and half-precision numbers.
#include <cmath>
#include <cstring>

#include "acl/acl.h"
#include "softnpu/core/tensor_desc.hpp"

namespace {

uint32_t bits_of(float value) {
    uint32_t bits = 0;
    std::memcpy(&bits, &value, sizeof bits);
    return bits;
}

/// Round to nearest, ties to even. `bits` is a finite float below 2^16 in magnitude.
uint16_t round_to_half(uint32_t bits) {
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

}  // namespace

extern "C" {

size_t aclDataTypeSize(aclDataType dataType) {
    return softnpu::element_size(dataType);
}

float aclFloat16ToFloat(aclFloat16 value) {
    const int exponent = (value >> 10) & 0x1F;
    const auto mantissa = static_cast<float>(value & 0x3FF);
    float result;
    if (exponent == 0x1F) {
        // A NaN keeps its payload.
        const uint32_t bits = 0x7F800000u | static_cast<uint32_t>(value & 0x3FF) << 13;
        std::memcpy(&result, &bits, sizeof result);
    } else if (exponent == 0) {
        result = std::ldexp(mantissa, -24);
    } else {
        result = std::ldexp(mantissa + 1024.0f, exponent - 25);
    }
    return (value & 0x8000) != 0 ? -result : result;
}

aclFloat16 aclFloatToFloat16(float value) {
    const uint32_t bits = bits_of(value);
    const auto sign = static_cast<uint16_t>((bits >> 16) & 0x8000u);
    const uint32_t magnitude = bits & 0x7FFFFFFFu;
    if (magnitude > 0x7F800000u) {
        return static_cast<uint16_t>(sign | 0x7E00u | ((magnitude >> 13) & 0x3FFu));
    }
    if (magnitude >= 0x47800000u) return sign | 0x7C00u;  // 65536 and above
    return static_cast<uint16_t>(sign | round_to_half(bits));
}

}  // extern "C"
