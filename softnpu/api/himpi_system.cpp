// hi_mpi system calls: init, memory, version.
#include "acl/dvpp/hi_dvpp.h"
#include "softnpu/api/entry.hpp"
#include "softnpu/core/context.hpp"
#include "softnpu/core/device.hpp"
#include "softnpu/dvpp/himpi_vpc.hpp"
#include "softnpu/memory/memory.hpp"

using namespace softnpu;

namespace {

int himpi(unsigned code) {
    return static_cast<int>(code);
}

}  // namespace

extern "C" {

hi_s32 hi_mpi_sys_init(void) {
    return guarded("hi_mpi_sys_init", [] {
        if (current_context_handle() == nullptr) {
            require_context();
            return himpi(HI_ERR_SYS_NOT_READY);
        }
        himpi_ready() = true;  // a second call is harmless
        return HI_SUCCESS;
    });
}

hi_s32 hi_mpi_sys_exit(void) {
    return guarded("hi_mpi_sys_exit", [] {
        himpi_ready() = false;
        return HI_SUCCESS;
    });
}

hi_s32 hi_mpi_dvpp_get_version(hi_s32 *major_version, hi_s32 *minor_version,
                               hi_s32 *patch_version) {
    return guarded("hi_mpi_dvpp_get_version", [&] {
        if (major_version == nullptr || minor_version == nullptr || patch_version == nullptr) {
            return fail(himpi(HI_ERR_SYS_NULL_PTR), "a pointer is NULL");
        }
        *major_version = 1;
        *minor_version = 0;
        *patch_version = 0;
        return HI_SUCCESS;
    });
}

/// `dev_id` is ignored: memory comes from the device of the current context.
hi_s32 hi_mpi_dvpp_malloc(hi_u32, void **dev_ptr, hi_u64 size) {
    return guarded("hi_mpi_dvpp_malloc", [&] {
        if (dev_ptr == nullptr) return fail(himpi(HI_ERR_SYS_NULL_PTR), "dev_ptr is NULL");
        const size_t room = size != 0 ? padded_size(size) : 0;
        if (room == 0) {
            return fail(himpi(HI_ERR_SYS_ILLEGAL_PARAM),
                        "size %llu is 0 or overflows when it is padded",
                        static_cast<unsigned long long>(size));
        }
        if (!himpi_ready()) {
            return fail(himpi(HI_ERR_SYS_NOT_READY), "call hi_mpi_sys_init first");
        }
        if (require_context() != 0) return himpi(HI_ERR_SYS_NOT_READY);
        const int code = allocate(MemoryKind::himpi, current_device(), size, room, dev_ptr);
        return code == 0 ? HI_SUCCESS : himpi(HI_ERR_SYS_NO_MEM);
    });
}

hi_s32 hi_mpi_dvpp_free(void *dev_ptr) {
    return guarded("hi_mpi_dvpp_free", [&] {
        if (dev_ptr == nullptr) return fail(himpi(HI_ERR_SYS_NULL_PTR), "dev_ptr is NULL");
        if (require_context() != 0) return himpi(HI_ERR_SYS_NOT_READY);
        return release(MemoryKind::himpi, dev_ptr) == 0 ? HI_SUCCESS
                                                        : himpi(HI_ERR_SYS_ILLEGAL_PARAM);
    });
}

}  // extern "C"
