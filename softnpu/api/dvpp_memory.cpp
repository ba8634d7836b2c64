// acldvppMalloc, acldvppMallocWithCfg and acldvppFree.
#include "acl/ops/acl_dvpp.h"
#include "softnpu/api/entry.hpp"
#include "softnpu/core/context.hpp"
#include "softnpu/dvpp/venc.hpp"
#include "softnpu/memory/malloc_config.hpp"
#include "softnpu/memory/memory.hpp"

using namespace softnpu;

extern "C" {

aclError acldvppMalloc(void **devPtr, size_t size) {
    return guarded("acldvppMalloc", [&] {
        SOFTNPU_CHECK(require_pointer(devPtr, "devPtr"));
        const size_t room = size != 0 ? padded_size(size) : 0;
        if (room == 0) {
            return fail(ACL_ERROR_INVALID_PARAM, "size %zu is 0 or overflows when it is padded",
                        size);
        }
        SOFTNPU_CHECK(require_context());
        return allocate(MemoryKind::dvpp, current_device(), size, room, devPtr);
    });
}

/// The size is handed down as it is, as by aclrtMallocWithCfg; policies only choose page sizes.
aclError acldvppMallocWithCfg(void **devPtr, size_t size, aclrtMemMallocPolicy,
                              aclrtMallocConfig *cfg) {
    return guarded("acldvppMallocWithCfg", [&] {
        SOFTNPU_CHECK(require_pointer(devPtr, "devPtr"));
        if (size == 0 || padded_size(size) == 0) {
            return fail(ACL_ERROR_INVALID_PARAM, "size %zu is 0 or too large", size);
        }
        SOFTNPU_CHECK(check_malloc_config(cfg));
        SOFTNPU_CHECK(require_context());
        return allocate(MemoryKind::dvpp, current_device(), size, size, devPtr);
    });
}

aclError acldvppFree(void *devPtr) {
    return guarded("acldvppFree", [&] {
        SOFTNPU_CHECK(require_pointer(devPtr, "devPtr"));
        SOFTNPU_CHECK(require_context());
        VencChannel::let_go(devPtr);
        return release(MemoryKind::dvpp, devPtr);
    });
}

}  // extern "C"
