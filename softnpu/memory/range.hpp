// The addresses of all devices: one reservation, cut into one equal piece per device.
#pragma once

#include <cstddef>
#include <cstdint>

namespace softnpu {

/// Constant after the first use of memory. All questions about an address start here.
struct DeviceRanges {
    uintptr_t base = 0;
    size_t stride = 0;    // addresses per device
    size_t total = 0;     // stride * devices
    ptrdiff_t delta = 0;  // from the program's address to the engines' view; 0 in unified mode

    bool contains(const void *address) const noexcept {
        return reinterpret_cast<uintptr_t>(address) - base < total;
    }
    int device_of(const void *address) const noexcept {
        return contains(address)
                   ? static_cast<int>((reinterpret_cast<uintptr_t>(address) - base) / stride)
                   : -1;
    }
};

/// Reserved at the first call. Throws bad_alloc when the system refuses the addresses.
const DeviceRanges &device_ranges();
/// The same without reserving: nullptr before the first use.
const DeviceRanges *device_ranges_if_any() noexcept;

/// Readable and writable addresses that take no memory until they are touched.
void *reserve_memory(size_t size);

/// Give the whole pages inside [address, address + size) back to the system.
void discard_pages(uintptr_t address, size_t size) noexcept;

}  // namespace softnpu
