// aclDataBuffer: an address and a size that the program owns. Reading one costs a few loads.
#pragma once

#include <cstddef>
#include <cstdint>

#include "softnpu/core/export.hpp"

namespace softnpu {

struct DataBuffer {
    void *data = nullptr;
    size_t size = 0;
};

/// Handle of a new data buffer. Throws bad_alloc.
SOFTNPU_API void *create_data_buffer(DataBuffer value);
/// False for NULL, stale and foreign handles.
SOFTNPU_API bool read_data_buffer(const void *handle, DataBuffer &value) noexcept;
SOFTNPU_API bool write_data_buffer(const void *handle, DataBuffer value) noexcept;
SOFTNPU_API bool destroy_data_buffer(const void *handle) noexcept;

}  // namespace softnpu
