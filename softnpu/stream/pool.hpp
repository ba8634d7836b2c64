// The worker threads that drain streams.
#pragma once

#include <atomic>
#include <condition_variable>
#include <cstdint>
#include <deque>
#include <mutex>

#include "softnpu/core/export.hpp"
#include "softnpu/stream/stream.hpp"

namespace softnpu {

class SOFTNPU_API Pool {
  public:
    /// Queue a stream for a worker. The caller may hold that stream's mutex.
    void schedule(StreamRef stream);

    /// More streams are waiting for a worker.
    bool has_waiting() const noexcept { return waiting_.load(std::memory_order_relaxed) > 0; }

    /// Around code of the program that may block: a stand-in worker keeps the pool at its size.
    void enter_user_code();
    void leave_user_code();

    /// A thread entered / left engine work. After quiesce() nobody enters any more.
    bool enter_work() noexcept;
    void leave_work() noexcept;
    /// For process exit: stop taking work and wait until no engine task runs.
    void quiesce() noexcept;

  private:
    friend SOFTNPU_API Pool &pool();
    explicit Pool(int size) : size_(size) {}
    void start_worker_locked();
    void work();
    bool next(std::unique_lock<std::mutex> &lock, StreamRef &stream, bool &warm);
    void spin() noexcept;

    const int size_;
    std::mutex mutex_;  // leaf lock
    std::condition_variable wake_;
    std::deque<StreamRef> ready_;
    std::atomic<int> waiting_{0};
    std::atomic<bool> spinning_{false};
    std::atomic<int> working_{0};
    std::atomic<bool> stopped_{false};
    int workers_ = 0;
    int idle_ = 0;
    int in_user_code_ = 0;
};

SOFTNPU_API Pool &pool();

}  // namespace softnpu
