// Addresses and memory apart: aclrtReserveMemAddress, aclrtMallocPhysical, aclrtMapMem.
#include "softnpu/memory/virtual.hpp"

#include <cstring>

#include "softnpu/api/entry.hpp"
#include "softnpu/core/config.hpp"
#include "softnpu/core/device.hpp"

using namespace softnpu;

namespace {

/// The first chip of all has no memory management of this kind.
int check_chip() {
    if (std::strcmp(config().soc.prefix, "Ascend310") != 0) return 0;
    return fail(ACL_ERROR_RT_FEATURE_NOT_SUPPORT, "%s does not map memory; use aclrtMalloc",
                config().soc_name.c_str());
}

int require_zero(uint64_t value, const char *name) {
    if (value == 0) return 0;
    return fail(ACL_ERROR_RT_PARAM_INVALID, "%s is reserved and must be 0", name);
}

int check_properties(const aclrtPhysicalMemProp *prop) {
    SOFTNPU_CHECK(require_readable(prop, "prop"));
    if (prop->handleType != ACL_MEM_HANDLE_TYPE_NONE ||
        prop->allocationType != ACL_MEM_ALLOCATION_TYPE_PINNED)
        return fail(ACL_ERROR_RT_PARAM_INVALID,
                    "handleType and allocationType are %d and %d; only 0 and 0 exist",
                    static_cast<int>(prop->handleType), static_cast<int>(prop->allocationType));
    if (prop->memAttr != ACL_HBM_MEM_HUGE && prop->memAttr != ACL_HBM_MEM_NORMAL)
        return fail(ACL_ERROR_RT_PARAM_INVALID,
                    "memAttr is %d, want ACL_HBM_MEM_HUGE (4) or ACL_HBM_MEM_NORMAL (5)",
                    static_cast<int>(prop->memAttr));
    if (prop->location.type != ACL_MEM_LOCATION_TYPE_DEVICE)
        return fail(ACL_ERROR_RT_PARAM_INVALID,
                    "location.type is %d, want ACL_MEM_LOCATION_TYPE_DEVICE (1)",
                    static_cast<int>(prop->location.type));
    if (runtime().device(static_cast<int>(prop->location.id)) == nullptr)
        return ACL_ERROR_RT_INVALID_DEVICEID;
    return 0;
}

int check_size(size_t size) {
    if (size == 0) return fail(ACL_ERROR_INVALID_PARAM, "size is 0");
    if (size % kVirtualGranule == 0) return 0;
    return fail(ACL_ERROR_RT_PARAM_INVALID,
                "size %zu is not a multiple of 2 MiB, the granularity of "
                "aclrtMemGetAllocationGranularity",
                size);
}

}  // namespace

