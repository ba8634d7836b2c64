// Devices and the life of the runtime: init, set, reset, finalize.
#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <vector>

#include "softnpu/core/config.hpp"
#include "softnpu/core/context.hpp"
#include "softnpu/core/export.hpp"

namespace softnpu {

/// One device. It is open while its primary context is retained or an explicit context lives;
/// closing it destroys what is left on it and returns its memory.
class Device {
  public:
    explicit Device(int id);

    int id() const noexcept { return id_; }

    // Stream ids are small and unique among the live streams of a device.
    int take_stream_id();  // -1 when the chip's limit is reached
    void give_stream_id(int id) noexcept;

    /// Share of the time since the last call that the pool's workers spent in this device's tasks.
    SOFTNPU_API int utilization_percent();

    std::atomic<int> hardware_events{0};
    std::atomic<int> notifies{0};
    std::atomic<int> saturation_mode{0};
    std::atomic<uint64_t> busy_ns{0};      // time workers spent in tasks, for the utilisation rate
    std::atomic<uint32_t> peer_access{0};  // bit per device this one may reach

  private:
    friend class Runtime;
    const int id_;
    std::mutex ids_mutex_;  // leaf lock
    std::vector<bool> ids_;

    std::mutex sample_mutex_;  // leaf lock
    uint64_t sample_time_ns_ = 0;
    uint64_t sample_busy_ns_ = 0;

    // Guarded by Runtime's mutex.
    int primary_count_ = 0;
    int explicit_contexts_ = 0;
    ContextRef primary_;
};

/// The process-wide state. Created at first use and never destroyed: threads may still run while
/// static objects die.
class SOFTNPU_API Runtime {
  public:
    int init(const char *config_path);
    int finalize();
    /// Undo one init; the last one finalizes. `left` may be nullptr.
    int finalize_reference(uint64_t *left);
    bool initialized() const noexcept { return init_count_.load(std::memory_order_relaxed) > 0; }

    int set_device(int id);
    int reset_device(int id, bool force);
    int open_context(int id, ContextRef &context);
    int close_context(const void *handle);
    /// nullptr (after fail(107001)) for ids outside [0, count).
    Device *device(int id) noexcept;
    int default_device() const noexcept { return default_device_.load(); }

    /// Engines register what has to go before a device closes (`device` >= 0) or the runtime is
    /// finalized (`device` == -1). Called without locks held, after the streams were drained.
    void on_teardown(std::function<void(int device)> action);

  private:
    friend SOFTNPU_API Runtime &runtime();
    Runtime();
    void close_primary(Device &device, ContextRef primary, bool force);
    void close_device_if_unused(Device &device);
    int require_initialized() const noexcept;
    int finalize_all();

    std::mutex
        mutex_;  // outermost lock: devices and contexts opening and closing; see softnpu/README.md
    std::vector<std::unique_ptr<Device>> devices_;
    std::atomic<int> init_count_{0};
    std::string init_config_;
    std::atomic<int> default_device_{-1};
    std::vector<std::function<void(int)>> teardown_;
};

SOFTNPU_API Runtime &runtime();

/// Let running tasks finish before the process goes down. Engines call it after loading a library
/// whose static objects their tasks use, so that the wait happens before those are destroyed.
SOFTNPU_API void quiesce_at_exit() noexcept;

}  // namespace softnpu
