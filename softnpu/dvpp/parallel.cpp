#include "softnpu/dvpp/parallel.hpp"

#include <atomic>
#include <condition_variable>
#include <exception>
#include <mutex>
#include <system_error>
#include <thread>
#include <utility>

#include "softnpu/core/config.hpp"

namespace softnpu {
namespace {

/// Threads that help one loop at a time. Never destroyed: they may run while static objects die.
class Helpers {
  public:
    Helpers() {
        try {
            for (int i = 1; i < config().threads; ++i) std::thread([this] { serve(); }).detach();
        } catch (const std::system_error &) {
            // Fewer helpers, down to none: loops only take longer.
        }
    }

    /// False when another loop has the helpers.
    bool run(size_t count, const std::function<void(size_t)> &body) {
        const std::unique_lock<std::mutex> turn(turn_, std::try_to_lock);
        if (!turn.owns_lock()) return false;
        {
            const std::lock_guard<std::mutex> lock(mutex_);
            body_ = &body;
            count_ = count;
            next_ = 0;
            ++loop_;
        }
        begun_.notify_all();
        work(count, body);
        std::exception_ptr failure;
        {
            std::unique_lock<std::mutex> lock(mutex_);
            body_ = nullptr;  // who has not joined yet stays out
            ended_.wait(lock, [this] { return busy_ == 0; });
            failure = std::exchange(failure_, nullptr);
        }
        if (failure) std::rethrow_exception(failure);
        return true;
    }

  private:
    void work(size_t count, const std::function<void(size_t)> &body) {
        try {
            for (size_t i = next_++; i < count; i = next_++) body(i);
        } catch (...) {
            // Told to the caller when every helper has let go of its `body`.
            const std::lock_guard<std::mutex> lock(mutex_);
            if (!failure_) failure_ = std::current_exception();
        }
    }

    void serve() {
        uint64_t seen = 0;
        std::unique_lock<std::mutex> lock(mutex_);
        for (;;) {
            begun_.wait(lock, [&] { return body_ != nullptr && loop_ != seen; });
            seen = loop_;
            const auto *body = body_;
            const size_t count = count_;
            ++busy_;
            lock.unlock();
            work(count, *body);
            lock.lock();
            if (--busy_ == 0) ended_.notify_all();
        }
    }

    std::mutex turn_;   // held for one loop; outside mutex_
    std::mutex mutex_;  // leaf lock
    std::condition_variable begun_, ended_;
    const std::function<void(size_t)> *body_ = nullptr;
    size_t count_ = 0;
    std::atomic<size_t> next_{0};
    uint64_t loop_ = 0;
    int busy_ = 0;
    std::exception_ptr failure_;  // the first of the loop
};

}  // namespace

void parallel_for(size_t count, const std::function<void(size_t)> &body) {
    static auto *helpers = new Helpers;
    if (count > 1 && helpers->run(count, body)) return;
    for (size_t i = 0; i < count; ++i) body(i);
}

}  // namespace softnpu
