// Conversion matrices of the second media interface.
#include <cmath>

#include "softnpu/api/himpi_vpc.hpp"
#include "softnpu/dvpp/himpi_vdec.hpp"
#include "softnpu/vpc/colour.hpp"

using namespace softnpu;

namespace {

constexpr double kLargest = 65536;  // of coefficients: far beyond any that makes colours

int find_matrix(hi_mod_id mode, hi_s32 chn, std::shared_ptr<std::atomic<int>> &matrix) {
    if (mode == HI_ID_VPC) {
        std::shared_ptr<VpcChannel> channel;
        SOFTNPU_CHECK(find_vpc(chn, channel));
        matrix = {channel, &channel->csc_matrix};
        return 0;
    }
    if (mode == HI_ID_VDEC) {
        HimpiDecoderRef channel;
        SOFTNPU_CHECK(HimpiDecoder::find(chn, channel));
        matrix = {channel, &channel->csc_matrix};
        return 0;
    }
    return fail(vpc_error(HI_ERR_SYS_NOT_SUPPORT),
                "module %d: only channels of HI_ID_VPC and HI_ID_VDEC have a matrix",
                static_cast<int>(mode));
}

void read(const hi_coefficient &from, std::array<std::array<double, 3>, 3> &matrix,
          std::array<double, 3> &bias) {
    matrix = {{{from.csc_matrix_r0_c0, from.csc_matrix_r0_c1, from.csc_matrix_r0_c2},
               {from.csc_matrix_r1_c0, from.csc_matrix_r1_c1, from.csc_matrix_r1_c2},
               {from.csc_matrix_r2_c0, from.csc_matrix_r2_c1, from.csc_matrix_r2_c2}}};
    bias = {from.csc_bias_r0, from.csc_bias_r1, from.csc_bias_r2};
}

hi_coefficient write(const std::array<std::array<double, 3>, 3> &m,
                     const std::array<double, 3> &bias) {
    return {m[0][0], m[0][1], m[0][2], m[1][0], m[1][1], m[1][2],
            m[2][0], m[2][1], m[2][2], bias[0], bias[1], bias[2]};
}

bool has_sense(const hi_coefficient &given) {
    std::array<std::array<double, 3>, 3> matrix;
    std::array<double, 3> bias;
    read(given, matrix, bias);
    bool sound = true;
    for (size_t i = 0; i < 3; ++i) {
        for (const double value : matrix[i]) sound &= std::fabs(value) <= kLargest;  // no NaN
        sound &= std::fabs(bias[i]) <= kLargest;
    }
    return sound;
}

int take_own(const hi_csc_coefficient *given, int &number) {
    if (given == nullptr)
        return fail(vpc_error(HI_ERR_SYS_NULL_PTR),
                    "csc_coefficient is NULL; HI_CSC_MATRIX_USER takes the coefficients from it");
    const hi_csc_coefficient copy = *given;
    if (!has_sense(copy.yuv_to_rgb_coefficient) || !has_sense(copy.rgb_to_yuv_coefficient))
        return fail(vpc_error(HI_ERR_SYS_ILLEGAL_PARAM), "a coefficient is no number or beyond %g",
                    kLargest);
    vpc::ColourCoefficients own;
    read(copy.yuv_to_rgb_coefficient, own.to_rgb, own.from_yuv);
    read(copy.rgb_to_yuv_coefficient, own.to_yuv, own.into_yuv);
    number = vpc::keep_coefficients(own);
    if (number >= 0) return 0;
    return fail(vpc_error(HI_ERR_SYS_NO_MEM), "the process has used too many different matrices");
}

}  // namespace

extern "C" {

hi_s32 hi_mpi_sys_set_chn_csc_matrix(hi_mod_id mode, hi_s32 chn, hi_csc_matrix csc_matrix,
                                     hi_csc_coefficient *csc_coefficient) {
    return guarded(__func__, [&] {
        std::shared_ptr<std::atomic<int>> matrix;
        SOFTNPU_CHECK(find_matrix(mode, chn, matrix));
        int number = static_cast<int>(csc_matrix);
        if (number == HI_CSC_MATRIX_USER) {
            SOFTNPU_CHECK(take_own(csc_coefficient, number));
        } else if (number < HI_CSC_MATRIX_BT601_WIDE || number > HI_CSC_MATRIX_BT2020_NARROW) {
            return fail(vpc_error(HI_ERR_SYS_ILLEGAL_PARAM),
                        "matrix %d: want 0 to 5, or HI_CSC_MATRIX_USER (100)", number);
        }
        *matrix = number;
        return HI_SUCCESS;
    });
}

hi_s32 hi_mpi_sys_get_chn_csc_matrix(hi_mod_id mode, hi_s32 chn, hi_csc_matrix *csc_matrix,
                                     hi_csc_coefficient *csc_coefficient) {
    return guarded(__func__, [&] {
        std::shared_ptr<std::atomic<int>> matrix;
        SOFTNPU_CHECK(find_matrix(mode, chn, matrix));
        if (csc_matrix == nullptr) {
            return fail(vpc_error(HI_ERR_SYS_NULL_PTR), "csc_matrix is NULL");
        }
        const int number = *matrix;
        *csc_matrix =
            number >= vpc::kFirstKept ? HI_CSC_MATRIX_USER : static_cast<hi_csc_matrix>(number);
        if (csc_coefficient == nullptr) return HI_SUCCESS;
        const vpc::ColourCoefficients known = vpc::colour_coefficients(number);
        csc_coefficient->yuv_to_rgb_coefficient = write(known.to_rgb, known.from_yuv);
        csc_coefficient->rgb_to_yuv_coefficient = write(known.to_yuv, known.into_yuv);
        return HI_SUCCESS;
    });
}

}  // extern "C"
