// What the second media interface declares and no card of the ones softnpu stands for has: pools
// of picture buffers, bindings between channels, surround views and their quick start, priorities
// of picture channels. A card answers NOT_SUPPORT or an invalid handle, and so do these.
#include "acl/dvpp/hi_dvpp.h"
#include "softnpu/api/entry.hpp"
#include "softnpu/core/log.hpp"

using namespace softnpu;

namespace {

/// Recorded like every call of something that is not there.
int refuse(const char *function, const char *instead) {
    unsupported(function);
    return fail(static_cast<int>(HI_ERR_SYS_NOT_SUPPORT), "no card supports %s: %s", function,
                instead);
}

int refuse_vpc(const char *function, const char *instead) {
    unsupported(function);
    return fail(static_cast<int>(HI_ERR_VPC_NOT_SUPPORT), "no card supports %s: %s", function,
                instead);
}

constexpr const char *kMemory = "take picture memory from hi_mpi_dvpp_malloc";
constexpr const char *kViews = "warp the views with hi_mpi_vpc_lut_remap and put them together";
constexpr const char *kFrames = "hand frames from channel to channel yourself";

}  // namespace

extern "C" {

hi_vb_pool hi_mpi_vb_create_pool(const hi_vb_pool_config *) {
    refuse(__func__, kMemory);
    return static_cast<hi_vb_pool>(HI_VB_INVALID_POOLID);
}

hi_s32 hi_mpi_vb_destroy_pool(hi_vb_pool) {
    return refuse(__func__, kMemory);
}

hi_vb_blk hi_mpi_vb_get_block(hi_vb_pool, hi_u64, const hi_char *) {
    refuse(__func__, kMemory);
    return static_cast<hi_vb_blk>(HI_VB_INVALID_HANDLE);
}

hi_s32 hi_mpi_vb_release_block(hi_vb_blk) {
    return refuse(__func__, kMemory);
}

hi_s32 hi_mpi_vb_block_copyref(hi_vb_blk) {
    return refuse(__func__, kMemory);
}

void *hi_mpi_vb_handle_to_addr(hi_vb_blk) {
    refuse(__func__, kMemory);
    return nullptr;
}

hi_s32 hi_mpi_sys_bind(const hi_mpp_chn *, const hi_mpp_chn *) {
    return refuse(__func__, kFrames);
}

hi_s32 hi_mpi_sys_unbind(const hi_mpp_chn *, const hi_mpp_chn *) {
    return refuse(__func__, kFrames);
}

hi_s32 hi_mpi_sys_full_init(void) {
    return refuse(__func__, "hi_mpi_sys_init is enough");
}

hi_s32 hi_mpi_vpc_set_chn_opt_attr(hi_vpc_chn, const hi_opt_attr *) {
    return refuse_vpc(__func__, "all channels have one priority");
}

hi_s32 hi_mpi_vpc_set_roundview_stitching_param(hi_vpc_chn, const hi_roundview_stitching_param *) {
    return refuse_vpc(__func__, kViews);
}

hi_s32 hi_mpi_vpc_get_roundview_stitching_param(hi_vpc_chn, hi_roundview_stitching_param *) {
    return refuse_vpc(__func__, kViews);
}

hi_s32 hi_mpi_vpc_roundview_stitching(hi_vpc_chn, hi_roundview_stitching_pic_param *, hi_u32 *,
                                      hi_s32) {
    return refuse_vpc(__func__, kViews);
}

}  // extern "C"
