// A stream: a queue of tasks that run one after the other, on whatever thread is free.
//
// A stream is not a thread. Its queue is drained by one thread at a time, a pool worker or a thread
// that synchronises it ("helping", which saves both wake-ups when the stream is short). A task that
// has to wait parks the stream: no thread is held until resume().
#pragma once

#include <atomic>
#include <condition_variable>
#include <cstdint>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "softnpu/core/context.hpp"
#include "softnpu/core/export.hpp"
#include "softnpu/core/handle.hpp"
#include "softnpu/stream/task.hpp"

namespace softnpu {

class ReportQueue;

using StreamTable = HandleTable<Stream, HandleType::stream>;
using StreamRef = StreamTable::Ref;
SOFTNPU_API StreamTable &stream_table() noexcept;

struct StreamOptions {
    uint32_t priority = 0;
    uint32_t flags = 0;
    bool is_default = false;
};

class SOFTNPU_API Stream {
  public:
    /// Tasks that may wait in one stream; a further submit waits for room.
    static constexpr uint32_t kDepth = 1024;
    static constexpr uint32_t kLeastPriority = 7;

    Stream(Device &device, const void *context, int id, StreamOptions options);
    ~Stream();

    Device &device() const noexcept { return device_; }
    const void *context() const noexcept { return context_; }
    int id() const noexcept { return id_; }
    const StreamOptions &options() const noexcept { return options_; }

    /// Queue a task. `body` is `int()` (a status; failures surface at synchronise), `int(Stream &)`
    /// or `Outcome(Stream &)`; its captures (at most Task::kRoom bytes) live until it has run.
    /// Waits while the queue is full, except on a thread that runs tasks.
    /// Fails when the stream stopped on an earlier failure, or is closed.
    template <class Body>
    int submit(const char *name, Body &&body, TaskKind kind = TaskKind::engine) {
        return enqueue(Task(name, kind, std::forward<Body>(body)));
    }

    /// Wait for everything queued so far; `timeout_ms` -1 = forever. Returns 0, the first failure
    /// since the last synchronise (with its message), 507046 on timeout or 107023 after an abort.
    int synchronize(int64_t timeout_ms = -1);

    /// True when nothing is queued or running.
    bool is_idle() const noexcept;

    /// Drop what is queued (event records still happen); a running task finishes, a parked one is
    /// dropped. Threads that synchronise get 107023.
    void abort();

    void set_stop_on_failure(bool stop) noexcept { stop_on_failure_.store(stop); }
    bool stop_on_failure() const noexcept { return stop_on_failure_.load(); }

    // ---- for tasks that park; called from within a task body / from anywhere ----

    /// Names the wait of the task being run; pass it to resume().
    uint64_t park_token() const noexcept { return park_token_; }
    /// Tells threads that synchronise this stream which stream the wait depends on.
    void set_waits_for(const void *stream) noexcept { waits_for_ = stream; }
    /// Finish the parked task, with a failure when `status` is not 0 (`reason` says which rule was
    /// broken; a literal). False when the token's wait is over already (resumed or aborted).
    bool resume(uint64_t token, int status = 0, const char *reason = "");

    // ---- for the pool ----

    /// Run queued tasks until the queue is empty, a task parks or the turn is over. False when
    /// another thread was faster and nothing was left to do.
    bool run_turn();
    /// Run one queued task on this thread if no other thread is at it, it cannot block, and it will
    /// probably be over at `until`.
    bool help_one(uint64_t until = ~uint64_t{0});
    /// What the stream is about. A parked one may name the stream that will resume it.
    struct Activity {
        bool idle = true;
        bool parked = false;
        const void *waits_for = nullptr;
    };
    Activity activity() const;
    bool is_parked() const { return activity().parked; }

    // ---- report subscription; guarded by the registry in callback.cpp ----
    std::shared_ptr<ReportQueue> report_queue;
    std::atomic<uint32_t> overflow_switch{0};

