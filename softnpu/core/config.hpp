// What the environment says about the device. Read once, when the runtime starts.
#pragma once

#include <cstddef>
#include <string>
#include <vector>

#include "softnpu/core/export.hpp"

namespace softnpu {

enum class Mode { unified, discrete };

/// Facts of one chip family; see docs for where they come from.
struct Soc {
    const char *prefix;  // longest match on the SoC name wins
    int max_streams;     // per device, default streams included
    int max_events;      // per device, events that take a hardware event at creation
    int max_notifies;    // per device
    int ai_cores;
    int vector_cores;
    size_t l2_bytes;
    bool hbm;
};

struct Config {
    Mode mode = Mode::unified;             // SOFTNPU_MODE
    int physical_devices = 1;              // SOFTNPU_DEVICES
    std::vector<int> visible;              // ASCEND_RT_VISIBLE_DEVICES: user id -> physical id
    std::string soc_name = "Ascend310P3";  // SOFTNPU_SOC
    Soc soc{};
    int threads = 2;                   // SOFTNPU_THREADS, at least 2
    size_t memory = size_t{16} << 30;  // SOFTNPU_MEMORY, bytes per device
    bool aipp_resize = false;          // SOFTNPU_AIPP_RESIZE: resize, which cards refuse today
    std::string error;                 // first thing wrong with the environment, or ""

    int devices() const { return static_cast<int>(visible.size()); }
};

/// Parse the environment; `error` names the variable, its value and what would be right.
SOFTNPU_API Config read_config();

/// The configuration of this process.
SOFTNPU_API const Config &config();

}  // namespace softnpu
