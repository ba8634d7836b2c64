// Conversion matrices of the second media interface.
#include "softnpu/api/himpi_vpc.hpp"

using namespace softnpu;

namespace {

int find_picture_channel(hi_mod_id mode, hi_s32 chn, std::shared_ptr<VpcChannel> &channel) {
    if (mode == HI_ID_VPC) return find_vpc(chn, channel);
    return fail(vpc_error(HI_ERR_SYS_NOT_SUPPORT), "module %d: only VPC channels have a matrix",
                static_cast<int>(mode));
}

}  // namespace

extern "C" {

hi_s32 hi_mpi_sys_set_chn_csc_matrix(hi_mod_id mode, hi_s32 chn, hi_csc_matrix csc_matrix,
                                     hi_csc_coefficient *) {
    return guarded(__func__, [&] {
        std::shared_ptr<VpcChannel> channel;
        SOFTNPU_CHECK(find_picture_channel(mode, chn, channel));
        const int number = static_cast<int>(csc_matrix);
        if (number == HI_CSC_MATRIX_USER) {
            return fail(vpc_error(HI_ERR_SYS_NOT_SUPPORT), "own coefficients are not supported");
        }
        if (number < HI_CSC_MATRIX_BT601_WIDE || number > HI_CSC_MATRIX_BT2020_NARROW) {
            return fail(vpc_error(HI_ERR_SYS_ILLEGAL_PARAM), "matrix %d: want 0 to 5", number);
        }
        channel->csc_matrix = number;
        return HI_SUCCESS;
    });
}

/// Coefficients stay as they are: those of the named matrices are the engine's.
hi_s32 hi_mpi_sys_get_chn_csc_matrix(hi_mod_id mode, hi_s32 chn, hi_csc_matrix *csc_matrix,
                                     hi_csc_coefficient *) {
    return guarded(__func__, [&] {
        std::shared_ptr<VpcChannel> channel;
        SOFTNPU_CHECK(find_picture_channel(mode, chn, channel));
        if (csc_matrix == nullptr) {
            return fail(vpc_error(HI_ERR_SYS_NULL_PTR), "csc_matrix is NULL");
        }
        *csc_matrix = static_cast<hi_csc_matrix>(channel->csc_matrix.load());
        return HI_SUCCESS;
    });
}

}  // extern "C"