    /// 107000 when the calling thread runs a task (a host function) of `stream`, of a stream of
    /// `context`, or, both being nullptr, of any: it would wait for itself. `what` it cannot do.
    static int refuse_own_end(const char *what, const Stream *stream, const void *context);

    /// The first step of a teardown: refuse what the program submits from now on, also from its
    /// callbacks, so that the wait for what is queued ends. Tasks of ours may still pass work on.
    void seal();
    /// Refuse further tasks and wait (or abort when `force`) until nothing runs.
    void close(bool force);

  private:
    struct Failure {
        int code = 0;
        std::string message;
    };
    using Lock = std::unique_lock<std::mutex>;
    static constexpr uint64_t kNever = ~uint64_t{0};

    int enqueue(Task task);
    bool refuses_locked() const;
    void push_locked(Task &&task);
    void grow_locked();
    void drain(Lock &lock, uint64_t target, uint64_t until, bool helping);
    bool may_help_locked(uint64_t until) const;
    bool help_locked(Lock &lock, uint64_t target, uint64_t until);
    bool ends_before(uint64_t until) const;
    Outcome run_current(Failure &failure);
    void note_failure(int status, Failure &failure);
    void fail_wait(int status, const char *reason, Failure &failure);
    void finish_locked(int status, Failure &failure);
    void schedule_locked();
    bool wait_done(Lock &lock, uint64_t target, int64_t timeout_ms);
    int take_failure_locked();

    Device &device_;
    const void *const context_;
    const int id_;
    const StreamOptions options_;

    mutable std::mutex mutex_;  // the pool's mutex may be taken while it is held, no other
    std::condition_variable changed_;
    std::unique_ptr<Task[]> ring_;
    uint32_t capacity_ = 0;
    uint32_t head_ = 0;
    uint32_t queued_ = 0;
    Task current_;            // the task being run or parked
    bool running_ = false;    // a thread drains the queue; only it touches current_
    bool scheduled_ = false;  // the pool holds a reference to run it
    bool parked_ = false;     // current_ waits for resume()
    bool resumed_ = false;    // resume() or abort() came before the park was noted
    bool sealed_ = false;
    bool closed_ = false;
    int resume_status_ = 0;
    const char *resume_reason_ = "";
    uint64_t park_token_ = 0;          // one per task started
    const void *waits_for_ = nullptr;  // handle of the stream that will resume the parked task
    uint64_t aborts_ = 0;
    uint64_t submitted_ = 0;
    std::atomic<uint64_t> completed_{0};
    uint64_t wake_at_ = kNever;  // least `completed_` that a sleeping thread waits for
    uint32_t waiting_for_room_ = 0;
    std::atomic<bool> stop_on_failure_{false};
    std::atomic<uint64_t> task_ns_{kNever};  // how long tasks take; kNever before the first
    Failure failure_;  // first since the last synchronise; kept when stopping on failure
};

/// The stream a handle names, NULL meaning the current context's default stream. Fails with 107002
/// without a current context, 107000 for a handle that is not a live stream and, when
/// `same_context`, 107003 for a stream of another context.
SOFTNPU_API int find_stream(const void *handle, StreamRef &stream, bool same_context = true);

SOFTNPU_API int create_stream(Device &device, const void *context, StreamOptions options,
                              StreamRef &stream);
/// Destroys a stream of the current context; waits for its work unless `force`.
SOFTNPU_API int destroy_stream(const void *handle, bool force);
/// Waits for the work of a stream that softnpu made for itself and ends it, unless its context took
/// it along already.
SOFTNPU_API void end_own_stream(const StreamRef &stream);
/// Waits until the streams of `context` (of `device` when context is NULL) are idle, then destroys
/// them. A stream that can only be resumed from outside and is not gets aborted after a second.
SOFTNPU_API void destroy_streams(Device &device, const void *context, bool force);
/// Wait for every stream of a device. Returns the first failure or 507046.
SOFTNPU_API int synchronize_device(Device &device, int64_t timeout_ms);

}  // namespace softnpu
