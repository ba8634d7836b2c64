#include "softnpu/memory/host.hpp"

#include <atomic>
#include <cstdint>
#include <iterator>
#include <map>
#include <mutex>

#include "acl/acl_base.h"
#include "softnpu/core/counters.hpp"
#include "softnpu/core/status.hpp"
#include "softnpu/memory/arena.hpp"
#include "softnpu/memory/memory.hpp"

namespace softnpu {
namespace {

struct Registry {
    std::mutex mutex;  // leaf lock
    std::map<uintptr_t, size_t> ranges;
};

Registry &registry() {
    static auto *instance = new Registry;  // outlives static destruction
    return *instance;
}

/// The registered range that overlaps [address, address + size), or end().
std::map<uintptr_t, size_t>::iterator overlapping(Registry &all, uintptr_t address, size_t size) {
    auto next = all.ranges.lower_bound(address + size);
    if (next == all.ranges.begin()) return all.ranges.end();
    const auto before = std::prev(next);
    return before->first + before->second > address ? before : all.ranges.end();
}

}  // namespace

bool is_registered_host(const void *address, size_t size) noexcept {
    Registry &all = registry();
    const auto start = reinterpret_cast<uintptr_t>(address);
    std::lock_guard<std::mutex> lock(all.mutex);
    const auto found = overlapping(all, start, 1);
    return found != all.ranges.end() && size <= found->second - (start - found->first);
}

int register_host(void *address, size_t size, void **device_address) {
    const auto start = reinterpret_cast<uintptr_t>(address);
    if (arena_of(address) != nullptr || is_device_range(address)) {
        return fail(ACL_ERROR_RT_PARAM_INVALID,
                    "%s is memory of softnpu already; register memory of malloc or mmap",
                    describe_address(address).c_str());
    }
    if (start + size < start) {
        return fail(ACL_ERROR_RT_PARAM_INVALID, "%p + %zu bytes wraps around", address, size);
    }
    Registry &all = registry();
    std::lock_guard<std::mutex> lock(all.mutex);
    if (overlapping(all, start, size) != all.ranges.end()) {
        return fail(ACL_ERROR_RT_PARAM_INVALID, "%p + %zu bytes overlaps memory registered before",
                    address, size);
    }
    all.ranges.emplace(start, size);
    count(counters().live_registered_hosts);
    *device_address = address;
    return 0;
}

int unregister_host(void *address) {
    Registry &all = registry();
    std::lock_guard<std::mutex> lock(all.mutex);
    if (all.ranges.erase(reinterpret_cast<uintptr_t>(address)) == 0) {
        return fail(ACL_ERROR_RT_PARAM_INVALID,
                    "%p is not the start of memory registered with aclrtHostRegister", address);
    }
    uncount(counters().live_registered_hosts);
    return 0;
}

}  // namespace softnpu
