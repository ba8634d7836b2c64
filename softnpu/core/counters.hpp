// Counters that prove what happened: nothing copied, nothing leaked.
//
// Cumulative counters only grow until counters().reset(); live ones follow objects and are not
// reset.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>

#include "softnpu/core/export.hpp"

namespace softnpu {

#define SOFTNPU_CUMULATIVE_COUNTERS(X) \
    X(device_allocations)              \
    X(cached_allocations)              \
    X(host_allocations)                \
    X(dvpp_allocations)                \
    X(himpi_allocations)               \
    X(bytes_h2h)                       \
    X(bytes_h2d)                       \
    X(bytes_d2h)                       \
    X(bytes_d2d)                       \
    X(copies_h2h)                      \
    X(copies_h2d)                      \
    X(copies_d2h)                      \
    X(copies_d2d)                      \
    X(bytes_set)                       \
    X(bytes_staged)                    \
    X(tasks_queued)                    \
    X(tasks_completed)                 \
    X(tasks_failed)                    \
    X(model_executions)                \
    X(op_executions)                   \
    X(frames_decoded)                  \
    X(frames_encoded)                  \
    X(images_processed)                \
    X(unsupported_calls)

#define SOFTNPU_LIVE_COUNTERS(X) \
    X(live_device_allocations)   \
    X(live_cached_allocations)   \
    X(live_host_allocations)     \
    X(live_dvpp_allocations)     \
    X(live_himpi_allocations)    \
    X(live_device_bytes)         \
    X(live_cached_bytes)         \
    X(live_host_bytes)           \
    X(live_dvpp_bytes)           \
    X(live_himpi_bytes)          \
    X(live_registered_hosts)     \
    X(live_physical_memory)      \
    X(live_reserved_addresses)   \
    X(live_contexts)             \
    X(live_streams)              \
    X(live_events)               \
    X(live_notifies)             \
    X(live_data_buffers)         \
    X(live_tensor_descs)         \
    X(live_datasets)             \
    X(live_models)               \
    X(live_model_descs)          \
    X(live_configs)              \
    X(live_subscriptions)        \
    X(live_op_attrs)             \
    X(live_op_handles)           \
    X(live_prof_objects)         \
    X(live_dvpp_descs)           \
    X(live_media_channels)       \
    X(worker_threads)

/// A counter on a cache line of its own would cost more memory traffic than it saves: adds are
/// relaxed and rare against the work they count.
struct Counters {
    using Value = std::atomic<uint64_t>;
#define SOFTNPU_DECLARE(name) Value name{0};
    SOFTNPU_CUMULATIVE_COUNTERS(SOFTNPU_DECLARE)
    SOFTNPU_LIVE_COUNTERS(SOFTNPU_DECLARE)
#undef SOFTNPU_DECLARE

    /// Zero the cumulative counters.
    SOFTNPU_API void reset() noexcept;
};

SOFTNPU_API Counters &counters() noexcept;

inline void count(Counters::Value &counter, uint64_t amount = 1) noexcept {
    counter.fetch_add(amount, std::memory_order_relaxed);
}
inline void uncount(Counters::Value &counter, uint64_t amount = 1) noexcept {
    counter.fetch_sub(amount, std::memory_order_relaxed);
}

/// Number of counters, and name and value of one of them by index.
SOFTNPU_API size_t counter_count() noexcept;
SOFTNPU_API const char *counter_name(size_t index) noexcept;
SOFTNPU_API uint64_t counter_value(size_t index) noexcept;

}  // namespace softnpu
