// Colours by the published formulas: between any two formats, by any matrix.
#pragma once

#include <array>

#include "softnpu/core/export.hpp"
#include "softnpu/dvpp/picture.hpp"

namespace softnpu::vpc {

/// Both directions of a conversion: rows of three weights and what is added to their sum.
struct ColourMatrix {
    float to_yuv[3][4];
    float to_rgb[3][4];
};

/// Coefficients as programs know them: R, G, B are `to_rgb` times what is left of Y, U, V less
/// `from_yuv`; Y, U, V are `to_yuv` times R, G, B, and `into_yuv` more.
struct ColourCoefficients {
    std::array<std::array<double, 3>, 3> to_rgb{}, to_yuv{};
    std::array<double, 3> from_yuv{}, into_yuv{};

    bool operator==(const ColourCoefficients &o) const {
        return to_rgb == o.to_rgb && to_yuv == o.to_yuv && from_yuv == o.from_yuv &&
               into_yuv == o.into_yuv;
    }
};

/// BT.601, 709 or 2020, wide (full range) or narrow, by its number in acldvppCscMatrix; or the
/// program's own by the number that keep_coefficients() gave.
SOFTNPU_API ColourMatrix colour_matrix(int number) noexcept;
SOFTNPU_API ColourCoefficients colour_coefficients(int number) noexcept;

/// A number for coefficients of the program, valid from then on; equal ones have the same. -1 when
/// a process has used more than 65536 different ones.
SOFTNPU_API int keep_coefficients(const ColourCoefficients &coefficients);
/// The least number that it gives.
inline constexpr int kFirstKept = 1000;

/// Same size, other format. Chroma that is subsampled is repeated; where it becomes subsampled, the
/// card's filter is taken across and every second row is dropped. Alpha becomes 0.
SOFTNPU_API void convert_colour(const Picture &source, const Picture &target,
                                const ColourMatrix &matrix);

}  // namespace softnpu::vpc
