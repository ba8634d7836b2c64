// The one tag of EXIF that matters to a decoder.
#include <cstring>

#include "softnpu/image/jpeg.hpp"

namespace softnpu::image {
namespace {

/// Reads numbers of either byte order, 0 beyond the end.
struct Tiff {
    const uint8_t *data;
    size_t size;
    bool little;

    uint32_t read(size_t at, size_t bytes) const {
        uint32_t value = 0;
        if (at + bytes > size || at + bytes < at) return 0;
        for (size_t i = 0; i < bytes; ++i) {
            value |= uint32_t{data[at + i]} << 8 * (little ? i : bytes - 1 - i);
        }
        return value;
    }
};

int orientation_of(const Tiff &tiff) {
    constexpr uint32_t kOrientation = 0x0112;
    const size_t directory = tiff.read(4, 4);
    const uint32_t entries = tiff.read(directory, 2);
    for (uint32_t i = 0; i < entries; ++i) {
        const size_t at = directory + 2 + size_t{i} * 12;
        if (tiff.read(at, 2) != kOrientation) continue;
        const uint32_t value = tiff.read(at + 8, 2);
        return value >= 1 && value <= 8 ? static_cast<int>(value) : 1;
    }
    return 1;
}

}  // namespace

int exif_orientation(const uint8_t *data, size_t size) {
    size_t at = 2;
    while (at + 4 <= size && data[at] == 0xFF && data[at + 1] != 0xDA) {
        const size_t length = size_t{data[at + 2]} << 8 | data[at + 3];
        if (length < 2 || at + 2 + length > size) return 1;
        const uint8_t *body = data + at + 4;
        if (data[at + 1] == 0xE1 && length >= 16 && std::memcmp(body, "Exif\0\0", 6) == 0) {
            const Tiff tiff{body + 6, length - 8, body[6] == 'I'};
            return orientation_of(tiff);
        }
        at += 2 + length;
    }
    return 1;
}

}  // namespace softnpu::image
