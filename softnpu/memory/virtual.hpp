// Addresses and memory apart: a range of addresses is reserved, memory is allocated, and pieces of
// the one are mapped to the other. What is mapped is device memory as any other; neighbours count
// as one piece.
#pragma once

#include <cstddef>

#include "softnpu/core/export.hpp"

namespace softnpu {

/// Addresses and sizes are multiples of it.
inline constexpr size_t kVirtualGranule = size_t{2} << 20;

// All return a status.

/// Addresses of `device`, without memory. `size` is rounded up.
SOFTNPU_API int reserve_addresses(int device, size_t size, void **address);
/// Refused while memory is mapped there.
SOFTNPU_API int release_addresses(void *address);
/// Memory of `device` without addresses.
SOFTNPU_API int allocate_physical(int device, size_t size, void **handle);
/// The handle is gone at once, the memory when it is mapped nowhere.
SOFTNPU_API int free_physical(void *handle);
/// All of the memory, at a place within reserved addresses.
SOFTNPU_API int map_physical(void *address, size_t size, void *handle);
SOFTNPU_API int unmap_physical(void *address);

/// What the program left on a device; returns how many reservations and handles that were.
SOFTNPU_API size_t release_virtual(int device) noexcept;

}  // namespace softnpu
