#include "softnpu/vpc/components.hpp"

#include <cstring>

#include "softnpu/vpc/vectorised.hpp"

namespace softnpu::vpc {
namespace {

uint8_t count_of(const Picture &picture, bool with_alpha) {
    const FormatInfo &info = *format_info(picture.format);
    if (info.planes == 1 && info.luma_bytes == 1) return 1;
    return with_alpha && has_alpha(picture.format) ? 4 : 3;
}

/// Every `step`th byte, and back.
SOFTNPU_VECTORISED void take_steps(const uint8_t *from, size_t step, uint8_t *__restrict to,
                                   size_t count) {
    if (step == 1) {
        std::memcpy(to, from, count);
    } else if (step == 2) {
        for (size_t x = 0; x < count; ++x) to[x] = from[2 * x];
    } else if (step == 3) {
        for (size_t x = 0; x < count; ++x) to[x] = from[3 * x];
    } else {
        for (size_t x = 0; x < count; ++x) to[x] = from[4 * x];
    }
}

void put_steps(const uint8_t *from, uint8_t *to, size_t step, size_t count) {
    if (step == 1) {
        std::memcpy(to, from, count);
    } else {
        for (size_t x = 0; x < count; ++x) to[step * x] = from[x];
    }
}

}  // namespace

ComponentPlace component_place(const Picture &picture, uint8_t component) {
    const FormatInfo &info = *format_info(picture.format);
    int index = component != 0 && info.planes == 2 ? 1 : 0;
    if (info.planes == 3) {
        while (components_of(picture.format, index).of[0] != component) ++index;
    }
    const Components pattern = components_of(picture.format, index);
    size_t offset = 0;
    while (pattern.of[offset] != component) ++offset;
    const Plane plane = plane_of(picture, index);
    const bool pairs = is_packed_422(picture.format);
    const bool luma_of_pairs = pairs && component == 0;
    return {plane.data + offset, luma_of_pairs ? size_t{2} : pattern.period, plane.stride,
            pairs && component != 0 ? plane.width / 2 : plane.width, plane.height};
}

std::vector<ComponentPlane> load_components(const Picture &picture, bool with_alpha) {
    std::vector<ComponentPlane> planes(count_of(picture, with_alpha));
    for (uint8_t c = 0; c < planes.size(); ++c) {
        const ComponentPlace place = component_place(picture, c);
        ComponentPlane &plane = planes[c];
        plane.width = place.width;
        plane.height = place.height;
        plane.samples.resize(size_t{place.width} * place.height);
        for (uint32_t y = 0; y < place.height; ++y) {
            const uint8_t *from = place.data + place.stride * y;
            uint8_t *to = plane.row(y);
            take_steps(from, place.step, to, place.width);
        }
    }
    return planes;
}

void store_components(const std::vector<ComponentPlane> &planes, const Picture &picture) {
    for (uint8_t c = 0; c < planes.size(); ++c) {
        const ComponentPlace place = component_place(picture, c);
        for (uint32_t y = 0; y < place.height; ++y) {
            const uint8_t *from = planes[c].row(y);
            uint8_t *to = place.data + place.stride * y;
            put_steps(from, to, place.step, place.width);
        }
    }
}

}  // namespace softnpu::vpc
