#include "softnpu/stream/timer.hpp"

#include <chrono>

#include "softnpu/stream/clock.hpp"
#include "softnpu/stream/thread.hpp"

namespace softnpu {

Timer &timer() {
    static auto *instance = new Timer;  // its thread outlives static destruction
    return *instance;
}

Timer::Ticket Timer::start(uint64_t due_ns, Action action) {
    std::lock_guard<std::mutex> lock(mutex_);
    if (!working_) {
        start_thread("softnpu-timer", [this] { work(); });
        working_ = true;
    }
    const Ticket ticket(due_ns, ++count_);
    const auto added = actions_.emplace(ticket, std::move(action)).first;
    if (added == actions_.begin()) changed_.notify_one();
    return ticket;
}

void Timer::cancel(const Ticket &ticket) {
    decltype(actions_)::node_type dropped;  // its captures die without the lock
    std::lock_guard<std::mutex> lock(mutex_);
    dropped = actions_.extract(ticket);
}

void Timer::work() {
    using Time = std::chrono::steady_clock::time_point;
    std::unique_lock<std::mutex> lock(mutex_);
    for (;;) {
        if (actions_.empty()) {
            changed_.wait(lock);
            continue;
        }
        const uint64_t due_ns = actions_.begin()->first.first;
        if (now_ns() < due_ns) {
            changed_.wait_until(lock, Time(std::chrono::nanoseconds(due_ns)));
            continue;
        }
        auto due = actions_.extract(actions_.begin());
        lock.unlock();
        due.mapped()();
        due = {};
        lock.lock();
    }
}

}  // namespace softnpu
