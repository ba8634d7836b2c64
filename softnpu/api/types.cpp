// Element sizes and half-precision numbers.
#include <cmath>
#include <cstring>

#include "acl/acl.h"
#include "softnpu/core/half.hpp"
#include "softnpu/core/tensor_desc.hpp"

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
    return softnpu::to_half(value);
}

}  // extern "C"
