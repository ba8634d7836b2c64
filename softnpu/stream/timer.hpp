// Actions that are due at a time, for waits that may end without what they wait for.
#pragma once

#include <condition_variable>
#include <cstdint>
#include <functional>
#include <map>
#include <mutex>
#include <utility>

namespace softnpu {

/// One thread runs the actions of all timers. It starts with the first of them.
class Timer {
  public:
    using Action = std::function<void()>;
    /// When it is due (ns, as now_ns()) and a number that tells equal times apart.
    using Ticket = std::pair<uint64_t, uint64_t>;

    Ticket start(uint64_t due_ns, Action action);
    /// Drop the action unless it has started. Does not wait for one that runs.
    void cancel(const Ticket &ticket);

  private:
    friend Timer &timer();
    Timer() = default;
    void work();

    std::mutex mutex_;  // leaf lock
    std::condition_variable changed_;
    std::map<Ticket, Action> actions_;
    uint64_t count_ = 0;
    bool working_ = false;
};

Timer &timer();

}  // namespace softnpu
