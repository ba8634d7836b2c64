#include "softnpu/memory/host.hpp"

#include <sys/uio.h>
#include <unistd.h>

#include <array>
#include <atomic>
#include <cerrno>
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

/// True when this process can read a byte there; the kernel looks, so nothing faults.
bool is_readable(uintptr_t address) noexcept {
    char byte;
    iovec to{&byte, 1};
    iovec from{reinterpret_cast<void *>(address), 1};
    const int before = errno;
    const bool faults = process_vm_readv(getpid(), &to, 1, &from, 1, 0) < 0 && errno == EFAULT;
    errno = before;  // a kernel that forbids the question leaves the address unchecked
    return !faults;
}

/// Pages found readable lately are not asked about again, so that copies from the same buffers cost
/// no system call. One that is unmapped meanwhile passes, and the copy faults as it always did.
bool is_readable_page_of(uintptr_t address) noexcept {
    static std::array<std::atomic<uintptr_t>, 64> lately{};
    const uintptr_t page = address / 4096;
    std::atomic<uintptr_t> &slot = lately[page % lately.size()];
    if (slot.load(std::memory_order_relaxed) == page) return page != 0;
    if (!is_readable(address)) return false;
    slot.store(page, std::memory_order_relaxed);
    return true;
}

}  // namespace

bool is_host_memory(const void *address, size_t size) noexcept {
    const auto first = reinterpret_cast<uintptr_t>(address);
    const uintptr_t last = first + (size > 0 ? size - 1 : 0);
    return last >= first && is_readable_page_of(first) && is_readable_page_of(last);
}

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
