// Half precision against exact arithmetic, element sizes, data buffers and tensor descs.
#include <cmath>
#include <cstring>
#include <limits>

#include "tests/cpp/check.hpp"

namespace {

/// The value of a half, from the definition of the format.
double half_value(unsigned bits) {
    const int exponent = static_cast<int>(bits >> 10 & 31);
    const double mantissa = bits & 1023;
    const double magnitude = exponent == 0 ? std::ldexp(mantissa / 1024, -14)
                                           : std::ldexp(1 + mantissa / 1024, exponent - 15);
    return (bits & 0x8000) != 0 ? -magnitude : magnitude;
}

}  // namespace

TEST("every half converts exactly and back") {
    for (unsigned bits = 0; bits < 0x10000; ++bits) {
        const float value = aclFloat16ToFloat(static_cast<aclFloat16>(bits));
        if ((bits >> 10 & 31) == 31) {
            CHECK((bits & 1023) != 0 ? std::isnan(value) : std::isinf(value));
            CHECK(std::signbit(value) == ((bits & 0x8000) != 0));
        } else {
            EQUAL(static_cast<double>(value), half_value(bits));
        }
        if (!std::isnan(value)) EQUAL(unsigned(aclFloatToFloat16(value)), bits);
    }
    CHECK(std::isnan(aclFloat16ToFloat(aclFloatToFloat16(NAN))));
}

TEST("floats round to the nearest half, ties to even") {
    // Between each pair of neighbours: the midpoint and the floats on both sides of it.
    for (unsigned low = 0; low < 0x7BFF; ++low) {
        const double middle = (half_value(low) + half_value(low + 1)) / 2;
        const auto tie = static_cast<float>(middle);
        EQUAL(static_cast<double>(tie), middle);
        EQUAL(unsigned(aclFloatToFloat16(tie)), low + (low & 1));
        EQUAL(unsigned(aclFloatToFloat16(std::nextafter(tie, 0.0f))), low);
        EQUAL(unsigned(aclFloatToFloat16(std::nextafter(tie, 1e9f))), low + 1);
        EQUAL(unsigned(aclFloatToFloat16(-tie)), 0x8000u + low + (low & 1));
    }
    EQUAL(unsigned(aclFloatToFloat16(65519.99f)), 0x7BFFu);
    EQUAL(unsigned(aclFloatToFloat16(65520.0f)), 0x7C00u);
    EQUAL(unsigned(aclFloatToFloat16(1e30f)), 0x7C00u);
    EQUAL(unsigned(aclFloatToFloat16(-INFINITY)), 0xFC00u);
    EQUAL(unsigned(aclFloatToFloat16(std::numeric_limits<float>::denorm_min())), 0u);
    EQUAL(unsigned(aclFloatToFloat16(-0.0f)), 0x8000u);
}

TEST("element sizes") {
    EQUAL(aclDataTypeSize(ACL_FLOAT), 4u);
    EQUAL(aclDataTypeSize(ACL_BF16), 2u);
    EQUAL(aclDataTypeSize(ACL_COMPLEX128), 16u);
    EQUAL(aclDataTypeSize(ACL_DT_UNDEFINED), 0u);
    EQUAL(aclDataTypeSize(ACL_STRING), 0u);
}

TEST("data buffers") {
    int data = 0;
    aclDataBuffer *empty = aclCreateDataBuffer(nullptr, 0);
    CHECK(empty != nullptr);
    CHECK(aclGetDataBufferAddr(empty) == nullptr);
    aclDataBuffer *buffer = aclCreateDataBuffer(&data, size_t{1} << 33);
    CHECK(aclGetDataBufferAddr(buffer) == &data);
    EQUAL(aclGetDataBufferSizeV2(buffer), size_t{1} << 33);
    EQUAL(aclGetDataBufferSize(buffer), 0u);  // truncated to 32 bits, as documented
    OK(aclUpdateDataBuffer(buffer, nullptr, 5));
    EQUAL(aclGetDataBufferSizeV2(buffer), 5u);
    EQUAL(check::counter("live_data_buffers"), 2u);
    OK(aclDestroyDataBuffer(buffer));
    EQUAL(aclDestroyDataBuffer(buffer), ACL_ERROR_INVALID_PARAM);
    EQUAL(aclUpdateDataBuffer(buffer, &data, 1), ACL_ERROR_INVALID_PARAM);
    CHECK(aclGetDataBufferAddr(buffer) == nullptr);
    EQUAL(aclGetDataBufferSizeV2(nullptr), 0u);
    EQUAL(aclDestroyDataBuffer(nullptr), ACL_ERROR_INVALID_PARAM);
    OK(aclDestroyDataBuffer(empty));
    EQUAL(check::counter("live_data_buffers"), 0u);
}

TEST("tensor descs") {
    const int64_t dims[] = {2, 3, 4};
    aclTensorDesc *desc = aclCreateTensorDesc(ACL_FLOAT16, 3, dims, ACL_FORMAT_NCHW);
    EQUAL(aclGetTensorDescType(desc), ACL_FLOAT16);
    EQUAL(aclGetTensorDescFormat(desc), ACL_FORMAT_NCHW);
    EQUAL(aclGetTensorDescNumDims(desc), 3u);
    EQUAL(aclGetTensorDescElementCount(desc), 24u);
    EQUAL(aclGetTensorDescSize(desc), 48u);
    int64_t dim = 0;
    OK(aclGetTensorDescDimV2(desc, 2, &dim));
    EQUAL(dim, 4);
    EQUAL(aclGetTensorDescDimV2(desc, 3, &dim), ACL_ERROR_INVALID_PARAM);
    EQUAL(aclGetTensorDescDim(desc, 3), -1);
    aclSetTensorDescName(desc, "image");
    EQUAL(std::string(aclGetTensorDescName(desc)), "image");
    int64_t ranges[3][2] = {{1, 2}, {3, 3}, {1, -1}};
    OK(aclSetTensorShapeRange(desc, 3, ranges));
    int64_t range[2];
    OK(aclGetTensorDescDimRange(desc, 2, 2, range));
    EQUAL(range[1], -1);
    EQUAL(aclGetTensorDescDimRange(desc, 3, 2, range), ACL_ERROR_INVALID_PARAM);
    const int64_t unknown[] = {-2};
    aclTensorDesc *rankless = aclCreateTensorDesc(ACL_FLOAT, 1, unknown, ACL_FORMAT_ND);
    EQUAL(aclGetTensorDescNumDims(rankless), size_t{ACL_UNKNOWN_RANK});
    EQUAL(aclGetTensorDescSize(rankless), 0u);
    aclTensorDesc *scalar = aclCreateTensorDesc(ACL_FLOAT, 0, nullptr, ACL_FORMAT_ND);
    EQUAL(aclGetTensorDescSize(scalar), 4u);
    CHECK(aclCreateTensorDesc(ACL_FLOAT, -1, nullptr, ACL_FORMAT_ND) == nullptr);
    CHECK(aclCreateTensorDesc(ACL_FLOAT, 2, nullptr, ACL_FORMAT_ND) == nullptr);
    EQUAL(check::counter("live_tensor_descs"), 3u);
    for (aclTensorDesc *each : {desc, rankless, scalar}) aclDestroyTensorDesc(each);
    aclDestroyTensorDesc(desc);
    EQUAL(aclGetTensorDescSize(desc), 0u);
    EQUAL(aclGetTensorDescFormat(desc), ACL_FORMAT_UNDEFINED);
    EQUAL(check::counter("live_tensor_descs"), 0u);
}

TEST_MAIN
