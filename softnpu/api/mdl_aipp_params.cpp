// aclmdlAIPP: the parameters of dynamic AIPP, as programs gather them.
#include <algorithm>
#include <cmath>

#include "acl/acl_mdl.h"
#include "softnpu/aipp/dynamic.hpp"
#include "softnpu/api/entry.hpp"
#include "softnpu/core/config.hpp"
#include "softnpu/core/half.hpp"

using namespace softnpu;
using aipp::Image;
using aipp::Parameters;

namespace {

int check_switch(int8_t value, const char *name) {
    if (value == 0 || value == 1) return 0;
    return fail(ACL_ERROR_INVALID_PARAM, "%s is %d: want 0 (off) or 1 (on)", name, value);
}

int check_range(int64_t value, int64_t low, int64_t high, const char *name) {
    if (value >= low && value <= high) return 0;
    return fail(ACL_ERROR_INVALID_PARAM, "%s is %lld: want %lld to %lld", name,
                static_cast<long long>(value), static_cast<long long>(low),
                static_cast<long long>(high));
}

/// Calls `change` with the parameters of the handle.
template <class Change>
aclError with_parameters(const char *entry, aclmdlAIPP *handle, Change &&change) {
    return guarded(entry, [&] {
        const auto parameters = aipp::parameters_table().find(handle);
        if (!parameters)
            return fail(ACL_ERROR_INVALID_PARAM, "the AIPP parameters are NULL or destroyed");
        return change(*parameters);
    });
}

/// Calls `change` with the parameters and the part of them that is for one image.
template <class Change>
aclError with_image(const char *entry, aclmdlAIPP *handle, uint64_t index, Change &&change) {
    return with_parameters(entry, handle, [&](Parameters &parameters) {
        if (index < parameters.images.size())
            return change(parameters, parameters.images[static_cast<size_t>(index)]);
        return fail(ACL_ERROR_INVALID_PARAM,
                    "batchIndex %llu: the AIPP parameters were created for %zu images",
                    static_cast<unsigned long long>(index), parameters.images.size());
    });
}

bool is_yuv420(const Parameters &parameters) {
    return parameters.head.format == ACL_YUV420SP_U8;
}

int check_even(const Parameters &parameters, int32_t value, const char *name) {
    if (!is_yuv420(parameters) || value % 2 == 0) return 0;
    return fail(ACL_ERROR_INVALID_PARAM, "%s is %d: YUV420SP_U8 wants it even", name, value);
}

/// Four numbers, one per channel, as halves.
int set_halves(const float (&values)[4], float low, float high, const char *name,
               std::array<uint16_t, 4> &halves) {
    for (const float value : values) {
        if (!(value >= low && value <= high))  // NaN too
            return fail(ACL_ERROR_INVALID_PARAM, "%s is %g: want %g to %g", name,
                        static_cast<double>(value), static_cast<double>(low),
                        static_cast<double>(high));
    }
    std::transform(std::begin(values), std::end(values), halves.begin(), to_half);
    return 0;
}

}  // namespace

