// aclrtMemcpy, aclrtMemset and their kin.
#include "softnpu/memory/copy.hpp"

#include <cstring>
#include <string_view>

#include "softnpu/api/entry.hpp"
#include "softnpu/core/config.hpp"
#include "softnpu/core/device.hpp"
#include "softnpu/memory/memory.hpp"
#include "softnpu/stream/stream.hpp"

using namespace softnpu;

namespace {

constexpr size_t kWidest2d = 5'000'000;
constexpr size_t kHighest2d = 5'242'880;

int check_kind(aclrtMemcpyKind kind) {
    if (kind >= ACL_MEMCPY_HOST_TO_HOST && kind <= ACL_MEMCPY_INTER_DEVICE_TO_DEVICE) return 0;
    return fail(ACL_ERROR_INVALID_PARAM, "%d names no kind of copy", static_cast<int>(kind));
}

/// Devices reach each other's memory only after aclrtDeviceEnablePeerAccess.
int check_peers(const void *dst, const void *src) {
    const int to = device_of(dst);
    const int from = device_of(src);
    if (to < 0 || from < 0 || to == from) return 0;
    const uint32_t reach = runtime().device(to)->peer_access | runtime().device(from)->peer_access;
    if ((reach & (1u << to | 1u << from)) != 0) return 0;
    return fail(ACL_ERROR_RT_PARAM_INVALID,
                "device %d cannot reach memory of device %d; call aclrtDeviceEnablePeerAccess", to,
                from);
}

int check_flat(void *dst, size_t destMax, const void *src, size_t count, aclrtMemcpyKind kind) {
    SOFTNPU_CHECK(require_pointer(dst, "dst"));
    SOFTNPU_CHECK(require_pointer(src, "src"));
    SOFTNPU_CHECK(check_kind(kind));
    if (count > destMax) {
        return fail(ACL_ERROR_RT_PARAM_INVALID, "count %zu is more than destMax %zu", count,
                    destMax);
    }
    SOFTNPU_CHECK(require_context());
    SOFTNPU_CHECK(check_copy(dst, src, {count, 1, count, count}));
    return check_peers(dst, src);
}

int check_2d(void *dst, const void *src, const CopyShape &shape, aclrtMemcpyKind kind) {
    SOFTNPU_CHECK(require_pointer(dst, "dst"));
    SOFTNPU_CHECK(require_pointer(src, "src"));
    SOFTNPU_CHECK(check_kind(kind));
    if (kind == ACL_MEMCPY_HOST_TO_HOST) {
        return fail(ACL_ERROR_INVALID_PARAM, "2d copies do not go from host to host");
    }
    if (shape.width > shape.to_pitch || shape.width > shape.from_pitch) {
        return fail(ACL_ERROR_INVALID_PARAM, "width %zu is more than a pitch (%zu, %zu)",
                    shape.width, shape.to_pitch, shape.from_pitch);
    }
    if (shape.width == 0 || shape.height == 0 || shape.width > kWidest2d ||
        shape.height > kHighest2d) {
        return fail(ACL_ERROR_RT_PARAM_INVALID,
                    "width %zu and height %zu must be in 1..%zu and 1..%zu", shape.width,
                    shape.height, kWidest2d, kHighest2d);
    }
    SOFTNPU_CHECK(require_context());
    SOFTNPU_CHECK(check_copy(dst, src, shape));
    return check_peers(dst, src);
}

/// Memory that stays put while the copy waits in the queue.
bool is_pinned(const void *address, size_t size) {
    return is_device_range(address) || is_pinned_host(address, size);
}

/// Pinned memory is copied in stream order; pageable memory after the stream's work, before return.
int copy_in_stream(const char *name, void *dst, const void *src, const CopyShape &shape,
                   Stream &stream) {
    if (!is_device_range(dst) && !is_device_range(src) && config().mode == Mode::discrete) {
        return fail(ACL_ERROR_RT_FEATURE_NOT_SUPPORT,
                    "a PCIe card does not copy from host to host in a stream; use memcpy");
    }
    const size_t last = shape.height - 1;
    if (is_pinned(dst, last * shape.to_pitch + shape.width) &&
        is_pinned(src, last * shape.from_pitch + shape.width)) {
        return stream.submit(name, [dst, src, shape] {
            copy_bytes(dst, src, shape);
            return 0;
        });
    }
    SOFTNPU_CHECK(stream.synchronize());
    copy_bytes(dst, src, shape);
    return 0;
}

int memcpy_async(const char *name, void *dst, size_t destMax, const void *src, size_t count,
                 aclrtMemcpyKind kind, aclrtStream handle) {
    return guarded(name, [&] {
        SOFTNPU_CHECK(check_flat(dst, destMax, src, count, kind));
        StreamRef stream;
        SOFTNPU_CHECK(find_stream(handle, stream));
        return copy_in_stream(name, dst, src, {count, 1, count, count}, *stream);
    });
}

// ---- copies whose addresses lie in device memory, read when the copy runs ----

struct MemcpyDesc {
    void *to;
    const void *from;
    size_t count;
    uint64_t check;  // what is written last and looked at first

