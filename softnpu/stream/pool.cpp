#include "softnpu/stream/pool.hpp"

#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <system_error>

#include "softnpu/core/config.hpp"
#include "softnpu/core/counters.hpp"
#include "softnpu/core/device.hpp"
#include "softnpu/core/fork.hpp"
#include "softnpu/core/log.hpp"
#include "softnpu/core/status.hpp"
#include "softnpu/stream/clock.hpp"
#include "softnpu/stream/thread.hpp"

namespace softnpu {
namespace {

constexpr uint64_t kSpinNs = 20'000;
constexpr int kMostWorkers = 1024;

thread_local bool t_is_worker = false;

}  // namespace

Pool &pool() {
    static auto *instance = new Pool(config().threads);  // workers outlive static destruction
    return *instance;
}

void Pool::schedule(StreamRef stream) {
    std::lock_guard<std::mutex> lock(mutex_);
    ready_.push_back(std::move(stream));
    waiting_.fetch_add(1, std::memory_order_release);
    if (spinning_.load(std::memory_order_relaxed)) return;  // that worker sees waiting_
    if (idle_ > 0) {
        wake_.notify_one();
    } else if (workers_ - in_user_code_ < size_) {
        start_worker_locked();
    }
}

void Pool::start_worker_locked() {
    if (workers_ >= kMostWorkers) return;
    if (workers_ == 0) {
        note_started();
        quiesce_at_exit();
    }
    try {
        start_thread("softnpu", [this] { work(); });
    } catch (const std::system_error &error) {
        if (workers_ == 0) throw;
        log(LogLevel::error, "cannot start another worker thread: %s", error.what());
        return;
    }
    ++workers_;
    count(counters().worker_threads);
}

void Pool::work() {
    t_is_worker = true;
    bool warm = false;
    StreamRef stream;
    std::unique_lock<std::mutex> lock(mutex_);
    while (next(lock, stream, warm)) {
        lock.unlock();
        warm = stream->run_turn();  // work tends to be followed by more
        stream.reset();
        lock.lock();
    }
    --workers_;
    uncount(counters().worker_threads);
}

/// Takes the next stream; false when this worker is one too many.
bool Pool::next(std::unique_lock<std::mutex> &lock, StreamRef &stream, bool &warm) {
    while (ready_.empty()) {
        if (workers_ - in_user_code_ > size_) return false;
        if (warm && !spinning_.exchange(true, std::memory_order_relaxed)) {
            warm = false;
            lock.unlock();
            spin_until([this] { return has_waiting(); }, kSpinNs);
            lock.lock();
            spinning_.store(false, std::memory_order_relaxed);
            continue;
        }
        ++idle_;
        wake_.wait(lock);
        --idle_;
    }
    stream = std::move(ready_.front());
    ready_.pop_front();
    waiting_.fetch_sub(1, std::memory_order_relaxed);
    // schedule() wakes nobody while a worker spins, so whoever takes a stream passes the rest on.
    if (!ready_.empty()) {
        if (idle_ > 0) {
            wake_.notify_one();
        } else if (workers_ - in_user_code_ < size_) {
            start_worker_locked();
        }
    }
    return true;
}

void Pool::enter_user_code() {
    if (!t_is_worker) return;
    std::lock_guard<std::mutex> lock(mutex_);
    ++in_user_code_;
    if (ready_.empty()) return;
    if (idle_ > 0) {
        wake_.notify_one();
    } else if (workers_ - in_user_code_ < size_) {
        start_worker_locked();
    }
}

void Pool::leave_user_code() {
    if (!t_is_worker) return;
    std::lock_guard<std::mutex> lock(mutex_);
    --in_user_code_;
}

bool Pool::enter_work() noexcept {
    working_.fetch_add(1, std::memory_order_seq_cst);
    if (!stopped_.load(std::memory_order_seq_cst)) return true;
    working_.fetch_sub(1, std::memory_order_release);
    return false;
}

void Pool::leave_work() noexcept {
    working_.fetch_sub(1, std::memory_order_release);
}

void Pool::quiesce() noexcept {
    constexpr uint64_t kPatienceNs = 30'000'000'000;
    stopped_.store(true, std::memory_order_seq_cst);
    const uint64_t end = now_ns() + kPatienceNs;
    while (working_.load(std::memory_order_seq_cst) > 0 && now_ns() < end) usleep(200);
}

void quiesce_at_exit() noexcept {
    std::atexit([] {
        if (!in_forked_child()) pool().quiesce();
    });
}

}  // namespace softnpu
