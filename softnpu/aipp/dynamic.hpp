// Dynamic AIPP: what is done to the pictures comes with each execution, as bytes in an input of
// its own ("ascend_dynamic_aipp_data"): a head and one part per image.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <vector>

#include "softnpu/aipp/aipp.hpp"
#include "softnpu/core/export.hpp"
#include "softnpu/core/handle.hpp"

namespace softnpu::aipp {

/// What holds for all images. The layout is the one of real devices.
struct Head {
    int8_t format = 0, csc = 0, rbuv_swap = 0, ax_swap = 0;
    uint8_t images = 0;
    uint8_t reserved1[3] = {};
    int32_t src_w = 0, src_h = 0;
    std::array<int16_t, 9> matrix{};
    uint8_t reserved2[6] = {};
    std::array<uint8_t, 3> output_bias{}, input_bias{};
    uint8_t reserved3[18] = {};
};
static_assert(sizeof(Head) == 64 && offsetof(Head, matrix) == 16 &&
              offsetof(Head, output_bias) == 40 && offsetof(Head, input_bias) == 43);

/// What holds for one image.
struct Image {
    int8_t crop = 0, resize = 0, padding = 0, rotate = 0;
    uint8_t reserved1[4] = {};
    int32_t crop_x = 0, crop_y = 0, crop_w = 0, crop_h = 0;
    int32_t resize_in_w = 0, resize_in_h = 0, resize_out_w = 0, resize_out_h = 0;
    int32_t top = 0, bottom = 0, left = 0, right = 0;
    std::array<int16_t, 4> mean{};
    std::array<uint16_t, 4> min{};                                       // halves
    std::array<uint16_t, 4> reciprocal{0x3C00, 0x3C00, 0x3C00, 0x3C00};  // halves
    uint8_t reserved2[16] = {};
};
static_assert(sizeof(Image) == 96 && offsetof(Image, crop_x) == 8 && offsetof(Image, top) == 40 &&
              offsetof(Image, mean) == 56 && offsetof(Image, reciprocal) == 72);

/// The head counts images in one byte.
constexpr uint64_t kMostImages = 255;

/// Bytes of the parameters of so many images.
constexpr size_t data_bytes(uint64_t images) noexcept {
    return sizeof(Head) + static_cast<size_t>(images) * sizeof(Image);
}

/// aclmdlAIPP: the parameters as a program gathers them.
struct SOFTNPU_API Parameters {
    explicit Parameters(uint64_t batch);
    ~Parameters();
    Parameters(const Parameters &) = delete;
    Parameters &operator=(const Parameters &) = delete;

    Head head;
    std::vector<Image> images;
};

using ParametersTable = HandleTable<Parameters, HandleType::aipp>;
SOFTNPU_API ParametersTable &parameters_table() noexcept;

/// From the least to the most; the most is -1 where there is no limit.
struct Span {
    int64_t least = 0, most = 0;
    bool has(int64_t value) const noexcept { return value >= least && (most < 0 || value <= most); }
};

/// What the model wants of the parameters.
struct Target {
    int32_t channels = 3;
    int32_t height = 0, width = 0;  // 0: any one, but neither crop nor resize nor padding
    size_t images = 1;              // at least so many
    bool ranged = false;            // the result has any size of these, which all images share
    Span heights, widths;           // instead of height and width
    int32_t widest_padded = 4096;
    uint32_t model = 0;
};

/// Checks the parameters against each other and against the model, and says what they mean for
/// each image. 0, or 100000 with the rule that is broken.
SOFTNPU_API int read_parameters(const Head &head, const Image *images, const Target &target,
                                std::vector<Settings> &settings);

}  // namespace softnpu::aipp
