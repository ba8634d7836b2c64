// The card chooses its coefficients by step >> 6. Three tables were measured on a real card; the
// others follow the rule that reproduces those to within 1: a sinc with the ratio's cut-off under a
// Kaiser window.
#include "softnpu/vpc/taps.hpp"

#include <cmath>
#include <map>
#include <mutex>
#include <utility>

namespace softnpu::vpc {
namespace {

constexpr double kBeta = 2.66;
constexpr double kPi = 3.14159265358979323846;

struct Measured {
    uint32_t band;
    int count;
    int16_t phase[5][6];
};

constexpr Measured kMeasured[] = {
    {3657,
     6,
     {{27, 62, 78, 62, 27, 0},
      {22, 56, 78, 64, 30, 6},
      {19, 52, 77, 67, 34, 7},
      {15, 48, 74, 70, 39, 10},
      {12, 43, 73, 73, 43, 12}}},
    {3657,
     4,
     {{73, 110, 73, 0}, {60, 101, 75, 20}, {53, 97, 80, 26}, {45, 95, 85, 31}, {38, 90, 90, 38}}},
    {2792,
     4,
     {{70, 116, 70, 0}, {58, 109, 75, 14}, {48, 106, 83, 19}, {40, 101, 90, 25}, {32, 96, 96, 32}}},
};

/// Modified Bessel function of the first kind, order 0, by its power series.
double bessel(double x) {
    double sum = 1, term = 1;
    for (int k = 1; k < 30; ++k) {
        term *= x * x / (4.0 * k * k);
        sum += term;
    }
    return sum;
}

double window(double x, double half) {
    const double inside = 1 - x * x / (half * half);
    return inside <= 0 ? 0 : bessel(kBeta * std::sqrt(inside)) / bessel(kBeta);
}

double sinc(double x) {
    return x == 0 ? 1 : std::sin(kPi * x) / (kPi * x);
}

/// Cut-off in 1/1024 for a ratio in 1/1024: band k serves 2^20/(k+1) < ratio <= 2^20/k.
int cut_off(uint32_t ratio) {
    if (ratio <= 1024) return 1024;
    const auto edge = [](int k) { return std::lround(1048576.0 / k); };
    int k = static_cast<int>(1048576 / ratio);
    while (k > 1 && static_cast<long>(ratio) > edge(k)) --k;
    while (static_cast<long>(ratio) <= edge(k + 1)) ++k;
    return k;
}

void generate(Taps &taps, int phase, double cut) {
    double value[kMostTaps] = {};
    double sum = 0;
    for (int tap = 0; tap < taps.count; ++tap) {
        const double x = tap - (taps.count / 2 - 1) - phase / 8.0;
        value[tap] =
            phase == 0 && tap == taps.count - 1 ? 0 : sinc(cut * x) * window(x, taps.count / 2.0);
        sum += value[tap];
    }
    auto &row = taps.phase[static_cast<size_t>(phase)];
    int total = 0, largest = 0;
    for (int tap = 0; tap < taps.count; ++tap) {
        row[tap] = static_cast<int16_t>(std::lround(value[tap] / sum * 256));
        total += row[tap];
        if (row[tap] > row[largest]) largest = tap;
    }
    row[largest] = static_cast<int16_t>(row[largest] + 256 - total);
    if (phase == 0 && row[largest] == 256) {
        row[largest] = 254;
        row[largest - 1] = row[largest + 1] = 1;
    }
}

Taps make(uint32_t ratio, int count) {
    Taps taps;
    taps.count = count;
    const Measured *measured = nullptr;
    for (const Measured &table : kMeasured) {
        if (table.band == ratio && table.count == count) measured = &table;
    }
    for (int phase = 0; phase <= 4; ++phase) {
        if (measured == nullptr) {
            generate(taps, phase, cut_off(ratio) / 1024.0);
            continue;
        }
        for (int tap = 0; tap < count; ++tap) {
            taps.phase[static_cast<size_t>(phase)][tap] = measured->phase[phase][tap];
        }
    }
    for (size_t phase = 5; phase < kPhases; ++phase) {
        for (int tap = 0; tap < count; ++tap) {
            taps.phase[phase][tap] = taps.phase[kPhases - phase][count - 1 - tap];
        }
    }
    for (const auto &row : taps.phase) {
        for (const int16_t tap : row) taps.signed_ = taps.signed_ || tap < 0;
    }
    return taps;
}

}  // namespace

const Taps &taps_for(uint32_t step, int count) {
    static std::mutex mutex;                                             // leaf lock
    static auto *tables = new std::map<std::pair<uint32_t, int>, Taps>;  // outlives the threads
    // All enlarging shares one table.
    const uint32_t ratio = step >> 6 <= 1024 ? 1024 : step >> 6;
    const std::lock_guard<std::mutex> lock(mutex);
    const auto key = std::make_pair(ratio, count);
    auto found = tables->find(key);
    if (found == tables->end()) found = tables->emplace(key, make(ratio, count)).first;
    return found->second;
}

}  // namespace softnpu::vpc