extern "C" {

aclError aclrtMemGetAllocationGranularity(aclrtPhysicalMemProp *prop,
                                          aclrtMemGranularityOptions option, size_t *granularity) {
    return guarded("aclrtMemGetAllocationGranularity", [&] {
        SOFTNPU_CHECK(require_pointer(prop, "prop"));
        SOFTNPU_CHECK(require_pointer(granularity, "granularity"));
        SOFTNPU_CHECK(check_chip());
        if (option != ACL_RT_MEM_ALLOC_GRANULARITY_MINIMUM &&
            option != ACL_RT_MEM_ALLOC_GRANULARITY_RECOMMENDED)
            return fail(ACL_ERROR_RT_PARAM_INVALID, "option is %d, want 0 or 1",
                        static_cast<int>(option));
        SOFTNPU_CHECK(require_context());
        SOFTNPU_CHECK(check_properties(prop));
        *granularity = kVirtualGranule;
        return 0;
    });
}

aclError aclrtReserveMemAddress(void **virPtr, size_t size, size_t alignment, void *expectPtr,
                                uint64_t flags) {
    return guarded("aclrtReserveMemAddress", [&] {
        SOFTNPU_CHECK(require_pointer(virPtr, "virPtr"));
        if (size == 0) return fail(ACL_ERROR_INVALID_PARAM, "size is 0");
        SOFTNPU_CHECK(check_chip());
        SOFTNPU_CHECK(require_zero(alignment, "alignment"));
        SOFTNPU_CHECK(require_zero(reinterpret_cast<uintptr_t>(expectPtr), "expectPtr"));
        if (flags > 1)
            return fail(ACL_ERROR_RT_PARAM_INVALID, "flags is %llu, want 0 (pages) or 1 (huge)",
                        static_cast<unsigned long long>(flags));
        SOFTNPU_CHECK(require_context());
        return reserve_addresses(current_device(), size, virPtr);
    });
}

aclError aclrtReleaseMemAddress(void *virPtr) {
    return guarded("aclrtReleaseMemAddress", [&] {
        SOFTNPU_CHECK(require_pointer(virPtr, "virPtr"));
        SOFTNPU_CHECK(require_context());
        return release_addresses(virPtr);
    });
}

aclError aclrtMallocPhysical(aclrtDrvMemHandle *handle, size_t size,
                             const aclrtPhysicalMemProp *prop, uint64_t flags) {
    return guarded("aclrtMallocPhysical", [&] {
        SOFTNPU_CHECK(require_pointer(handle, "handle"));
        SOFTNPU_CHECK(check_chip());
        SOFTNPU_CHECK(require_pointer(prop, "prop"));
        SOFTNPU_CHECK(check_size(size));
        SOFTNPU_CHECK(require_zero(flags, "flags"));
        SOFTNPU_CHECK(require_context());
        SOFTNPU_CHECK(check_properties(prop));
        return allocate_physical(static_cast<int>(prop->location.id), size, handle);
    });
}

aclError aclrtFreePhysical(aclrtDrvMemHandle handle) {
    return guarded("aclrtFreePhysical", [&] {
        SOFTNPU_CHECK(require_pointer(handle, "handle"));
        SOFTNPU_CHECK(require_context());
        return free_physical(handle);
    });
}

aclError aclrtMapMem(void *virPtr, size_t size, size_t offset, aclrtDrvMemHandle handle,
                     uint64_t flags) {
    return guarded("aclrtMapMem", [&] {
        SOFTNPU_CHECK(require_pointer(virPtr, "virPtr"));
        SOFTNPU_CHECK(require_pointer(handle, "handle"));
        SOFTNPU_CHECK(check_size(size));
        SOFTNPU_CHECK(require_zero(offset, "offset"));
        SOFTNPU_CHECK(require_zero(flags, "flags"));
        SOFTNPU_CHECK(require_context());
        return map_physical(virPtr, size, handle);
    });
}

aclError aclrtUnmapMem(void *virPtr) {
    return guarded("aclrtUnmapMem", [&] {
        SOFTNPU_CHECK(require_pointer(virPtr, "virPtr"));
        SOFTNPU_CHECK(require_context());
        return unmap_physical(virPtr);
    });
}

// Memory of a software device has no errors that its parity would find.

aclError aclrtGetMemUceInfo(int32_t deviceId, aclrtMemUceInfo *memUceInfoArray, size_t arraySize,
                            size_t *retSize) {
    return guarded("aclrtGetMemUceInfo", [&] {
        SOFTNPU_CHECK(require_pointer(memUceInfoArray, "memUceInfoArray"));
        SOFTNPU_CHECK(require_pointer(retSize, "retSize"));
        if (arraySize == 0) return fail(ACL_ERROR_INVALID_PARAM, "arraySize is 0");
        if (runtime().device(deviceId) == nullptr) return ACL_ERROR_RT_INVALID_DEVICEID;
        *retSize = 0;
        return 0;
    });
}

aclError aclrtMemUceRepair(int32_t deviceId, aclrtMemUceInfo *memUceInfoArray, size_t arraySize) {
    return guarded("aclrtMemUceRepair", [&] {
        SOFTNPU_CHECK(require_pointer(memUceInfoArray, "memUceInfoArray"));
        if (arraySize == 0) return fail(ACL_ERROR_INVALID_PARAM, "arraySize is 0");
        if (runtime().device(deviceId) == nullptr) return ACL_ERROR_RT_INVALID_DEVICEID;
        SOFTNPU_CHECK(require_readable(memUceInfoArray, "memUceInfoArray"));
        return fail(ACL_ERROR_RT_PARAM_INVALID,
                    "there is no memory error at %p: aclrtGetMemUceInfo found none",
                    memUceInfoArray->addr);
    });
}

}  // extern "C"
