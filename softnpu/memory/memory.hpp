// Device and pinned host memory.
//
// Each device has one reserved range of addresses. In unified mode the program and the engines see
// the same bytes at the same address. In discrete mode the addresses given to the program have no
// access rights; the engines reach the bytes at device_view(address), a constant distance away.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>

#include "softnpu/core/export.hpp"

namespace softnpu {

enum class MemoryKind : uint8_t { device, cached, host, dvpp, himpi };

/// A live allocation as the program knows it.
struct Allocation {
    uintptr_t address = 0;
    size_t size = 0;       // bytes that may be used, padding included
    size_t requested = 0;  // bytes asked for
    MemoryKind kind = MemoryKind::device;
    int device = -1;            // -1 for pinned host memory
    const char *function = "";  // entry that allocated it
    bool mapped = false;        // a piece of reserved addresses with memory behind
};

// ---- allocation; all return a status and leave *address alone on failure ----

/// ALIGN_UP(size, 32) + 32, the room that the padded entries allocate; 0 when it overflows.
SOFTNPU_API size_t padded_size(size_t size) noexcept;
/// `size` bytes of `kind` on `device`; alignment is 64, 128 for dvpp and himpi.
SOFTNPU_API int allocate(MemoryKind kind, int device, size_t requested, size_t size,
                         void **address);
/// Frees what an allocation function of the same family gave out. Double free, interior and foreign
/// pointers and the wrong free function fail with 107000 and a message that tells which.
SOFTNPU_API int release(MemoryKind kind, void *address);
/// Free bytes and capacity of a device.
SOFTNPU_API void memory_info(int device, size_t *free, size_t *total) noexcept;
/// Frees everything left on a device; returns how many allocations that were.
SOFTNPU_API size_t release_all(int device) noexcept;

SOFTNPU_API int register_host(void *address, size_t size, void **device_address);
SOFTNPU_API int unregister_host(void *address);

// ---- questions about an address ----

/// True inside the reserved range of any device, allocated or not. A compare or two.
SOFTNPU_API bool is_device_range(const void *address) noexcept;
/// Id of the device whose range holds the address, -1 for host addresses.
SOFTNPU_API int device_of(const void *address) noexcept;
/// The live allocation that holds the address; false when there is none.
SOFTNPU_API bool find_allocation(const void *address, Allocation &found) noexcept;
/// Pinned (aclrtMallocHost) or registered host memory, all of [address, address + size).
SOFTNPU_API bool is_pinned_host(const void *address, size_t size) noexcept;

/// Where the engines read and write the bytes of `address`. Host addresses stand for themselves.
SOFTNPU_API void *device_view(const void *address) noexcept;

/// 0 when [address, address + size) lies inside one live device allocation; else fails with `code`:
/// not device memory, freed, or too short. `what` names the argument ("input 0 of model 3").
/// The first size argument of 0 checks the address alone.
SOFTNPU_API int check_device_memory(const char *what, const void *address, size_t size,
                                    int code = 107000);
/// True when the process can read the first and the last byte: garbage addresses do not pass. A
/// look at a small cache, or a system call for pages not asked about lately.
SOFTNPU_API bool is_host_memory(const void *address, size_t size) noexcept;
/// The same as check_device_memory() for memory that may also be host memory.
SOFTNPU_API int check_memory(const char *what, const void *address, size_t size, int code = 107000);

/// "0x7f.. (64 bytes by aclrtMalloc on device 0)", for messages.
SOFTNPU_API std::string describe_address(const void *address);

}  // namespace softnpu
