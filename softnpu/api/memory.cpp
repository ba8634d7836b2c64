// Allocation of device and pinned host memory.
#include "softnpu/memory/memory.hpp"

#include <limits>

#include "softnpu/api/entry.hpp"
#include "softnpu/core/config.hpp"
#include "softnpu/core/device.hpp"
#include "softnpu/memory/malloc_config.hpp"

using namespace softnpu;

namespace {

enum class Padding { none, align, full };

int room_for(size_t size, Padding padding, size_t &room) {
    if (size == 0) return fail(ACL_ERROR_INVALID_PARAM, "size is 0");
    room = padded_size(size);
    if (room == 0) {
        return fail(ACL_ERROR_INVALID_PARAM, "size %zu overflows when it is padded", size);
    }
    if (padding == Padding::align) room -= 32;
    if (padding == Padding::none) room = size;
    return 0;
}

int malloc_on_device(void **devPtr, size_t size, MemoryKind kind, Padding padding) {
    SOFTNPU_CHECK(require_pointer(devPtr, "devPtr"));
    size_t room = 0;
    SOFTNPU_CHECK(room_for(size, padding, room));
    SOFTNPU_CHECK(require_context());
    return allocate(kind, current_device(), size, room, devPtr);
}

int malloc_on_host(void **hostPtr, size_t size) {
    SOFTNPU_CHECK(require_pointer(hostPtr, "hostPtr"));
    size_t room = 0;
    SOFTNPU_CHECK(room_for(size, Padding::none, room));
    SOFTNPU_CHECK(require_context());
    return allocate(MemoryKind::host, -1, size, room, hostPtr);
}

/// A range of cached memory whose caches are to be maintained: checked, then nothing to do, because
/// all memory of this device is coherent.
int maintain_cache(const void *devPtr, size_t size) {
    SOFTNPU_CHECK(require_pointer(devPtr, "devPtr"));
    if (size == 0) return fail(ACL_ERROR_INVALID_PARAM, "size is 0");
    SOFTNPU_CHECK(require_context());
    return check_device_memory("devPtr", devPtr, size);
}

}  // namespace

