// aclrtMemcpy, aclrtMemset and their kin.
#include "softnpu/memory/copy.hpp"

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
