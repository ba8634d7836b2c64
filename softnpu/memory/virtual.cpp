#include "softnpu/memory/virtual.hpp"

#include <sys/mman.h>
#include <unistd.h>

#include <map>
#include <mutex>

#include "acl/acl_base.h"
#include "softnpu/core/counters.hpp"
#include "softnpu/core/handle.hpp"
#include "softnpu/core/status.hpp"
#include "softnpu/memory/arena.hpp"
#include "softnpu/memory/memory.hpp"

namespace softnpu {
namespace {

// Pages that can be mapped anywhere, counted as memory of a device while they exist.
struct Physical {
    Physical(int owner, size_t bytes, int pages) : device(owner), size(bytes), file(pages) {
        count(counters().live_physical_memory);
    }
    Physical(const Physical &) = delete;
    Physical &operator=(const Physical &) = delete;
    ~Physical() {
        close(file);
        device_arena(device).give(size);
        uncount(counters().live_physical_memory);
    }

    const int device;
    const size_t size;
    const int file;
};

using PhysicalTable = HandleTable<Physical, HandleType::physical_memory>;
using PhysicalRef = PhysicalTable::Ref;

PhysicalTable &physical_table() noexcept {
    return only_table<PhysicalTable>();
}

struct Reservation {
    size_t size = 0;
    int device = 0;
    std::map<uintptr_t, PhysicalRef> mapped;
};

struct Reservations {
    std::mutex mutex;  // taken before an arena's
    std::map<uintptr_t, Reservation> all;

