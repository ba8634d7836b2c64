// What most tests start from: an initialised process with device 0 set.
#pragma once

#include <vector>

#include "tests/cpp/check.hpp"

/// aclInit + aclrtSetDevice for the life of the object.
struct Session {
    Session() {
        OK(aclInit(nullptr));
        OK(aclrtSetDevice(0));
    }
    ~Session() { aclFinalize(); }
};

/// One stream of the current context.
struct StreamOf {
    aclrtStream stream = nullptr;
    StreamOf() { OK(aclrtCreateStream(&stream)); }
    ~StreamOf() { aclrtDestroyStream(stream); }
    operator aclrtStream() const { return stream; }
};

inline void *device_malloc(size_t size) {
    void *address = nullptr;
    OK(aclrtMalloc(&address, size, ACL_MEM_MALLOC_HUGE_FIRST));
    return address;
}

inline void *host_malloc(size_t size) {
    void *address = nullptr;
    OK(aclrtMallocHost(&address, size));
    return address;
}

inline bool is_discrete() {
    return softnpuMode() == 1;
}