    static constexpr uint64_t kValid = 0x4d454d4350594453u;
};
constexpr size_t kMemcpyDescSize = 64;
static_assert(sizeof(MemcpyDesc) <= kMemcpyDescSize);

int check_desc_kind(aclrtMemcpyKind kind) {
    const std::string_view chip = config().soc.prefix;
    if (chip == "Ascend310" || chip == "Ascend310P" || chip == "Ascend710" || chip == "Ascend910")
        return fail(ACL_ERROR_RT_FEATURE_NOT_SUPPORT,
                    "%s has no copies by descriptor; use aclrtMemcpyAsync",
                    config().soc_name.c_str());
    if (kind == ACL_MEMCPY_INNER_DEVICE_TO_DEVICE) return 0;
    return fail(ACL_ERROR_INVALID_PARAM,
                "kind is %d; copies by descriptor are ACL_MEMCPY_INNER_DEVICE_TO_DEVICE (%d)",
                static_cast<int>(kind), static_cast<int>(ACL_MEMCPY_INNER_DEVICE_TO_DEVICE));
}

int check_inner(const char *what, const void *address, size_t count) {
    SOFTNPU_CHECK(check_device_memory(what, address, count));
    if (device_of(address) == current_device()) return 0;
    return fail(ACL_ERROR_RT_PARAM_INVALID, "%s is memory of device %d, current is %d", what,
                device_of(address), current_device());
}

int copy_by_desc(const void *desc) {
    SOFTNPU_CHECK(check_device_memory("desc", desc, kMemcpyDescSize));
    MemcpyDesc known;
    std::memcpy(&known, device_view(desc), sizeof known);
    if (known.check != MemcpyDesc::kValid)
        return fail(ACL_ERROR_RT_PARAM_INVALID, "%p was not filled in by aclrtSetMemcpyDesc", desc);
    const CopyShape shape{known.count, 1, known.count, known.count};
    SOFTNPU_CHECK(check_copy(known.to, known.from, shape));
    copy_bytes(known.to, known.from, shape);
    return 0;
}

int check_set(void *devPtr, size_t maxCount, size_t count) {
    SOFTNPU_CHECK(require_pointer(devPtr, "devPtr"));
    if (count > maxCount) {
        return fail(ACL_ERROR_RT_PARAM_INVALID, "count %zu is more than maxCount %zu", count,
                    maxCount);
    }
    SOFTNPU_CHECK(require_context());
    if (!is_pinned(devPtr, count)) {
        return fail(ACL_ERROR_RT_PARAM_INVALID,
                    "%p is neither device memory nor of aclrtMallocHost; use memset", devPtr);
    }
    return check_memory("devPtr", devPtr, count);
}

}  // namespace

