#include "softnpu/memory/memory.hpp"

#include <cinttypes>
#include <cstdio>
#include <limits>

#include "acl/acl_base.h"
#include "softnpu/core/config.hpp"
#include "softnpu/core/counters.hpp"
#include "softnpu/core/log.hpp"
#include "softnpu/core/status.hpp"
#include "softnpu/memory/arena.hpp"
#include "softnpu/memory/host.hpp"
#include "softnpu/memory/range.hpp"

namespace softnpu {
namespace {

struct KindFacts {
    const char *free_function;
    Counters::Value Counters::*allocations;
    Counters::Value Counters::*live;
    Counters::Value Counters::*live_bytes;
};

constexpr KindFacts kKinds[] = {
    {"aclrtFree", &Counters::device_allocations, &Counters::live_device_allocations,
     &Counters::live_device_bytes},
    {"aclrtFree", &Counters::cached_allocations, &Counters::live_cached_allocations,
     &Counters::live_cached_bytes},
    {"aclrtFreeHost", &Counters::host_allocations, &Counters::live_host_allocations,
     &Counters::live_host_bytes},
    {"acldvppFree", &Counters::dvpp_allocations, &Counters::live_dvpp_allocations,
     &Counters::live_dvpp_bytes},
    {"hi_mpi_dvpp_free", &Counters::himpi_allocations, &Counters::live_himpi_allocations,
     &Counters::live_himpi_bytes},
};

const KindFacts &facts(MemoryKind kind) {
    return kKinds[static_cast<size_t>(kind)];
}

void count_release(const Allocation &entry) {
    const KindFacts &kind = facts(entry.kind);
    uncount(counters().*kind.live);
    uncount(counters().*kind.live_bytes, entry.requested);
}

uintptr_t value_of(const void *address) {
    return reinterpret_cast<uintptr_t>(address);
}

/// Why `address` may not be freed by the family of `kind`.
int refuse_release(MemoryKind kind, const void *address) {
    Allocation entry;
    const std::string shown = describe_address(address);
    if (find_allocation(address, entry)) {
        if (entry.address != value_of(address)) {
            return fail(ACL_ERROR_RT_PARAM_INVALID,
                        "%s points into the middle of a buffer; pass the address that %s gave",
                        shown.c_str(), entry.function);
        }
        if (entry.mapped)
            return fail(ACL_ERROR_RT_PARAM_INVALID, "%s is mapped memory; call aclrtUnmapMem",
                        shown.c_str());
        return fail(ACL_ERROR_RT_PARAM_INVALID, "%s is freed by %s, not by this function",
                    shown.c_str(), facts(entry.kind).free_function);
    }
    Arena *arena = arena_of(address);
    if (arena != nullptr && arena->find_freed(value_of(address), entry)) {
        return fail(ACL_ERROR_RT_PARAM_INVALID, "%s has been freed already", shown.c_str());
    }
    return fail(ACL_ERROR_RT_PARAM_INVALID,
                "%s was not allocated by the functions that pair with %s", shown.c_str(),
                facts(kind).free_function);
}

int check_in_arena(const Arena &arena, const char *what, const void *address, size_t size,
                   int code) {
    Allocation entry;
    if (!arena.find(value_of(address), entry)) {
        return fail(code, "%s: %s is not inside a live allocation", what,
                    describe_address(address).c_str());
    }
    const size_t room = entry.size - (value_of(address) - entry.address);
    if (size > room) {
        return fail(code, "%s: %zu bytes from %s, but its allocation ends %zu bytes after it", what,
                    size, describe_address(address).c_str(), room);
    }
    return 0;
}

}  // namespace

size_t padded_size(size_t size) noexcept {
    constexpr size_t kPadding = 32;
    if (size > std::numeric_limits<size_t>::max() - 2 * kPadding) return 0;
    return (size + kPadding - 1) / kPadding * kPadding + kPadding;
}

int allocate(MemoryKind kind, int device, size_t requested, size_t size, void **address) {
    Arena &arena = kind == MemoryKind::host ? host_arena() : device_arena(device);
    Allocation entry;
    entry.size = size;
    entry.requested = requested;
    entry.kind = kind;
    entry.device = kind == MemoryKind::host ? -1 : device;
    entry.function = thread_state().function != nullptr ? thread_state().function : "softnpu";
    if (!arena.allocate(entry)) {
        return fail(ACL_ERROR_RT_MEMORY_ALLOCATION,
                    "no room for %zu bytes on %s: %zu of %zu are in use (SOFTNPU_MEMORY sets the "
                    "size of device memory)",
                    size, kind == MemoryKind::host ? "the host" : "the device", arena.used(),
                    arena.capacity());
    }
    count(counters().*facts(kind).allocations);
    count(counters().*facts(kind).live);
    count(counters().*facts(kind).live_bytes, requested);
    *address = reinterpret_cast<void *>(entry.address);
    return 0;
}

int release(MemoryKind kind, void *address) {
    Allocation entry;
    if (!find_allocation(address, entry) || entry.address != value_of(address) ||
        facts(entry.kind).free_function != facts(kind).free_function) {
        return refuse_release(kind, address);
    }
    Arena *arena = arena_of(address);
    if (!arena->remove(value_of(address), entry)) return refuse_release(kind, address);
    count_release(entry);
    return 0;
}

void memory_info(int device, size_t *free, size_t *total) noexcept {
    Arena &arena = device_arena(device);
    *total = arena.capacity();
    *free = arena.capacity() - arena.used();
}

size_t release_all(int device) noexcept {
    if (device_ranges_if_any() == nullptr) return 0;
    const auto removed = device_arena(device).remove_all();
    for (const Allocation &entry : removed) count_release(entry);
    return removed.size();
}

bool is_device_range(const void *address) noexcept {
    const DeviceRanges *ranges = device_ranges_if_any();
    return ranges != nullptr && ranges->contains(address);
}

int device_of(const void *address) noexcept {
    const DeviceRanges *ranges = device_ranges_if_any();
    return ranges != nullptr ? ranges->device_of(address) : -1;
}

bool find_allocation(const void *address, Allocation &found) noexcept {
    const Arena *arena = arena_of(address);
    return arena != nullptr && arena->find(value_of(address), found);
}

bool is_pinned_host(const void *address, size_t size) noexcept {
    Allocation entry;
    if (const Arena *arena = host_arena_if_holds(address)) {
        return arena->find(value_of(address), entry) &&
               size <= entry.size - (value_of(address) - entry.address);
    }
    return is_registered_host(address, size);
}

void *device_view(const void *address) noexcept {
    const DeviceRanges *ranges = device_ranges_if_any();
    const ptrdiff_t delta =
        ranges != nullptr && ranges->contains(address) ? ranges->delta : ptrdiff_t{0};
    return reinterpret_cast<void *>(value_of(address) + static_cast<uintptr_t>(delta));
}

int check_device_memory(const char *what, const void *address, size_t size, int code) {
    const Arena *arena = is_device_range(address) ? arena_of(address) : nullptr;
    if (arena == nullptr) {
        return fail(code, "%s: %s is not device memory; allocate it with aclrtMalloc", what,
                    describe_address(address).c_str());
    }
    return check_in_arena(*arena, what, address, size, code);
}

int check_memory(const char *what, const void *address, size_t size, int code) {
    if (is_device_range(address)) return check_device_memory(what, address, size, code);
    const Arena *arena = host_arena_if_holds(address);
    if (arena != nullptr) return check_in_arena(*arena, what, address, size, code);
    if (is_host_memory(address, size)) return 0;
    return fail(code, "%s: this process has no memory of %zu bytes at %p", what, size, address);
}

std::string describe_address(const void *address) {
    char text[256];
    Allocation entry;
    const Arena *arena = arena_of(address);
    const char *state = "";
    bool known = arena != nullptr && arena->find(value_of(address), entry);
    if (!known && arena != nullptr && arena->find_freed(value_of(address), entry)) {
        known = true;
        state = ", freed since";
    }
    if (!known) {
        std::snprintf(text, sizeof text, "%p%s", address,
                      is_device_range(address) ? " (device memory never allocated)" : "");
        return text;
    }
    const uintptr_t offset = value_of(address) - entry.address;
    const std::string place =
        entry.device >= 0 ? " on device " + std::to_string(entry.device) : std::string();
    std::snprintf(text, sizeof text, "%p (byte %" PRIuPTR " of %zu bytes by %s%s%s)", address,
                  offset, entry.requested, entry.function, place.c_str(), state);
    return text;
}

}  // namespace softnpu
