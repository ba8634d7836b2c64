// What moves points: matrices from pairs of points, and tables of places.
#include <algorithm>
#include <cmath>
#include <utility>

#include "softnpu/dvpp/parallel.hpp"
#include "softnpu/vpc/warp.hpp"
#include "softnpu/vpc/warp_row.hpp"

namespace softnpu::vpc {
namespace {

constexpr double kPi = 3.14159265358979323846;

/// Solves `size` equations, given as rows with their right side last; false when they are
/// dependent.
template <int size>
bool solve(double (&rows)[size][size + 1]) {
    for (int step = 0; step < size; ++step) {
        int best = step;
        for (int i = step + 1; i < size; ++i) {
            if (std::fabs(rows[i][step]) > std::fabs(rows[best][step])) best = i;
        }
        // What rounding leaves of a zero, compared with the coordinates of pictures.
        if (!(std::fabs(rows[best][step]) > 1e-9)) return false;
        std::swap(rows[best], rows[step]);
        for (int i = 0; i < size; ++i) {
            if (i == step) continue;
            const double factor = rows[i][step] / rows[step][step];
            for (int k = step; k <= size; ++k) rows[i][k] -= factor * rows[step][k];
        }
    }
    for (int i = 0; i < size; ++i) rows[i][size] /= rows[i][i];
    return true;
}

/// Whether three points lie on a line, but for what rounding does to coordinates of pictures.
bool on_line(const float *a, const float *b, const float *c) {
    const double ux = double(b[0]) - a[0], uy = double(b[1]) - a[1];
    const double vx = double(c[0]) - a[0], vy = double(c[1]) - a[1];
    return !(std::fabs(ux * vy - uy * vx) > 1e-6);
}

bool three_on_line(const float (*points)[2]) {
    for (int left_out = 0; left_out < 4; ++left_out) {
        const float *three[3];
        int count = 0;
        for (int i = 0; i < 4; ++i) {
            if (i != left_out) three[count++] = points[i];
        }
        if (on_line(three[0], three[1], three[2])) return true;
    }
    return false;
}

}  // namespace

bool affine_of(const float (*from)[2], const float (*to)[2], double matrix[2][3]) {
    if (on_line(from[0], from[1], from[2])) return false;
    for (int axis = 0; axis < 2; ++axis) {
        double rows[3][4];
        for (int i = 0; i < 3; ++i) {
            rows[i][0] = from[i][0];
            rows[i][1] = from[i][1];
            rows[i][2] = 1;
            rows[i][3] = to[i][axis];
        }
        if (!solve(rows)) return false;
        for (int i = 0; i < 3; ++i) matrix[axis][i] = rows[i][3];
    }
    return true;
}

bool perspective_of(const float (*from)[2], const float (*to)[2], Homography &found) {
    if (three_on_line(from) || three_on_line(to)) return false;
    double rows[8][9] = {};
    for (int i = 0; i < 4; ++i) {
        const double x = from[i][0], y = from[i][1];
        for (int axis = 0; axis < 2; ++axis) {
            double *row = rows[2 * i + axis];
            row[3 * axis] = x;
            row[3 * axis + 1] = y;
            row[3 * axis + 2] = 1;
            row[6] = -x * to[i][axis];
            row[7] = -y * to[i][axis];
            row[8] = to[i][axis];
        }
    }
    if (!solve(rows)) return false;
    for (int i = 0; i < 8; ++i) found.rows[i / 3][i % 3] = rows[i][8];
    found.rows[2][2] = 1;
    return true;
}

void rotation_of(float x, float y, double angle, double scale, double matrix[2][3]) {
    const double a = scale * std::cos(angle * kPi / 180), b = scale * std::sin(angle * kPi / 180);
    const double rows[2][3] = {{a, b, (1 - a) * x - b * y}, {-b, a, b * x + (1 - a) * y}};
    for (int i = 0; i < 2; ++i) std::copy(rows[i], rows[i] + 3, matrix[i]);
}

bool invert_affine(const double m[2][3], Homography &found) {
    const double area = m[0][0] * m[1][1] - m[0][1] * m[1][0];
    if (!(std::fabs(area) > 1e-12) || !std::isfinite(area)) return false;
    const double a = m[1][1] / area, b = -m[0][1] / area;
    const double c = -m[1][0] / area, d = m[0][0] / area;
    const double rows[2][3] = {{a, b, -a * m[0][2] - b * m[1][2]},
                               {c, d, -c * m[0][2] - d * m[1][2]}};
    for (int i = 0; i < 2; ++i) std::copy(rows[i], rows[i] + 3, found.rows[i]);
    return std::isfinite(rows[0][2]) && std::isfinite(rows[1][2]);
}

void fill_table(const Places &places, float *table) {
    parallel_for((places.height + kRowsAtOnce - 1) / kRowsAtOnce, [&](size_t part) {
        const uint32_t first = static_cast<uint32_t>(part) * kRowsAtOnce;
        const uint32_t end = std::min(first + kRowsAtOnce, places.height);
        for (uint32_t y = first; y < end; ++y) {
            float *row = table + size_t{y} * places.width * 2;
            formula_row(places.formula, {0, 1, static_cast<double>(y)}, row, row + places.width,
                        places.width);
        }
    });
}

void join_maps(const float *x, const float *y, uint32_t width, uint32_t height, float *table) {
    for (uint32_t row = 0; row < height; ++row) {
        float *to = table + size_t{row} * width * 2;
        std::copy_n(x + size_t{row} * width, width, to);
        std::copy_n(y + size_t{row} * width, width, to + width);
    }
}

}  // namespace softnpu::vpc
