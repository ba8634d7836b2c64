#include "softnpu/dvpp/output_line.hpp"

#include <chrono>
#include <exception>
#include <utility>

#include "softnpu/core/device.hpp"
#include "softnpu/core/log.hpp"
#include "softnpu/core/status.hpp"

namespace softnpu {

int OutputLine::open(const ContextRef &context) {
    return create_stream(context->device(), context.handle(), {}, stream_);
}

void OutputLine::close() {
    end_own_stream(stream_);
    std::deque<Work> left;  // ends outside the lock
    const std::lock_guard<std::mutex> lock(mutex_);
    left.swap(waiting_);
    moved_.notify_all();
}

void OutputLine::add(const std::shared_ptr<void> &owner, Work work, bool alone) {
    {
        std::unique_lock<std::mutex> lock(mutex_);
        waiting_.push_back(std::move(work));
        moved_.wait(lock, [this] { return waiting_.size() <= kMost || !running_; });
        if (waiting_.size() > kMost) {  // no worker came: they may all be decoding
            run_locked(lock);
            return;
        }
        if (running_ || (!alone && waiting_.size() < 2)) return;  // who runs takes it along
    }
    schedule_or_run(owner);
}

void OutputLine::start(const std::shared_ptr<void> &owner) {
    {
        const std::lock_guard<std::mutex> lock(mutex_);
        if (running_ || waiting_.empty()) return;
    }
    schedule_or_run(owner);
}

void OutputLine::schedule_or_run(const std::shared_ptr<void> &owner) {
    if (schedule(owner) == 0) return;
    // The context goes and took the line's stream first; the caller's is still at work.
    take_message();
    std::unique_lock<std::mutex> lock(mutex_);
    run_locked(lock);
}

void OutputLine::wait(const std::shared_ptr<void> &owner) {
    std::unique_lock<std::mutex> lock(mutex_);
    while (running_ || !waiting_.empty()) {
        // An abort of the device's streams may have dropped the task that would do the work.
        lock.unlock();
        const int code = schedule(owner);
        lock.lock();
        if (code != 0) return;
        moved_.wait_for(lock, std::chrono::milliseconds(100));
    }
}

int OutputLine::schedule(const std::shared_ptr<void> &owner) {
    return stream_->submit("write decoded pictures", [this, owner] {
        std::unique_lock<std::mutex> lock(mutex_);
        run_locked(lock);
        return 0;
    });
}

/// One thread at a time works; it takes along what is added meanwhile.
void OutputLine::run_locked(std::unique_lock<std::mutex> &lock) {
    if (running_) return;
    running_ = true;
    while (!waiting_.empty()) {
        Work work = std::move(waiting_.front());
        waiting_.pop_front();
        lock.unlock();
        try {
            work();
        } catch (const std::exception &error) {
            log(LogLevel::error, "a decoded picture was not written: %s", error.what());
        }
        work = nullptr;  // ends outside the lock
        lock.lock();
        moved_.notify_all();
    }
    running_ = false;
    moved_.notify_all();
}

}  // namespace softnpu
