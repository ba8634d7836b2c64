// What the second media interface declares and no card of the ones softnpu stands for has: pools
// of picture buffers, bindings between channels, the quick start of surround views. A card answers
// NOT_SUPPORT or an invalid handle, and so do these.
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

constexpr const char *kMemory = "take picture memory from hi_mpi_dvpp_malloc";
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

}  // extern "C"
