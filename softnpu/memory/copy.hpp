// Copies between host and device memory. The direction follows from the addresses.
#pragma once

#include <cstddef>
#include <cstdint>

#include "softnpu/core/export.hpp"

namespace softnpu {

class Stream;

/// Rectangles are `height` rows of `width` bytes; a plain copy is one row.
struct CopyShape {
    size_t width = 0;
    size_t height = 1;
    size_t to_pitch = 0;
    size_t from_pitch = 0;
};

/// Validate both ends against live allocations. 0 or 107000.
SOFTNPU_API int check_copy(void *to, const void *from, const CopyShape &shape);
/// Copy through the device's view and count the bytes by direction. Ends were checked.
SOFTNPU_API void copy_bytes(void *to, const void *from, const CopyShape &shape) noexcept;
/// Fill; the address was checked.
SOFTNPU_API void set_bytes(void *address, int value, size_t size) noexcept;

}  // namespace softnpu
