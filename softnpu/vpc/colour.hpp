// Colours by the published formulas: between any two formats, by any matrix.
#pragma once

#include "softnpu/core/export.hpp"
#include "softnpu/dvpp/picture.hpp"

namespace softnpu::vpc {

/// Both directions of a conversion: rows of three weights and what is added to their sum.
struct ColourMatrix {
    float to_yuv[3][4];
    float to_rgb[3][4];
};

/// BT.601, 709 or 2020, wide (full range) or narrow, by its number in acldvppCscMatrix.
SOFTNPU_API ColourMatrix colour_matrix(int number) noexcept;

/// Same size, other format. Chroma that is subsampled is repeated; where it becomes subsampled, the
/// card's filter is taken across and every second row is dropped. Alpha becomes 0.
SOFTNPU_API void convert_colour(const Picture &source, const Picture &target,
                                const ColourMatrix &matrix);

}  // namespace softnpu::vpc
