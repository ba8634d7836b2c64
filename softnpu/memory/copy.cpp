#include "softnpu/memory/copy.hpp"

#include <cstring>

#include "softnpu/core/counters.hpp"
#include "softnpu/memory/memory.hpp"

namespace softnpu {
namespace {

/// Bytes from the first to the last one touched.
size_t span(size_t pitch, const CopyShape &shape) {
    return shape.height == 0 ? 0 : (shape.height - 1) * pitch + shape.width;
}

void count_copy(bool to_device, bool from_device, uint64_t bytes) {
    Counters &all = counters();
    if (to_device) {
        count(from_device ? all.bytes_d2d : all.bytes_h2d, bytes);
        count(from_device ? all.copies_d2d : all.copies_h2d);
    } else {
        count(from_device ? all.bytes_d2h : all.bytes_h2h, bytes);
        count(from_device ? all.copies_d2h : all.copies_h2h);
    }
}

}  // namespace

int check_copy(void *to, const void *from, const CopyShape &shape) {
    if (int code = check_memory("destination", to, span(shape.to_pitch, shape))) return code;
    return check_memory("source", from, span(shape.from_pitch, shape));
}

void copy_bytes(void *to, const void *from, const CopyShape &shape) noexcept {
    auto *target = static_cast<char *>(device_view(to));
    const auto *source = static_cast<const char *>(device_view(from));
    // memmove: a program may copy within one buffer, and the hardware does not tear overlaps.
    if (shape.to_pitch == shape.width && shape.from_pitch == shape.width) {
        std::memmove(target, source, shape.width * shape.height);
    } else {
        for (size_t row = 0; row < shape.height; ++row) {
            std::memmove(target + row * shape.to_pitch, source + row * shape.from_pitch,
                         shape.width);
        }
    }
    count_copy(is_device_range(to), is_device_range(from), shape.width * shape.height);
}

void set_bytes(void *address, int value, size_t size) noexcept {
    std::memset(device_view(address), value, size);
    count(counters().bytes_set, size);
}

}  // namespace softnpu
