// The picture engine: what VPC does with pictures in memory, on the calling thread.
//
// Geometry was checked by the caller; these return "" or a sentence that says what they cannot do.
#pragma once

#include <cstdint>
#include <string>

#include "softnpu/core/export.hpp"
#include "softnpu/dvpp/engines.hpp"
#include "softnpu/dvpp/picture.hpp"

namespace softnpu::vpc {

enum class Border : int { constant = 0, replicate = 1, reflect = 2, reflect_101 = 3 };

struct Margins {
    uint32_t top = 0;
    uint32_t bottom = 0;
    uint32_t left = 0;
    uint32_t right = 0;
    Border type = Border::constant;
    double value[4] = {0, 0, 0, 0};  // of Y or R, U or G, V or B, alpha
};

/// The 5x5 filter of a pyramid: sums are divided by 2^shift and rounded.
struct PyramidFilter {
    int8_t weights[5][5] = {{1, 4, 6, 4, 1},
                            {4, 16, 24, 16, 4},
                            {6, 24, 36, 24, 6},
                            {4, 16, 24, 16, 4},
                            {1, 4, 6, 4, 1}};
    int shift = 8;
    Border border = Border::reflect_101;
    uint8_t constant = 0;
};

/// Crop `source` to `crop`, scale it to the size of `paste` and write it at `paste` in `target`,
/// converting the format where they differ. Pixels of the target outside stay as they were.
SOFTNPU_API std::string crop_resize_paste(const Picture &source, const Rect &crop,
                                          const Picture &target, const Rect &paste,
                                          Interpolation how, int matrix);
/// Same size, other format. `matrix` is an acldvppCscMatrix (hi_mpi uses the same numbers).
SOFTNPU_API std::string convert_color(const Picture &source, const Picture &target, int matrix);
/// Copies `source` into the middle of `target` and fills the margins.
SOFTNPU_API std::string make_border(const Picture &source, const Picture &target,
                                    const Margins &margins, int matrix = 0);
/// Margins of a YUV picture made from an RGB one are given as RGB.
SOFTNPU_API void convert_margin_colour(PixelFormat source, PixelFormat target, Margins &margins);
/// Fills only the margins of `target`, around what is there already.
SOFTNPU_API std::string fill_margins(const Picture &target, const Margins &margins);
/// Half the size, by default with the Gaussian of image pyramids and reflect_101 at the edges.
SOFTNPU_API std::string pyramid_down(const Picture &source, const Picture &target,
                                     const PyramidFilter &filter = {});
/// Counts of Y, U, V or R, G, B, wherever the format has them; `dims` is how many those are.
SOFTNPU_API std::string histogram(const Picture &source, uint32_t bins[3][256], uint32_t &dims);
/// Every component through its table.
SOFTNPU_API std::string apply_lut(const Picture &source, const Picture &target,
                                  const uint8_t table[3][256]);
/// The alpha of a rectangle; nothing where the format has none.
SOFTNPU_API void set_alpha(const Picture &target, const Rect &rect, uint8_t alpha);

}  // namespace softnpu::vpc