    /// The reservation that holds `address`, or end().
    std::map<uintptr_t, Reservation>::iterator find(uintptr_t address) {
        auto next = all.upper_bound(address);
        if (next == all.begin()) return all.end();
        --next;
        return address - next->first < next->second.size ? next : all.end();
    }
};

Reservations &reservations() {
    static auto *const instance = new Reservations;
    return *instance;
}

uintptr_t value_of(const void *address) {
    return reinterpret_cast<uintptr_t>(address);
}

// Puts pages, or with -1 fresh ones of nobody, where the engines see `address`.
bool show(uintptr_t address, size_t size, int file) {
    const int sharing = file >= 0 ? MAP_SHARED : MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE;
    void *view = device_view(reinterpret_cast<void *>(address));
    if (mmap(view, size, PROT_READ | PROT_WRITE, sharing | MAP_FIXED, file, 0) == MAP_FAILED)
        return false;
    madvise(view, size, MADV_DONTDUMP);
    return true;
}

int misplaced(const void *address) {
    return fail(ACL_ERROR_RT_PARAM_INVALID,
                "%p does not lie in addresses of aclrtReserveMemAddress that are still reserved",
                address);
}

// With the lock. The bytes stay with the memory.
void unmap_locked(Reservation &reservation, std::map<uintptr_t, PhysicalRef>::iterator piece) {
    Allocation entry;
    device_arena(reservation.device).unmap(piece->first, entry);
    show(piece->first, piece->second->size, -1);
    reservation.mapped.erase(piece);
}

void release_locked(std::map<uintptr_t, Reservation>::iterator found) {
    device_arena(found->second.device).unreserve(found->first, found->second.size);
    reservations().all.erase(found);
    uncount(counters().live_reserved_addresses);
}

int check_place(uintptr_t address, size_t size, Physical &memory,
                std::map<uintptr_t, Reservation>::iterator found) {
    const auto *shown = reinterpret_cast<void *>(address);
    const Reservation &reservation = found->second;
    if (size > reservation.size - (address - found->first))
        return fail(ACL_ERROR_RT_PARAM_INVALID,
                    "%zu bytes from %p leave the reserved addresses, which end %zu bytes after it",
                    size, shown, reservation.size - (address - found->first));
    if (memory.device != reservation.device)
        return fail(ACL_ERROR_RT_PARAM_INVALID,
                    "%p was reserved on device %d, the memory is device %d's", shown,
                    reservation.device, memory.device);
    const auto next = reservation.mapped.lower_bound(address);
    const bool hits_next = next != reservation.mapped.end() && next->first < address + size;
    bool hits_before = false;
    if (next != reservation.mapped.begin()) {
        const auto before = std::prev(next);
        hits_before = before->first + before->second->size > address;
    }
    if (hits_next || hits_before)
        return fail(ACL_ERROR_RT_PARAM_INVALID,
                    "memory is mapped already within %zu bytes from %p; call aclrtUnmapMem first",
                    size, shown);
    return 0;
}

}  // namespace

int reserve_addresses(int device, size_t size, void **address) {
    if (size > SIZE_MAX - kVirtualGranule)
        return fail(ACL_ERROR_RT_PARAM_INVALID, "size %zu overflows when it is rounded up", size);
    size = (size + kVirtualGranule - 1) / kVirtualGranule * kVirtualGranule;
    uintptr_t first = 0;
    if (!device_arena(device).reserve(size, kVirtualGranule, first))
        return fail(ACL_ERROR_RT_MEMORY_ALLOCATION,
                    "no %zu addresses in a row are free on device %d; it has four times its memory",
                    size, device);
    Reservations &known = reservations();
    const std::lock_guard lock(known.mutex);
    Reservation &made = known.all[first];
    made.size = size;
    made.device = device;
    count(counters().live_reserved_addresses);
    *address = reinterpret_cast<void *>(first);
    return 0;
}

int release_addresses(void *address) {
    Reservations &known = reservations();
    const std::lock_guard lock(known.mutex);
    const auto found = known.all.find(value_of(address));
    if (found == known.all.end()) return misplaced(address);
    if (!found->second.mapped.empty())
        return fail(ACL_ERROR_RT_PARAM_INVALID,
                    "%zu pieces of memory are mapped there; call aclrtUnmapMem for each first",
                    found->second.mapped.size());
    release_locked(found);
    return 0;
}

int allocate_physical(int device, size_t size, void **handle) {
    Arena &arena = device_arena(device);
    if (!arena.take(size))
        return fail(ACL_ERROR_RT_MEMORY_ALLOCATION,
                    "no room for %zu bytes on device %d: %zu of %zu are in use", size, device,
                    arena.used(), arena.capacity());
    const int file = memfd_create("softnpu", MFD_CLOEXEC);
    if (file < 0 || ftruncate(file, static_cast<off_t>(size)) != 0) {
        if (file >= 0) close(file);
        arena.give(size);
        return fail(ACL_ERROR_RT_MEMORY_ALLOCATION, "the system gives no memory file of %zu bytes",
                    size);
    }
    *handle = physical_table().create(device, size, file).handle();
    return 0;
}

int free_physical(void *handle) {
    if (!physical_table().remove(handle))
        return fail(ACL_ERROR_RT_PARAM_INVALID,
                    "%p is no memory of aclrtMallocPhysical, or has been freed already", handle);
    return 0;
}

int map_physical(void *address, size_t size, void *handle) {
    const PhysicalRef memory = physical_table().find(handle);
    if (!memory)
        return fail(ACL_ERROR_RT_PARAM_INVALID, "%p is no live memory of aclrtMallocPhysical",
                    handle);
    if (size != memory->size)
        return fail(ACL_ERROR_RT_PARAM_INVALID,
                    "size is %zu, the memory has %zu bytes: all of it is mapped", size,
                    memory->size);
    const uintptr_t first = value_of(address);
    if (first % kVirtualGranule != 0)
        return fail(ACL_ERROR_RT_PARAM_INVALID, "%p is not a multiple of 2 MiB", address);
    Reservations &known = reservations();
    const std::lock_guard lock(known.mutex);
    const auto found = known.find(first);
    if (found == known.all.end()) return misplaced(address);
    if (const int code = check_place(first, size, *memory, found)) return code;
    if (!show(first, size, memory->file))
        return fail(ACL_ERROR_RT_MEMORY_ALLOCATION, "the system refuses the mapping");
    Allocation entry;
    entry.address = first;
    entry.size = entry.requested = size;
    entry.device = memory->device;
    entry.function = "aclrtMapMem";
    entry.mapped = true;
    device_arena(memory->device).map(entry);
    found->second.mapped.emplace(first, memory);
    return 0;
}

int unmap_physical(void *address) {
    Reservations &known = reservations();
    const std::lock_guard lock(known.mutex);
    const auto found = known.find(value_of(address));
    if (found == known.all.end()) return misplaced(address);
    const auto piece = found->second.mapped.find(value_of(address));
    if (piece == found->second.mapped.end())
        return fail(ACL_ERROR_RT_PARAM_INVALID, "no memory was mapped at %p by aclrtMapMem",
                    address);
    unmap_locked(found->second, piece);
    return 0;
}

size_t release_virtual(int device) noexcept {
    size_t released = 0;
    {
        Reservations &known = reservations();
        const std::lock_guard lock(known.mutex);
        for (auto next = known.all.begin(); next != known.all.end();) {
            const auto found = next++;
            if (found->second.device != device) continue;
            while (!found->second.mapped.empty())
                unmap_locked(found->second, found->second.mapped.begin());
            release_locked(found);
            ++released;
        }
    }
    std::vector<const void *> handles;
    physical_table().for_each([&](const PhysicalRef &memory) {
        if (memory->device == device) handles.push_back(memory.handle());
    });
    for (const void *handle : handles)
        if (physical_table().remove(handle)) ++released;
    return released;
}

}  // namespace softnpu
