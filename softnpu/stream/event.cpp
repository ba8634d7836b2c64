#include "softnpu/stream/event.hpp"

#include <algorithm>
#include <chrono>

#include "acl/acl_rt.h"
#include "softnpu/core/device.hpp"
#include "softnpu/core/status.hpp"
#include "softnpu/stream/clock.hpp"

namespace softnpu {
namespace {

/// Counts a wait as pending for as long as its task exists, also when the task is dropped.
class PendingWait {
  public:
    PendingWait(EventRef event, std::atomic<uint32_t> &pending)
        : event_(std::move(event)), pending_(&pending) {
        pending_->fetch_add(1);
    }
    PendingWait(PendingWait &&other) noexcept
        : event_(std::move(other.event_)), pending_(std::exchange(other.pending_, nullptr)) {}
    PendingWait &operator=(PendingWait &&) = delete;
    ~PendingWait() {
        if (pending_ != nullptr) pending_->fetch_sub(1);
    }
    Event &event() const noexcept { return *event_; }

  private:
    EventRef event_;
    std::atomic<uint32_t> *pending_;
};

}  // namespace

EventTable &event_table() noexcept {
    static auto *table = new EventTable;  // outlives static destruction
    return *table;
}

Event::Event(Device &device, EventKind kind, uint32_t flags)
    : device_(device), kind_(kind), flags_(flags) {}

Event::~Event() = default;

bool Event::keeps_time() const noexcept {
    return kind_ == EventKind::plain || (flags_ & ACL_EVENT_TIME_LINE) != 0;
}

int Event::record(Stream &stream) {
    uint64_t capture = 0;
    const void *recorder = StreamTable::share(&stream).handle();
    {
        std::lock_guard<std::mutex> lock(mutex_);
        capture = ++captures_;
        recorder_ = recorder;
    }
    const int code = stream.submit(
        "aclrtRecordEvent",
        [event = EventTable::share(this), capture] {
            event->reach(capture);
            return 0;
        },
        TaskKind::marker);
    if (code != 0) reach(capture);  // nobody may wait for a record that will not happen
    return code;
}

int Event::wait_on(Stream &stream) {
    uint64_t capture = 0;
    {
        std::lock_guard<std::mutex> lock(mutex_);
        capture = captures_;
        if (capture == 0 || is_reached_locked(capture)) return 0;
    }
    return stream.submit(
        "aclrtStreamWaitEvent",
        [pending = PendingWait(EventTable::share(this), pending_waits_), capture](Stream &waiting) {
            return pending.event().wait_or_park(capture, waiting);
        });
}

int Event::reset_on(Stream &stream) {
    uint64_t capture = 0;
    {
        std::lock_guard<std::mutex> lock(mutex_);
        capture = captures_;
    }
    return stream.submit("aclrtResetEvent", [event = EventTable::share(this), capture] {
        std::lock_guard<std::mutex> lock(event->mutex_);
        event->reset_upto_ = std::max(event->reset_upto_, capture);
        return 0;
    });
}

Outcome Event::wait_or_park(uint64_t capture, Stream &stream) {
    std::lock_guard<std::mutex> lock(mutex_);
    if (is_reached_locked(capture)) return {};
    waiters_.push_back({capture, StreamTable::share(&stream), stream.park_token()});
    if (capture == captures_) stream.set_waits_for(recorder_);
    return {true, 0};
}

bool Event::is_reached_locked(uint64_t capture) const {
    return capture <= reached_upto_ ||
           std::find(reached_early_.begin(), reached_early_.end(), capture) != reached_early_.end();
}

void Event::reach(uint64_t capture) {
    const uint64_t time = now_ns();
    std::vector<Waiter> ready;
    {
        std::lock_guard<std::mutex> lock(mutex_);
        if (capture > time_capture_) {
            time_capture_ = capture;
            time_ns_ = time;
        }
        reached_early_.push_back(capture);
        const auto next_reached = [this] {
            return std::find(reached_early_.begin(), reached_early_.end(), reached_upto_ + 1);
        };
        for (auto next = next_reached(); next != reached_early_.end(); next = next_reached()) {
            ++reached_upto_;
            reached_early_.erase(next);
        }
        const auto pending = std::partition(
            waiters_.begin(), waiters_.end(),
            [this](const Waiter &waiter) { return !is_reached_locked(waiter.capture); });
        std::move(pending, waiters_.end(), std::back_inserter(ready));
        waiters_.erase(pending, waiters_.end());
        reached_.notify_all();
    }
    for (const Waiter &waiter : ready) waiter.stream->resume(waiter.token);
}

bool Event::ever_recorded() const {
    std::lock_guard<std::mutex> lock(mutex_);
    return captures_ > 0;
}

bool Event::is_complete() const {
    std::lock_guard<std::mutex> lock(mutex_);
    return captures_ > reset_upto_ && is_reached_locked(captures_);
}

int Event::synchronize(int64_t timeout_ms) {
    using Clock = std::chrono::steady_clock;
    const auto until = Clock::now() + std::chrono::milliseconds(timeout_ms);
    std::unique_lock<std::mutex> lock(mutex_);
    const uint64_t capture = captures_;
    const StreamRef recorder = stream_table().find(recorder_);
    while (!is_reached_locked(capture)) {
        if (timeout_ms < 0 && recorder) {
            lock.unlock();
            const bool helped = recorder->help_one();
            lock.lock();
            if (helped || is_reached_locked(capture)) continue;
        }
        if (timeout_ms < 0) {
            reached_.wait(lock);
        } else if (reached_.wait_until(lock, until) == std::cv_status::timeout) {
            if (is_reached_locked(capture)) break;
            return fail(ACL_ERROR_RT_EVENT_SYNC_TIMEOUT,
                        "the event has not been reached within %lld ms",
                        static_cast<long long>(timeout_ms));
        }
    }
    return 0;
}

int Event::timestamp(uint64_t *nanoseconds) const {
    std::lock_guard<std::mutex> lock(mutex_);
    if (!keeps_time()) {
        return fail(ACL_ERROR_RT_EVENT_TIMESTAMP_INVALID,
                    "the event keeps no time; create it with ACL_EVENT_TIME_LINE");
    }
    if (captures_ == 0 || !is_reached_locked(captures_) || captures_ <= reset_upto_) {
        return fail(ACL_ERROR_RT_EVENT_TIMESTAMP_INVALID,
                    "the event %s; record it and synchronise first",
                    captures_ == 0 ? "was never recorded" : "has not been reached yet");
    }
    *nanoseconds = time_ns_;
    return 0;
}

int create_event(EventKind kind, uint32_t flags, void **handle) {
    ContextRef context;
    if (int code = current_context(context)) return code;
    Device &device = context->device();
    // Plain and extended events take a hardware event only while a record is in flight.
    if (kind == EventKind::with_flag) {
        if (device.hardware_events.fetch_add(1) >= config().soc.max_events) {
            device.hardware_events.fetch_sub(1);
            return fail(ACL_ERROR_RT_NO_EVENT_RESOURCE,
                        "device %d has %d events with flags, the most an %s has; destroy some, or "
                        "use aclrtCreateEvent",
                        device.id(), config().soc.max_events, config().soc_name.c_str());
        }
    }
    *handle = event_table().create(device, kind, flags).handle();
    return 0;
}

int find_event(const void *handle, EventRef &event) {
    event = event_table().find(handle);
    if (event) return 0;
    return fail(ACL_ERROR_RT_PARAM_INVALID,
                "%p is not a live event: never created, or destroyed already", handle);
}

namespace {

EventRef remove_event(const void *handle) {
    EventRef event = event_table().remove(handle);
    if (event && event->kind() == EventKind::with_flag)
        event->device().hardware_events.fetch_sub(1);
    return event;
}

}  // namespace

int destroy_event(const void *handle) {
    const EventRef event = remove_event(handle);
    if (!event) {
        return fail(ACL_ERROR_RT_PARAM_INVALID,
                    "%p is not a live event: never created, or destroyed already", handle);
    }
    return 0;
}

std::vector<EventRef> remove_events(const Device &device) {
    std::vector<EventRef> found;
    event_table().for_each([&](EventRef event) {
        if (&event->device() == &device) found.push_back(std::move(event));
    });
    for (const EventRef &event : found) remove_event(event.handle());
    return found;
}

}  // namespace softnpu
