#include "softnpu/stream/notify.hpp"

#include <algorithm>

#include "acl/acl_rt.h"
#include "softnpu/core/device.hpp"
#include "softnpu/core/status.hpp"
#include "softnpu/stream/clock.hpp"
#include "softnpu/stream/timer.hpp"

namespace softnpu {

/// The task that waits. However it ends, nothing of it stays behind.
class NotifyWait {
  public:
    NotifyWait(NotifyRef notify, uint64_t timeout_ns)
        : notify_(std::move(notify)), timeout_ns_(timeout_ns) {}
    NotifyWait(NotifyWait &&other) noexcept = default;
    NotifyWait &operator=(NotifyWait &&) = delete;
    ~NotifyWait() {
        if (number_ == 0) return;
        if (timeout_ns_ > 0) timer().cancel(ticket_);
        notify_->take_waiter(number_);
    }

    Outcome operator()(Stream &stream) {
        number_ = notify_->lower_or_wait(stream);
        if (number_ == 0) return {};
        if (timeout_ns_ > 0) {
            ticket_ = timer().start(now_ns() + timeout_ns_, [notify = notify_, number = number_] {
                notify->expire(number);
            });
        }
        return {true, 0};
    }

  private:
    NotifyRef notify_;
    uint64_t timeout_ns_;
    uint64_t number_ = 0;  // not 0 once it waits; a task is not moved any more then
    Timer::Ticket ticket_;
};

NotifyTable &notify_table() noexcept {
    static auto *table = new NotifyTable;  // outlives static destruction
    return *table;
}

int Notify::record(Stream &stream) {
    return stream.submit(
        "aclrtRecordNotify",
        [notify = NotifyTable::share(this)] {
            notify->raise();
            return 0;
        },
        TaskKind::marker);
}

int Notify::wait_on(Stream &stream, uint64_t timeout_ns) {
    return stream.submit("aclrtWaitAndResetNotify",
                         NotifyWait(NotifyTable::share(this), timeout_ns));
}

void Notify::raise() {
    for (;;) {
        Waiter first;
        {
            std::lock_guard<std::mutex> lock(mutex_);
            if (waiters_.empty()) {
                raised_ = true;
                return;
            }
            first = std::move(waiters_.front());
            waiters_.pop_front();
        }
        if (first.stream->resume(first.token)) return;  // else it was aborted: on to the next
    }
}

uint64_t Notify::lower_or_wait(Stream &stream) {
    std::lock_guard<std::mutex> lock(mutex_);
    if (std::exchange(raised_, false)) return 0;
    waiters_.push_back({++waits_, StreamTable::share(&stream), stream.park_token()});
    return waits_;
}

/// The waiter, which no record reaches any more; empty when one has.
Notify::Waiter Notify::take_waiter(uint64_t number) {
    std::lock_guard<std::mutex> lock(mutex_);
    const auto found =
        std::find_if(waiters_.begin(), waiters_.end(),
                     [number](const Waiter &waiter) { return waiter.number == number; });
    if (found == waiters_.end()) return {};
    Waiter taken = std::move(*found);
    waiters_.erase(found);
    return taken;
}

void Notify::expire(uint64_t number) {
    const Waiter waiter = take_waiter(number);
    if (!waiter.stream) return;
    waiter.stream->resume(waiter.token, ACL_ERROR_RT_WAIT_TIMEOUT,
                          "the notify was not recorded in time; record it in another stream with "
                          "aclrtRecordNotify, or wait longer (timeout is in seconds, 0 for ever)");
}

int create_notify(void **handle) {
    ContextRef context;
    if (int code = current_context(context)) return code;
    Device &device = context->device();
    if (device.notifies.fetch_add(1) >= config().soc.max_notifies) {
        device.notifies.fetch_sub(1);
        return fail(ACL_ERROR_RT_NO_NOTIFY_RESOURCE,
                    "device %d has %d notifies, the most an %s has; destroy some", device.id(),
                    config().soc.max_notifies, config().soc_name.c_str());
    }
    try {
        *handle = notify_table().create(device).handle();
    } catch (...) {
        device.notifies.fetch_sub(1);
        throw;
    }
    return 0;
}

int find_notify(const void *handle, NotifyRef &notify) {
    notify = notify_table().find(handle);
    if (notify) return 0;
    return fail(ACL_ERROR_RT_PARAM_INVALID,
                "%p is not a live notify: never created, or destroyed already", handle);
}

int destroy_notify(const void *handle) {
    const NotifyRef notify = notify_table().remove(handle);
    if (!notify) {
        return fail(ACL_ERROR_RT_PARAM_INVALID,
                    "%p is not a live notify: never created, or destroyed already", handle);
    }
    notify->device().notifies.fetch_sub(1);
    return 0;
}

std::vector<NotifyRef> remove_notifies(const Device &device) {
    std::vector<NotifyRef> found;
    notify_table().for_each([&](NotifyRef notify) {
        if (&notify->device() == &device) found.push_back(std::move(notify));
    });
    for (const NotifyRef &notify : found)
        if (notify_table().remove(notify.handle())) notify->device().notifies.fetch_sub(1);
    return found;
}

}  // namespace softnpu
