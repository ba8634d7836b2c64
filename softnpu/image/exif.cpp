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

/// Whether the header is one: byte order, then 42.
bool is_tiff(const Tiff &tiff) {
    const uint8_t order = tiff.little ? 'I' : 'M';
    return tiff.size >= 8 && tiff.data[0] == order && tiff.data[1] == order &&
           tiff.read(2, 2) == 42;
}

int orientation_of(const Tiff &tiff) {
    constexpr uint32_t kOrientation = 0x0112, kShort = 3;
    if (!is_tiff(tiff)) return 1;
    const size_t directory = tiff.read(4, 4);
    const uint32_t entries = tiff.read(directory, 2);
    for (uint32_t i = 0; i < entries; ++i) {
        const size_t at = directory + 2 + size_t{i} * 12;
        if (tiff.read(at, 2) != kOrientation) continue;
        const uint32_t value = tiff.read(at + 8, 2);
        const bool fits = tiff.read(at + 2, 2) == kShort && value >= 1 && value <= 8;
        return fits ? static_cast<int>(value) : 1;
    }
    return 1;
}

}  // namespace

int exif_orientation(const uint8_t *data, size_t size) {
    constexpr uint8_t kScan = 0xDA, kApp1 = 0xE1;
    size_t at = 2;
    while (at + 4 <= size && data[at] == 0xFF && data[at + 1] != kScan) {
        if (data[at + 1] == 0xFF) {  // a marker may be preceded by any number of these
            ++at;
            continue;
        }
        const size_t length = size_t{data[at + 2]} << 8 | data[at + 3];
        if (length < 2 || at + 2 + length > size) return 1;
        const uint8_t *body = data + at + 4;
        if (data[at + 1] == kApp1 && length >= 16 && std::memcmp(body, "Exif\0\0", 6) == 0) {
            return orientation_of({body + 6, length - 8, body[6] == 'I'});
        }
        at += 2 + length;
    }
    return 1;
}

}  // namespace softnpu::image
