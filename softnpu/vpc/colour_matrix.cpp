// The coefficients of colour conversion: the standards' and the program's own.
#include <algorithm>
#include <mutex>
#include <vector>

#include "softnpu/vpc/colour.hpp"

namespace softnpu::vpc {
namespace {

/// Coefficients that a program gave. They stay, for work in flight knows them by number only.
struct Kept {
    std::mutex mutex;  // leaf lock
    std::vector<ColourCoefficients> all;
};

constexpr size_t kMostKept = 65536;

Kept &kept() {
    static auto *const instance = new Kept;
    return *instance;
}

ColourCoefficients of_standard(int number) {
    static constexpr double kRed[] = {0.299, 0.2126, 0.2627}, kBlue[] = {0.114, 0.0722, 0.0593};
    const int standard = std::clamp(number, 0, 5) / 2;
    const bool narrow = number % 2 == 1;
    const double red = kRed[standard], blue = kBlue[standard], green = 1 - red - blue;
    const double luma = narrow ? 219.0 / 255 : 1, chroma = narrow ? 224.0 / 255 : 1;
    const double u = chroma / (2 - 2 * blue), v = chroma / (2 - 2 * red);
    ColourCoefficients made;
    made.to_yuv = {{{luma * red, luma * green, luma * blue},
                    {-red * u, -green * u, (1 - blue) * u},
                    {(1 - red) * v, -green * v, -blue * v}}};
    // Backwards: B - Y and R - Y come from U and V, G from what is left of Y.
    const double b_of_u = (2 - 2 * blue) / chroma, r_of_v = (2 - 2 * red) / chroma;
    const double g_of_u = -blue * b_of_u / green, g_of_v = -red * r_of_v / green;
    made.to_rgb = {{{1 / luma, 0, r_of_v}, {1 / luma, g_of_u, g_of_v}, {1 / luma, b_of_u, 0}}};
    made.from_yuv = made.into_yuv = {narrow ? 16.0 : 0.0, 128, 128};
    return made;
}

}  // namespace

int keep_coefficients(const ColourCoefficients &coefficients) {
    Kept &known = kept();
    const std::lock_guard lock(known.mutex);
    auto found = std::find(known.all.begin(), known.all.end(), coefficients);
    if (found == known.all.end()) {
        if (known.all.size() == kMostKept) return -1;
        found = known.all.insert(known.all.end(), coefficients);
    }
    return kFirstKept + static_cast<int>(found - known.all.begin());
}

ColourCoefficients colour_coefficients(int number) noexcept {
    if (number < kFirstKept) return of_standard(number);
    Kept &known = kept();
    const std::lock_guard lock(known.mutex);
    const auto index = static_cast<size_t>(number - kFirstKept);
    return index < known.all.size() ? known.all[index] : of_standard(0);
}

ColourMatrix colour_matrix(int number) noexcept {
    const ColourCoefficients from = colour_coefficients(number);
    ColourMatrix matrix;
    for (size_t i = 0; i < 3; ++i) {
        double bias = 0;
        for (size_t j = 0; j < 3; ++j) {
            matrix.to_yuv[i][j] = static_cast<float>(from.to_yuv[i][j]);
            matrix.to_rgb[i][j] = static_cast<float>(from.to_rgb[i][j]);
            bias -= from.to_rgb[i][j] * from.from_yuv[j];
        }
        matrix.to_yuv[i][3] = static_cast<float>(from.into_yuv[i]);
        matrix.to_rgb[i][3] = static_cast<float>(bias);
    }
    return matrix;
}

}  // namespace softnpu::vpc
