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
    double value[4] = {0, 0, 0, 0};  // per channel of the target's format
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
                                    const Margins &margins);
/// Fills only the margins of `target`, around what is there already.
SOFTNPU_API std::string fill_margins(const Picture &target, const Margins &margins);
/// Half the size by the 5x5 Gaussian of image pyramids (1 4 6 4 1), reflect_101 at the edges.
SOFTNPU_API std::string pyramid_down(const Picture &source, const Picture &target, Border border);
/// Counts per channel; returns how many channels there are in `dims`.
SOFTNPU_API std::string histogram(const Picture &source, uint32_t bins[3][256], uint32_t &dims);
/// Every channel through its table.
SOFTNPU_API std::string apply_lut(const Picture &source, const Picture &target,
                                  const uint8_t table[3][256]);

}  // namespace softnpu::vpc