extern "C" {

aclmdlAIPP *aclmdlCreateAIPP(uint64_t batchSize) {
    return guarded_value(__func__, static_cast<aclmdlAIPP *>(nullptr), [&]() -> aclmdlAIPP * {
        if (check_range(static_cast<int64_t>(batchSize), 1, aipp::kMostImages, "batchSize") != 0)
            return nullptr;
        return static_cast<aclmdlAIPP *>(aipp::parameters_table().create(batchSize).handle());
    });
}

aclError aclmdlDestroyAIPP(const aclmdlAIPP *aippParmsSet) {
    return guarded(__func__, [&] {
        if (aipp::parameters_table().remove(aippParmsSet)) return 0;
        return fail(ACL_ERROR_INVALID_PARAM, "the AIPP parameters are NULL or destroyed");
    });
}

aclError aclmdlGetAippDataSize(uint64_t batchSize, size_t *size) {
    return guarded(__func__, [&] {
        SOFTNPU_CHECK(require_pointer(size, "size"));
        SOFTNPU_CHECK(
            check_range(static_cast<int64_t>(batchSize), 1, aipp::kMostImages, "batchSize"));
        *size = aipp::data_bytes(batchSize);
        return 0;
    });
}

aclError aclmdlSetAIPPInputFormat(aclmdlAIPP *aippParmsSet, aclAippInputFormat inputFormat) {
    return with_parameters(__func__, aippParmsSet, [&](Parameters &parameters) {
        SOFTNPU_CHECK(check_range(inputFormat, ACL_YUV420SP_U8, ACL_YUV400_U8, "inputFormat"));
        parameters.head.format = static_cast<int8_t>(inputFormat);
        return 0;
    });
}

aclError aclmdlSetAIPPCscParams(aclmdlAIPP *aippParmsSet, int8_t cscSwitch, int16_t cscMatrixR0C0,
                                int16_t cscMatrixR0C1, int16_t cscMatrixR0C2, int16_t cscMatrixR1C0,
                                int16_t cscMatrixR1C1, int16_t cscMatrixR1C2, int16_t cscMatrixR2C0,
                                int16_t cscMatrixR2C1, int16_t cscMatrixR2C2,
                                uint8_t cscOutputBiasR0, uint8_t cscOutputBiasR1,
                                uint8_t cscOutputBiasR2, uint8_t cscInputBiasR0,
                                uint8_t cscInputBiasR1, uint8_t cscInputBiasR2) {
    return with_parameters(__func__, aippParmsSet, [&](Parameters &parameters) {
        SOFTNPU_CHECK(check_switch(cscSwitch, "cscSwitch"));
        aipp::Head &head = parameters.head;
        head.csc = cscSwitch;
        if (cscSwitch == 0) return 0;  // what else was given has no meaning
        head.matrix = {cscMatrixR0C0, cscMatrixR0C1, cscMatrixR0C2, cscMatrixR1C0, cscMatrixR1C1,
                       cscMatrixR1C2, cscMatrixR2C0, cscMatrixR2C1, cscMatrixR2C2};
        head.output_bias = {cscOutputBiasR0, cscOutputBiasR1, cscOutputBiasR2};
        head.input_bias = {cscInputBiasR0, cscInputBiasR1, cscInputBiasR2};
        return 0;
    });
}

aclError aclmdlSetAIPPRbuvSwapSwitch(aclmdlAIPP *aippParmsSet, int8_t rbuvSwapSwitch) {
    return with_parameters(__func__, aippParmsSet, [&](Parameters &parameters) {
        SOFTNPU_CHECK(check_switch(rbuvSwapSwitch, "rbuvSwapSwitch"));
        parameters.head.rbuv_swap = rbuvSwapSwitch;
        return 0;
    });
}

aclError aclmdlSetAIPPAxSwapSwitch(aclmdlAIPP *aippParmsSet, int8_t axSwapSwitch) {
    return with_parameters(__func__, aippParmsSet, [&](Parameters &parameters) {
        SOFTNPU_CHECK(check_switch(axSwapSwitch, "axSwapSwitch"));
        parameters.head.ax_swap = axSwapSwitch;
        return 0;
    });
}

aclError aclmdlSetAIPPSrcImageSize(aclmdlAIPP *aippParmsSet, int32_t srcImageSizeW,
                                   int32_t srcImageSizeH) {
    return with_parameters(__func__, aippParmsSet, [&](Parameters &parameters) {
        SOFTNPU_CHECK(check_range(srcImageSizeW, 2, 4096, "srcImageSizeW"));
        SOFTNPU_CHECK(check_range(srcImageSizeH, 1, 4096, "srcImageSizeH"));
        SOFTNPU_CHECK(check_even(parameters, srcImageSizeW, "srcImageSizeW"));
        SOFTNPU_CHECK(check_even(parameters, srcImageSizeH, "srcImageSizeH"));
        parameters.head.src_w = srcImageSizeW;
        parameters.head.src_h = srcImageSizeH;
        return 0;
    });
}

aclError aclmdlSetAIPPScfParams(aclmdlAIPP *aippParmsSet, int8_t scfSwitch, int32_t scfInputSizeW,
                                int32_t scfInputSizeH, int32_t scfOutputSizeW,
                                int32_t scfOutputSizeH, uint64_t batchIndex) {
    return with_image(__func__, aippParmsSet, batchIndex, [&](Parameters &, Image &image) {
        SOFTNPU_CHECK(check_switch(scfSwitch, "scfSwitch"));
        image.resize = 0;
        if (scfSwitch == 0) return 0;
        SOFTNPU_CHECK(check_range(scfInputSizeW, 16, 4096, "scfInputSizeW"));
        SOFTNPU_CHECK(check_range(scfInputSizeH, 16, 4096, "scfInputSizeH"));
        SOFTNPU_CHECK(check_range(scfOutputSizeW, 16, 1920, "scfOutputSizeW"));
        SOFTNPU_CHECK(check_range(scfOutputSizeH, 16, 4096, "scfOutputSizeH"));
        const char *problem =
            aipp::resize_problem(scfInputSizeW, scfInputSizeH, scfOutputSizeW, scfOutputSizeH);
        if (problem != nullptr)
            return fail(ACL_ERROR_INVALID_PARAM, "resize of %dx%d to %dx%d: %s", scfInputSizeW,
                        scfInputSizeH, scfOutputSizeW, scfOutputSizeH, problem);
        if (!config().aipp_resize)
            return fail(ACL_ERROR_FEATURE_UNSUPPORTED, "%s", aipp::kResizeAdvice);
        image.resize_in_w = scfInputSizeW, image.resize_in_h = scfInputSizeH;
        image.resize_out_w = scfOutputSizeW, image.resize_out_h = scfOutputSizeH;
        image.resize = 1;
        return 0;
    });
}

aclError aclmdlSetAIPPCropParams(aclmdlAIPP *aippParmsSet, int8_t cropSwitch, int32_t cropStartPosW,
                                 int32_t cropStartPosH, int32_t cropSizeW, int32_t cropSizeH,
                                 uint64_t batchIndex) {
    const auto change = [&](Parameters &parameters, Image &image) {
        SOFTNPU_CHECK(check_switch(cropSwitch, "cropSwitch"));
        if (cropSwitch == 1) {
            SOFTNPU_CHECK(check_range(cropStartPosW, 0, 4095, "cropStartPosW"));
            SOFTNPU_CHECK(check_range(cropStartPosH, 0, 4095, "cropStartPosH"));
            SOFTNPU_CHECK(check_range(cropSizeW, 1, 4096, "cropSizeW"));
            SOFTNPU_CHECK(check_range(cropSizeH, 1, 4096, "cropSizeH"));
            SOFTNPU_CHECK(check_even(parameters, cropStartPosW, "cropStartPosW"));
            SOFTNPU_CHECK(check_even(parameters, cropStartPosH, "cropStartPosH"));
            image.crop_x = cropStartPosW, image.crop_y = cropStartPosH;
            image.crop_w = cropSizeW, image.crop_h = cropSizeH;
        }
        image.crop = cropSwitch;
        return 0;
    };
    return with_image(__func__, aippParmsSet, batchIndex, change);
}

aclError aclmdlSetAIPPPaddingParams(aclmdlAIPP *aippParmsSet, int8_t paddingSwitch,
                                    int32_t paddingSizeTop, int32_t paddingSizeBottom,
                                    int32_t paddingSizeLeft, int32_t paddingSizeRight,
                                    uint64_t batchIndex) {
    return with_image(__func__, aippParmsSet, batchIndex, [&](Parameters &, Image &image) {
        SOFTNPU_CHECK(check_switch(paddingSwitch, "paddingSwitch"));
        if (paddingSwitch == 1) {
            SOFTNPU_CHECK(check_range(paddingSizeTop, 0, 32, "paddingSizeTop"));
            SOFTNPU_CHECK(check_range(paddingSizeBottom, 0, 32, "paddingSizeBottom"));
            SOFTNPU_CHECK(check_range(paddingSizeLeft, 0, 32, "paddingSizeLeft"));
            SOFTNPU_CHECK(check_range(paddingSizeRight, 0, 32, "paddingSizeRight"));
            image.top = paddingSizeTop, image.bottom = paddingSizeBottom;
            image.left = paddingSizeLeft, image.right = paddingSizeRight;
        }
        image.padding = paddingSwitch;
        return 0;
    });
}

aclError aclmdlSetAIPPDtcPixelMean(aclmdlAIPP *aippParmsSet, int16_t dtcPixelMeanChn0,
                                   int16_t dtcPixelMeanChn1, int16_t dtcPixelMeanChn2,
                                   int16_t dtcPixelMeanChn3, uint64_t batchIndex) {
    return with_image(__func__, aippParmsSet, batchIndex, [&](Parameters &, Image &image) {
        const std::array<int16_t, 4> means{dtcPixelMeanChn0, dtcPixelMeanChn1, dtcPixelMeanChn2,
                                           dtcPixelMeanChn3};
        for (const int16_t mean : means) SOFTNPU_CHECK(check_range(mean, 0, 255, "the mean"));
        image.mean = means;
        return 0;
    });
}

aclError aclmdlSetAIPPDtcPixelMin(aclmdlAIPP *aippParmsSet, float dtcPixelMinChn0,
                                  float dtcPixelMinChn1, float dtcPixelMinChn2,
                                  float dtcPixelMinChn3, uint64_t batchIndex) {
    return with_image(__func__, aippParmsSet, batchIndex, [&](Parameters &, Image &image) {
        return set_halves({dtcPixelMinChn0, dtcPixelMinChn1, dtcPixelMinChn2, dtcPixelMinChn3}, 0,
                          255, "the minimum", image.min);
    });
}

aclError aclmdlSetAIPPPixelVarReci(aclmdlAIPP *aippParmsSet, float dtcPixelVarReciChn0,
                                   float dtcPixelVarReciChn1, float dtcPixelVarReciChn2,
                                   float dtcPixelVarReciChn3, uint64_t batchIndex) {
    return with_image(__func__, aippParmsSet, batchIndex, [&](Parameters &, Image &image) {
        return set_halves(
            {dtcPixelVarReciChn0, dtcPixelVarReciChn1, dtcPixelVarReciChn2, dtcPixelVarReciChn3},
            -65504, 65504, "the reciprocal variance", image.reciprocal);
    });
}

}  // extern "C"
