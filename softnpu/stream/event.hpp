// Events: markers in streams that other streams and threads can wait for.
//
// Each record captures the work queued so far under a number of its own. A wait remembers the
// number current when it was issued, so a later record does not disturb it.
#pragma once

#include <atomic>
#include <condition_variable>
#include <cstdint>
#include <mutex>
#include <vector>

#include "softnpu/core/export.hpp"
#include "softnpu/core/handle.hpp"
#include "softnpu/stream/stream.hpp"

namespace softnpu {

/// Which creation function made it; they differ in what they may be used for.
enum class EventKind : uint8_t { plain, with_flag, extended };

class Event;
using EventTable = HandleTable<Event, HandleType::event>;
using EventRef = EventTable::Ref;
SOFTNPU_API EventTable &event_table() noexcept;

class SOFTNPU_API Event {
  public:
    Event(Device &device, EventKind kind, uint32_t flags);
    ~Event();

    Device &device() const noexcept { return device_; }
    EventKind kind() const noexcept { return kind_; }
    uint32_t flags() const noexcept { return flags_; }
    bool keeps_time() const noexcept;

    int record(Stream &stream);
    int wait_on(Stream &stream);
    int reset_on(Stream &stream);

    bool ever_recorded() const;
    /// The latest record has been reached (false when never recorded or reset since).
    bool is_complete() const;
    bool waits_complete() const noexcept { return pending_waits_.load() == 0; }
    /// Wait for the latest record; 0 or 507047.
    int synchronize(int64_t timeout_ms);
    /// Time of the latest record in ns; 107006 when not recorded or not reached yet.
    int timestamp(uint64_t *nanoseconds) const;

  private:
    struct Waiter {
        uint64_t capture;
        StreamRef stream;
        uint64_t token;
    };

    void reach(uint64_t capture);
    bool is_reached_locked(uint64_t capture) const;
    Outcome wait_or_park(uint64_t capture, Stream &stream);

    Device &device_;
    const EventKind kind_;
    const uint32_t flags_;

    mutable std::mutex mutex_;  // leaf: no other mutex is taken while it is held
    std::condition_variable reached_;
    uint64_t captures_ = 0;                // number of the latest record
    const void *recorder_ = nullptr;       // handle of the stream it is in, a hint for helping
    uint64_t reached_upto_ = 0;            // all captures up to this one have been reached
    std::vector<uint64_t> reached_early_;  // and these beyond it (records on several streams)
    uint64_t reset_upto_ = 0;
    uint64_t time_capture_ = 0;  // the capture that time_ns_ belongs to
    uint64_t time_ns_ = 0;
    std::vector<Waiter> waiters_;
    std::atomic<uint32_t> pending_waits_{0};
};

SOFTNPU_API int create_event(EventKind kind, uint32_t flags, void **handle);
/// Does not wait: tasks that use the event keep it.
SOFTNPU_API int destroy_event(const void *handle);
/// Destroys what is left on a device that closes; the references keep the events themselves alive.
std::vector<EventRef> remove_events(const Device &device);
SOFTNPU_API int find_event(const void *handle, EventRef &event);

}  // namespace softnpu
