#include "softnpu/stream/stream.hpp"

#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>

#include "acl/acl_base.h"
#include "softnpu/core/counters.hpp"
#include "softnpu/core/device.hpp"
#include "softnpu/core/status.hpp"
#include "softnpu/stream/clock.hpp"
#include "softnpu/stream/failure.hpp"
#include "softnpu/stream/pool.hpp"

namespace softnpu {
namespace {

constexpr int kTurn = 16;  // tasks before other streams that wait get the worker
constexpr uint32_t kFirstCapacity = 16;
constexpr uint64_t kSpinNs = 8'000;

std::atomic<uint32_t> g_task_ids{0};

thread_local Stream *t_running = nullptr;  // the stream whose task this thread runs

uint32_t kernel_thread_id() {
    static thread_local const auto id = static_cast<uint32_t>(syscall(SYS_gettid));
    return id;
}

}  // namespace

Stream::Stream(Device &device, const void *context, int id, StreamOptions options)
    : device_(device), context_(context), id_(id), options_(options) {}

Stream::~Stream() = default;

int Stream::enqueue(Task task) {
    task.thread_id = kernel_thread_id();
    Lock lock(mutex_);
    // A thread that runs tasks must not wait for room: it may be the one that would make it.
    while (queued_ >= kDepth && t_running == nullptr && !refuses_locked()) {
        ++waiting_for_room_;
        changed_.wait(lock);
        --waiting_for_room_;
    }
    if (refuses_locked()) {
        return fail(ACL_ERROR_RT_PARAM_INVALID,
                    "the stream is being destroyed, alone or with its context or device; submit "
                    "before, or to another stream");
    }
    if (failure_.code != 0 && stop_on_failure()) {
        return fail(failure_.code, "stream %d stopped on an earlier failure: %s", id_,
                    failure_.message.c_str());
    }
    task.id = g_task_ids.fetch_add(1, std::memory_order_relaxed) + 1;
    thread_state().last_task = task.id;
    push_locked(std::move(task));
    return 0;
}

bool Stream::refuses_locked() const {
    if (closed_ || !sealed_) return closed_;
    // A decoder's task hands its pictures to another stream: that is part of what was submitted
    // before. Code of the program may go on for ever.
    return t_running == nullptr || t_running->current_.kind() == TaskKind::user;
}

void Stream::push_locked(Task &&task) {
    if (queued_ == capacity_) grow_locked();
    ring_[(head_ + queued_) & (capacity_ - 1)] = std::move(task);
    ++queued_;
    ++submitted_;
    count(counters().tasks_queued);
    schedule_locked();
}

void Stream::grow_locked() {
    const uint32_t capacity = capacity_ == 0 ? kFirstCapacity : capacity_ * 2;
    auto ring = std::make_unique<Task[]>(capacity);
    for (uint32_t i = 0; i < queued_; ++i) {
        ring[i] = std::move(ring_[(head_ + i) & (capacity_ - 1)]);
    }
    ring_ = std::move(ring);
    capacity_ = capacity;
    head_ = 0;
}

void Stream::schedule_locked() {
    if (running_ || parked_ || scheduled_) return;
    scheduled_ = true;
    pool().schedule(StreamTable::share(this));
}

bool Stream::run_turn() {
    Lock lock(mutex_);
    scheduled_ = false;
    if (running_ || parked_ || queued_ == 0) return false;
    running_ = true;
    drain(lock, kNever, kNever, false);
    return true;
}

bool Stream::help_one(uint64_t until) {
    Lock lock(mutex_);
    if (!may_help_locked(until)) return false;
    running_ = true;
    drain(lock, completed_.load(std::memory_order_relaxed) + 1, until, true);
    return true;
}

/// Entered with running_ set by this thread; leaves with it cleared.
void Stream::drain(Lock &lock, uint64_t target, uint64_t until, bool helping) {
    for (int ran = 0; queued_ > 0; ++ran) {
        if (helping ? completed_.load(std::memory_order_relaxed) >= target ||
                          ring_[head_].kind() == TaskKind::user || !ends_before(until)
                    : ran >= kTurn && pool().has_waiting()) {
            break;
        }
        current_ = std::move(ring_[head_]);
        head_ = (head_ + 1) & (capacity_ - 1);
        --queued_;
        ++park_token_;
        waits_for_ = nullptr;
        resumed_ = false;
        const bool skip =
            failure_.code != 0 && stop_on_failure() && current_.kind() != TaskKind::marker;
        lock.unlock();
        Failure failure;
        Outcome outcome = skip ? Outcome{} : run_current(failure);
        if (!outcome.parked) current_.clear();  // may end other objects: not under the lock
        lock.lock();
        if (outcome.parked) {
            if (!resumed_) {
                parked_ = true;
                running_ = false;
                return;
            }
            outcome.status = resume_status_;
            const char *const reason = resume_reason_;
            lock.unlock();
            fail_wait(outcome.status, reason, failure);
            current_.clear();
            lock.lock();
        }
        finish_locked(outcome.status, failure);
    }
    running_ = false;
    if (queued_ > 0) schedule_locked();
}

Outcome Stream::run_current(Failure &failure) {
    const bool user = current_.kind() == TaskKind::user;
    const bool marker = current_.kind() == TaskKind::marker;
    EntryScope scope(current_.name());
    ContextScope context(context_);
    take_message();  // what is pending after the task is the task's
    Outcome outcome;
    if (!user && !marker && !pool().enter_work()) {
        outcome.status = fail(ACL_ERROR_RT_FAILURE, "the process is exiting");
    } else {
        Stream *const outer = std::exchange(t_running, this);
        const uint64_t started = now_ns();
        if (user) pool().enter_user_code();
        try {
            outcome = current_.run(*this);
        } catch (...) {
            outcome.status = fail_exception();
        }
        if (user) pool().leave_user_code();
        if (!user && !marker) pool().leave_work();
        const uint64_t took = now_ns() - started;
        device_.busy_ns.fetch_add(took, std::memory_order_relaxed);
        // The slowest task counts, and is forgotten slowly: copies come between executions.
        const uint64_t known = task_ns_.load(std::memory_order_relaxed);
        task_ns_.store(known == kNever ? took : std::max(took, known - known / 8),
                       std::memory_order_relaxed);
        t_running = outer;
    }
    if (outcome.status != 0) note_failure(outcome.status, failure);
    return outcome;
}

/// Takes this thread's message as the failure of the current task.
void Stream::note_failure(int status, Failure &failure) {
    failure.code = status;
    const char *message = take_message();
    failure.message = message != nullptr ? message : std::string(current_.name()) + " failed";
    report_failure({current_.id, static_cast<uint32_t>(id_), current_.thread_id,
                    static_cast<uint32_t>(device_.id()), static_cast<uint32_t>(status)});
}

void Stream::fail_wait(int status, const char *reason, Failure &failure) {
    if (status == 0) return;
    EntryScope scope(current_.name());
    fail(status, "%s", reason);
    note_failure(status, failure);
}

void Stream::finish_locked(int status, Failure &failure) {
    count(counters().tasks_completed);
    if (status != 0) {
        count(counters().tasks_failed);
        if (failure_.code == 0) {
            failure.code = status;
            failure_ = std::move(failure);
        }
    }
    const uint64_t completed = completed_.load(std::memory_order_relaxed) + 1;
    completed_.store(completed, std::memory_order_release);
    const bool room = waiting_for_room_ > 0 && queued_ <= kDepth - kDepth / 4;
    if (completed >= wake_at_ || room) {
        wake_at_ = kNever;  // sleepers that are not served set it again
        changed_.notify_all();
    }
}

bool Stream::resume(uint64_t token, int status, const char *reason) {
    Lock lock(mutex_);
    if (token != park_token_ || !(parked_ || running_) || resumed_) return false;
    resumed_ = true;
    if (!parked_) {  // the task has not returned yet; the thread that runs it takes note
        resume_status_ = status;
        resume_reason_ = reason;
        return true;
    }
    parked_ = false;
    running_ = true;  // keeps others off current_ while the lock is open
    lock.unlock();
    Failure failure;
    fail_wait(status, reason, failure);
    current_.clear();
    lock.lock();
    finish_locked(status, failure);
    running_ = false;
    if (queued_ > 0) schedule_locked();
    return true;
}

void Stream::abort() {
    std::vector<Task> dropped;
    uint64_t token = 0;
    {
        Lock lock(mutex_);
        dropped.reserve(queued_);
        uint32_t kept = 0;
        for (uint32_t i = 0; i < queued_; ++i) {
            Task &task = ring_[(head_ + i) & (capacity_ - 1)];
            if (task.kind() != TaskKind::marker) {
                dropped.push_back(std::move(task));
            } else if (kept++ != i) {
                ring_[(head_ + kept - 1) & (capacity_ - 1)] = std::move(task);
            }
        }
        queued_ = kept;
        completed_.fetch_add(dropped.size(), std::memory_order_release);
        count(counters().tasks_completed, dropped.size());
        failure_ = {};
        ++aborts_;
        wake_at_ = kNever;
        changed_.notify_all();
        token = park_token_;
    }
    resume(token);  // a task that is parked, or about to park, ends here
}

bool Stream::is_idle() const noexcept {
    Lock lock(mutex_);
    return completed_.load(std::memory_order_relaxed) == submitted_;
}

Stream::Activity Stream::activity() const {
    Lock lock(mutex_);
    const bool idle = completed_.load(std::memory_order_relaxed) == submitted_;
    return {idle, parked_, parked_ ? waits_for_ : nullptr};
}

/// Whether a task like those before would be over at `until`. A thread that waits with a time limit
/// runs no others: nothing could call it back.
bool Stream::ends_before(uint64_t until) const {
    if (until == kNever) return true;
    const uint64_t task = task_ns_.load(std::memory_order_relaxed);
    const uint64_t now = now_ns();
    return now < until && task < until - now;
}

bool Stream::may_help_locked(uint64_t until) const {
    return !running_ && !parked_ && queued_ > 0 && t_running == nullptr &&
           ring_[head_].kind() != TaskKind::user && ends_before(until);
}

/// Do some of the work that this stream waits for, its own or that of the stream it is parked for.
bool Stream::help_locked(Lock &lock, uint64_t target, uint64_t until) {
    if (may_help_locked(until)) {
        running_ = true;
        drain(lock, target, until, true);
        return true;
    }
    if (!parked_ || waits_for_ == nullptr || t_running != nullptr) return false;
    const StreamRef other = stream_table().find(waits_for_);
    if (!other) return false;
    lock.unlock();
    const bool helped = other->help_one(until);
    lock.lock();
    return helped;
}

/// False when the time is up. An abort ends the wait too.
bool Stream::wait_done(Lock &lock, uint64_t target, int64_t timeout_ms) {
    using Clock = std::chrono::steady_clock;
    const bool timed = timeout_ms >= 0;
    const auto until = Clock::now() + std::chrono::milliseconds(timed ? timeout_ms : 0);
    const uint64_t until_ns =
        timed ? now_ns() + static_cast<uint64_t>(timeout_ms) * 1'000'000 : kNever;
    const uint64_t aborts = aborts_;
    const auto waiting = [&] {
        return completed_.load(std::memory_order_acquire) < target && aborts == aborts_;
    };
    bool spun = false;
    while (waiting()) {
        if (help_locked(lock, target, until_ns)) {
            spun = false;
        } else if (!spun) {
            spun = true;
            lock.unlock();
            spin_until([&] { return completed_.load(std::memory_order_acquire) >= target; },
                       kSpinNs);
            lock.lock();
        } else if (waiting()) {  // again: helping another stream opened the lock
            wake_at_ = std::min(wake_at_, target);
            if (!timed) {
                changed_.wait(lock);
            } else if (changed_.wait_until(lock, until) == std::cv_status::timeout) {
                return completed_.load(std::memory_order_acquire) >= target;
            }
        }
    }
    return true;
}

int Stream::take_failure_locked() {
    if (failure_.code == 0) return 0;
    const int code = failure_.code;
    if (stop_on_failure()) return fail_with(code, failure_.message);
    const Failure failure = std::exchange(failure_, Failure{});
    return fail_with(code, failure.message);
}

int Stream::synchronize(int64_t timeout_ms) {
    if (t_running == this) {
        return fail(ACL_ERROR_RT_PARAM_INVALID,
                    "a task of stream %d cannot wait for its own stream; synchronise elsewhere",
                    id_);
    }
    Lock lock(mutex_);
    const uint64_t target = submitted_;
    const uint64_t aborts = aborts_;
    if (completed_.load(std::memory_order_acquire) < target &&
        !wait_done(lock, target, timeout_ms)) {
        return fail(ACL_ERROR_RT_STREAM_SYNC_TIMEOUT,
                    "stream %d has not finished its work within %lld ms", id_,
                    static_cast<long long>(timeout_ms));
    }
    if (aborts != aborts_) {
        return fail(ACL_ERROR_RT_STREAM_ABORT, "stream %d was aborted while it was waited for",
                    id_);
    }
    return take_failure_locked();
}

int Stream::refuse_own_end(const char *what, const Stream *stream, const void *context) {
    if (t_running == nullptr || (stream != nullptr && stream != t_running) ||
        (context != nullptr && context != t_running->context_)) {
        return 0;
    }
    return fail(ACL_ERROR_RT_PARAM_INVALID,
                "a host function of stream %d cannot %s, which waits for it; do it elsewhere",
                t_running->id_, what);
}

void Stream::seal() {
    Lock lock(mutex_);
    sealed_ = true;
    changed_.notify_all();  // submitters that wait for room
}

void Stream::close(bool force) {
    {
        Lock lock(mutex_);
        closed_ = true;
        changed_.notify_all();  // submitters that wait for room
    }
    if (force) abort();
    Lock lock(mutex_);
    const uint64_t target = submitted_;
    while (completed_.load(std::memory_order_acquire) < target) wait_done(lock, target, -1);
}

}  // namespace softnpu