extern "C" {

aclError aclrtMemcpy(void *dst, size_t destMax, const void *src, size_t count,
                     aclrtMemcpyKind kind) {
    return guarded("aclrtMemcpy", [&] {
        SOFTNPU_CHECK(check_flat(dst, destMax, src, count, kind));
        if (dst != src && count > 0) copy_bytes(dst, src, {count, 1, count, count});
        return 0;
    });
}

aclError aclrtMemcpyAsync(void *dst, size_t destMax, const void *src, size_t count,
                          aclrtMemcpyKind kind, aclrtStream stream) {
    return memcpy_async("aclrtMemcpyAsync", dst, destMax, src, count, kind, stream);
}

aclError aclrtMemcpyAsyncWithCondition(void *dst, size_t destMax, const void *src, size_t count,
                                       aclrtMemcpyKind kind, aclrtStream stream) {
    return memcpy_async("aclrtMemcpyAsyncWithCondition", dst, destMax, src, count, kind, stream);
}

aclError aclrtGetMemcpyDescSize(aclrtMemcpyKind kind, size_t *descSize) {
    return guarded("aclrtGetMemcpyDescSize", [&] {
        SOFTNPU_CHECK(require_pointer(descSize, "descSize"));
        SOFTNPU_CHECK(check_desc_kind(kind));
        *descSize = kMemcpyDescSize;
        return 0;
    });
}

aclError aclrtSetMemcpyDesc(void *desc, aclrtMemcpyKind kind, void *srcAddr, void *dstAddr,
                            size_t count, void *config) {
    return guarded("aclrtSetMemcpyDesc", [&] {
        SOFTNPU_CHECK(require_pointer(desc, "desc"));
        SOFTNPU_CHECK(require_pointer(srcAddr, "srcAddr"));
        SOFTNPU_CHECK(require_pointer(dstAddr, "dstAddr"));
        SOFTNPU_CHECK(check_desc_kind(kind));
        if (config != nullptr)
            return fail(ACL_ERROR_INVALID_PARAM, "config is reserved and must be NULL");
        SOFTNPU_CHECK(require_context());
        SOFTNPU_CHECK(check_device_memory("desc", desc, kMemcpyDescSize));
        SOFTNPU_CHECK(check_inner("srcAddr", srcAddr, count));
        SOFTNPU_CHECK(check_inner("dstAddr", dstAddr, count));
        const MemcpyDesc made{dstAddr, srcAddr, count, MemcpyDesc::kValid};
        std::memcpy(device_view(desc), &made, sizeof made);
        return 0;
    });
}

aclError aclrtMemcpyAsyncWithDesc(void *desc, aclrtMemcpyKind kind, aclrtStream stream) {
    return guarded("aclrtMemcpyAsyncWithDesc", [&] {
        SOFTNPU_CHECK(require_pointer(desc, "desc"));
        SOFTNPU_CHECK(check_desc_kind(kind));
        StreamRef found;
        SOFTNPU_CHECK(find_stream(stream, found));
        SOFTNPU_CHECK(check_device_memory("desc", desc, kMemcpyDescSize));
        return found->submit("aclrtMemcpyAsyncWithDesc", [desc] { return copy_by_desc(desc); });
    });
}

aclError aclrtMemcpy2d(void *dst, size_t dpitch, const void *src, size_t spitch, size_t width,
                       size_t height, aclrtMemcpyKind kind) {
    return guarded("aclrtMemcpy2d", [&] {
        const CopyShape shape{width, height, dpitch, spitch};
        SOFTNPU_CHECK(check_2d(dst, src, shape, kind));
        copy_bytes(dst, src, shape);
        return 0;
    });
}

aclError aclrtMemcpy2dAsync(void *dst, size_t dpitch, const void *src, size_t spitch, size_t width,
                            size_t height, aclrtMemcpyKind kind, aclrtStream stream) {
    return guarded("aclrtMemcpy2dAsync", [&] {
        const CopyShape shape{width, height, dpitch, spitch};
        SOFTNPU_CHECK(check_2d(dst, src, shape, kind));
        StreamRef found;
        SOFTNPU_CHECK(find_stream(stream, found));
        return copy_in_stream("aclrtMemcpy2dAsync", dst, src, shape, *found);
    });
}

aclError aclrtMemset(void *devPtr, size_t maxCount, int32_t value, size_t count) {
    return guarded("aclrtMemset", [&] {
        SOFTNPU_CHECK(check_set(devPtr, maxCount, count));
        set_bytes(devPtr, value, count);
        return 0;
    });
}

aclError aclrtMemsetAsync(void *devPtr, size_t maxCount, int32_t value, size_t count,
                          aclrtStream stream) {
    return guarded("aclrtMemsetAsync", [&] {
        SOFTNPU_CHECK(check_set(devPtr, maxCount, count));
        StreamRef found;
        SOFTNPU_CHECK(find_stream(stream, found));
        return found->submit("aclrtMemsetAsync", [devPtr, value, count] {
            set_bytes(devPtr, value, count);
            return 0;
        });
    });
}

aclError aclrtCmoAsync(void *src, size_t size, aclrtCmoType cmoType, aclrtStream stream) {
    return guarded("aclrtCmoAsync", [&] {
        SOFTNPU_CHECK(require_pointer(src, "src"));
        if (cmoType < ACL_RT_CMO_TYPE_PREFETCH || cmoType > ACL_RT_CMO_TYPE_FLUSH) {
            return fail(ACL_ERROR_INVALID_PARAM, "%d names no cache operation",
                        static_cast<int>(cmoType));
        }
        StreamRef found;
        SOFTNPU_CHECK(find_stream(stream, found));
        // The memory is coherent: a prefetch or a flush has nothing left to do.
        return check_device_memory("src", src, size);
    });
}

}  // extern "C"
