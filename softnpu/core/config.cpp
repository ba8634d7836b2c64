#include "softnpu/core/config.hpp"

#include <sched.h>

#include <cerrno>
#include <climits>
#include <cstdlib>
#include <cstring>
#include <thread>

namespace softnpu {
namespace {

constexpr size_t kMiB = size_t{1} << 20;

// Streams, events and notifies per device as published per family; cores and L2 of one chip of it.
constexpr Soc kSocs[] = {
    {"Ascend310", 1024, 1023, 1024, 2, 0, 8 * kMiB, false},
    {"Ascend310P", 1024, 1023, 1024, 8, 7, 16 * kMiB, false},
    {"Ascend710", 1024, 1023, 1024, 8, 7, 16 * kMiB, false},
    {"Ascend310B", 512, 65536, 2048, 1, 1, 8 * kMiB, false},
    {"Ascend910", 2048, 65535, 1024, 32, 0, 32 * kMiB, true},
    {"Ascend910B", 1984, 65536, 8192, 24, 48, 192 * kMiB, true},
    {"Ascend910_93", 1984, 65536, 8192, 24, 48, 192 * kMiB, true},
    {"Ascend950", 1984, 65536, 65535, 32, 64, 128 * kMiB, true},
};

constexpr int kMaxDevices = 32;

/// Reads variables; keeps the first complaint.
class Reader {
  public:
    explicit Reader(Config &config) : config_(config) {}

    void complain(const char *name, const char *value, const std::string &wanted) {
        if (config_.error.empty()) {
            config_.error = std::string(name) + "=" + value + ": " + wanted;
        }
    }

    void integer(const char *name, int low, int high, int &result) {
        const char *value = set(name);
        if (value == nullptr) return;
        char *end = nullptr;
        errno = 0;
        const long number = std::strtol(value, &end, 10);
        if (errno != 0 || end == value || *end != '\0' || number < low || number > high) {
            complain(
                name, value,
                "want a whole number from " + std::to_string(low) + " to " + std::to_string(high));
            return;
        }
        result = static_cast<int>(number);
    }

    void bytes(const char *name, size_t low, size_t &result) {
        const char *value = set(name);
        if (value == nullptr) return;
        char *end = nullptr;
        errno = 0;
        const unsigned long long number = std::strtoull(value, &end, 10);
        const char *suffix = *end != '\0' ? std::strchr("KMGkmg", *end) : nullptr;
        unsigned shift = 0;
        if (suffix != nullptr) {
            shift = 10u * (static_cast<unsigned>(suffix - "KMGkmg") % 3 + 1);
            ++end;
        }
        const bool overflow = number > (ULLONG_MAX >> shift);
        constexpr unsigned long long kMost = 1ULL << 42;
        if (errno != 0 || value[0] < '0' || value[0] > '9' || *end != '\0' || overflow ||
            number << shift < low || number << shift > kMost) {
            complain(name, value, "want a size from 1M to 4096G, such as 512M or 16G");
            return;
        }
        result = static_cast<size_t>(number << shift);
    }

    static const char *set(const char *name) {
        const char *value = std::getenv(name);
        return value != nullptr && *value != '\0' ? value : nullptr;
    }

  private:
    Config &config_;
};

void read_mode(Reader &reader, Config &config) {
    const char *value = Reader::set("SOFTNPU_MODE");
    if (value == nullptr || std::strcmp(value, "unified") == 0) return;
    if (std::strcmp(value, "discrete") == 0) {
        config.mode = Mode::discrete;
    } else {
        reader.complain("SOFTNPU_MODE", value, "want unified or discrete");
    }
}

void read_soc(Reader &reader, Config &config) {
    if (const char *value = Reader::set("SOFTNPU_SOC")) config.soc_name = value;
    size_t best = 0;
    for (const Soc &soc : kSocs) {
        const size_t length = std::strlen(soc.prefix);
        if (length > best && config.soc_name.compare(0, length, soc.prefix) == 0) {
            best = length;
            config.soc = soc;
        }
    }
    if (best == 0) {
        reader.complain("SOFTNPU_SOC", config.soc_name.c_str(),
                        "want the name of an Ascend chip, such as Ascend310P3 or Ascend910B4");
        config.soc_name = "Ascend310P3";
        config.soc = kSocs[1];
    }
}

void read_switch(Reader &reader, const char *name, bool &result) {
    const char *value = Reader::set(name);
    if (value == nullptr || std::strcmp(value, "0") == 0) return;
    result = std::strcmp(value, "1") == 0;
    if (!result) reader.complain(name, value, "want 0 or 1");
}

/// An ascending list without duplicates of ids below the number of devices.
void read_visible(Reader &reader, Config &config) {
    const char *value = Reader::set("ASCEND_RT_VISIBLE_DEVICES");
    if (value == nullptr) {
        for (int id = 0; id < config.physical_devices; ++id) config.visible.push_back(id);
        return;
    }
    const char *position = value;
    while (true) {
        char *end = nullptr;
        const long id = std::strtol(position, &end, 10);
        const bool ascending = config.visible.empty() || id > config.visible.back();
        if (end == position || *position < '0' || *position > '9' ||
            id >= config.physical_devices || !ascending || (*end != ',' && *end != '\0')) {
            reader.complain("ASCEND_RT_VISIBLE_DEVICES", value,
                            "want device ids below " + std::to_string(config.physical_devices) +
                                " in ascending order, separated by commas");
            return;
        }
        config.visible.push_back(static_cast<int>(id));
        if (*end == '\0') return;
        position = end + 1;
    }
}

int usable_cores() {
    cpu_set_t set;
    if (sched_getaffinity(0, sizeof set, &set) == 0) return CPU_COUNT(&set);
    return static_cast<int>(std::thread::hardware_concurrency());
}

}  // namespace

Config read_config() {
    Config config;
    Reader reader(config);
    read_mode(reader, config);
    reader.integer("SOFTNPU_DEVICES", 1, kMaxDevices, config.physical_devices);
    read_soc(reader, config);
    config.threads = usable_cores();
    reader.integer("SOFTNPU_THREADS", 1, 1024, config.threads);
    if (config.threads < 2) config.threads = 2;
    reader.bytes("SOFTNPU_MEMORY", kMiB, config.memory);
    read_switch(reader, "SOFTNPU_AIPP_RESIZE", config.aipp_resize);
    read_visible(reader, config);
    return config;
}

const Config &config() {
    static const auto *instance = new Config(read_config());  // outlives static destruction
    return *instance;
}

}  // namespace softnpu