extern "C" {

aclError aclrtMalloc(void **devPtr, size_t size, aclrtMemMallocPolicy) {
    return guarded("aclrtMalloc", [&] {
        return malloc_on_device(devPtr, size, MemoryKind::device, Padding::full);
    });
}

aclError aclrtMallocAlign32(void **devPtr, size_t size, aclrtMemMallocPolicy) {
    return guarded("aclrtMallocAlign32", [&] {
        return malloc_on_device(devPtr, size, MemoryKind::device, Padding::align);
    });
}

aclError aclrtMallocCached(void **devPtr, size_t size, aclrtMemMallocPolicy) {
    return guarded("aclrtMallocCached", [&] {
        return malloc_on_device(devPtr, size, MemoryKind::cached, Padding::full);
    });
}

aclError aclrtMallocWithCfg(void **devPtr, size_t size, aclrtMemMallocPolicy,
                            aclrtMallocConfig *cfg) {
    return guarded("aclrtMallocWithCfg", [&] {
        SOFTNPU_CHECK(check_malloc_config(cfg));
        return malloc_on_device(devPtr, size, MemoryKind::device, Padding::none);
    });
}

aclError aclrtMallocForTaskScheduler(void **devPtr, size_t size, aclrtMemMallocPolicy,
                                     aclrtMallocConfig *cfg) {
    return guarded("aclrtMallocForTaskScheduler", [&] {
        SOFTNPU_CHECK(check_malloc_config(cfg));
        return malloc_on_device(devPtr, size, MemoryKind::device, Padding::none);
    });
}

aclError aclrtFree(void *devPtr) {
    return guarded("aclrtFree", [&] {
        SOFTNPU_CHECK(require_pointer(devPtr, "devPtr"));
        SOFTNPU_CHECK(require_context());
        return release(MemoryKind::device, devPtr);
    });
}

aclError aclrtMallocHost(void **hostPtr, size_t size) {
    return guarded("aclrtMallocHost", [&] { return malloc_on_host(hostPtr, size); });
}

aclError aclrtMallocHostWithCfg(void **ptr, uint64_t size, aclrtMallocConfig *cfg) {
    return guarded("aclrtMallocHostWithCfg", [&] {
        SOFTNPU_CHECK(check_malloc_config(cfg));
        return malloc_on_host(ptr, size);
    });
}

aclError aclrtFreeHost(void *hostPtr) {
    return guarded("aclrtFreeHost", [&] {
        SOFTNPU_CHECK(require_pointer(hostPtr, "hostPtr"));
        SOFTNPU_CHECK(require_context());
        return release(MemoryKind::host, hostPtr);
    });
}

aclError aclrtMemFlush(void *devPtr, size_t size) {
    return guarded("aclrtMemFlush", [&] { return maintain_cache(devPtr, size); });
}

aclError aclrtMemInvalidate(void *devPtr, size_t size) {
    return guarded("aclrtMemInvalidate", [&] { return maintain_cache(devPtr, size); });
}

aclError aclrtHostRegister(void *ptr, uint64_t size, aclrtHostRegisterType type, void **devPtr) {
    return guarded("aclrtHostRegister", [&] {
        SOFTNPU_CHECK(require_pointer(ptr, "ptr"));
        SOFTNPU_CHECK(require_pointer(devPtr, "devPtr"));
        if (size == 0) return fail(ACL_ERROR_INVALID_PARAM, "size is 0");
        if (type != ACL_HOST_REGISTER_MAPPED) {
            return fail(ACL_ERROR_INVALID_PARAM, "type %d: only ACL_HOST_REGISTER_MAPPED exists",
                        static_cast<int>(type));
        }
        SOFTNPU_CHECK(require_context());
        return register_host(ptr, size, devPtr);
    });
}

aclError aclrtHostUnregister(void *ptr) {
    return guarded("aclrtHostUnregister", [&] {
        SOFTNPU_CHECK(require_pointer(ptr, "ptr"));
        SOFTNPU_CHECK(require_context());
        return unregister_host(ptr);
    });
}

aclError aclrtGetMemInfo(aclrtMemAttr attr, size_t *free, size_t *total) {
    return guarded("aclrtGetMemInfo", [&] {
        SOFTNPU_CHECK(require_pointer(free, "free"));
        SOFTNPU_CHECK(require_pointer(total, "total"));
        SOFTNPU_CHECK(require_context());
        switch (attr) {
            case ACL_DDR_MEM:
            case ACL_DDR_MEM_HUGE:
            case ACL_DDR_MEM_NORMAL:
                if (config().soc.hbm) break;
                [[fallthrough]];
            case ACL_HBM_MEM:  // a part without HBM answers with its DDR
            case ACL_HBM_MEM_HUGE:
            case ACL_HBM_MEM_NORMAL:
                memory_info(current_device(), free, total);
                return 0;
            default:
                break;
        }
        *free = 0;
        *total = 0;
        return 0;
    });
}

aclError aclrtPointerGetAttributes(const void *ptr, aclrtPtrAttributes *attributes) {
    return guarded("aclrtPointerGetAttributes", [&] {
        SOFTNPU_CHECK(require_pointer(ptr, "ptr"));
        SOFTNPU_CHECK(require_pointer(attributes, "attributes"));
        const int device = device_of(ptr);
        *attributes = {};
        attributes->location.type =
            device >= 0 ? ACL_MEM_LOCATION_TYPE_DEVICE : ACL_MEM_LOCATION_TYPE_HOST;
        attributes->location.id = device >= 0 ? static_cast<uint32_t>(device) : 0;
        attributes->pageSize = 4096;
        return 0;
    });
}

}  // extern "C"
