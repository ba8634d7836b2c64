// What a decoder channel does with its pictures, behind the task that decodes.
//
// One of libavcodec's frame threads stands still while nobody feeds it. So the task that feeds them
// hands each picture on, and a stream of its own writes and reports them in the same order.
#pragma once

#include <condition_variable>
#include <cstddef>
#include <deque>
#include <functional>
#include <memory>
#include <mutex>

#include "softnpu/core/context.hpp"
#include "softnpu/stream/stream.hpp"

namespace softnpu {

class OutputLine {
  public:
    using Work = std::function<void()>;

    int open(const ContextRef &context);
    /// Waits for the work that runs, and forgets the rest. After the stream that adds has ended.
    void close();
    /// From tasks of one stream, which do the work themselves where too much waits. `owner` holds
    /// this line, and lives as long as the work. `alone` false: it may wait for the next one, so
    /// that one thread is woken for both; start() then follows.
    void add(const std::shared_ptr<void> &owner, Work work, bool alone = true);
    /// Nothing is added soon.
    void start(const std::shared_ptr<void> &owner);
    /// Until everything added is done. Not from a task.
    void wait(const std::shared_ptr<void> &owner);

  private:
    void schedule_or_run(const std::shared_ptr<void> &owner);
    int schedule(const std::shared_ptr<void> &owner);
    void run_locked(std::unique_lock<std::mutex> &lock);

    static constexpr size_t kMost = 4;  // pictures that wait, and memory of libavcodec with them

    StreamRef stream_;
    std::mutex mutex_;  // leaf lock, guards what follows
    std::condition_variable moved_;
    std::deque<Work> waiting_;
    bool running_ = false;
};

}  // namespace softnpu
