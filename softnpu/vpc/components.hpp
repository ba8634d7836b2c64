// Pictures taken apart into one plane per component, for operations that treat all alike.
#pragma once

#include <cstdint>
#include <vector>

#include "softnpu/dvpp/picture.hpp"

namespace softnpu::vpc {

/// All samples of Y, U, V or R, G, B, row by row.
struct ComponentPlane {
    uint32_t width = 0;
    uint32_t height = 0;
    std::vector<uint8_t> samples;

    const uint8_t *row(uint32_t y) const { return samples.data() + size_t{width} * y; }
    uint8_t *row(uint32_t y) { return samples.data() + size_t{width} * y; }
};

/// Where the samples of a component are in memory: the first, and the distances to the next.
struct ComponentPlace {
    uint8_t *data = nullptr;
    size_t step = 1;
    size_t stride = 0;
    uint32_t width = 0;
    uint32_t height = 0;
};
/// `component` is 0 to 2; grey pictures have 0 alone, and those with alpha have 3, too.
ComponentPlace component_place(const Picture &picture, uint8_t component);

/// One plane for grey pictures, else three, and alpha where it is there and wanted.
std::vector<ComponentPlane> load_components(const Picture &picture, bool with_alpha = false);
/// Writes them to a picture of the same format and the sizes that the planes have.
void store_components(const std::vector<ComponentPlane> &planes, const Picture &picture);

}  // namespace softnpu::vpc
