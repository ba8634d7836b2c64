#include "softnpu/stream/callback.hpp"

#include <pthread.h>

#include <algorithm>
#include <chrono>
#include <condition_variable>
#include <deque>
#include <mutex>
#include <unordered_map>

#include "acl/acl_base.h"
#include "softnpu/core/counters.hpp"
#include "softnpu/core/device.hpp"
#include "softnpu/core/log.hpp"
#include "softnpu/core/status.hpp"

namespace softnpu {

/// A call due on a report thread; a blocking one holds up its stream until it has returned.
struct Report {
    CallbackFunction function;
    void *data;
    StreamRef stream;
    bool blocking;
    uint64_t token;
};

/// The calls due on one thread of the program.
class ReportQueue {
  public:
    ReportQueue(uint64_t thread, int device) : thread(thread), device(device) {}

    const uint64_t thread;
    const int device;
    int streams = 0;  // guarded by the registry

    void push(Report report) {
        std::lock_guard<std::mutex> lock(mutex_);
        reports_.push_back(std::move(report));
        arrived_.notify_one();
    }

    /// The thread serves no stream any more: who waits for a call need not.
    void close() {
        std::lock_guard<std::mutex> lock(mutex_);
        closed_ = true;
        arrived_.notify_all();
    }

    /// What is due now, waiting up to `timeout_ms` for the first.
    std::deque<Report> take(int timeout_ms) {
        const auto due = [this] { return closed_ || !reports_.empty(); };
        std::unique_lock<std::mutex> lock(mutex_);
        if (timeout_ms < 0) {
            arrived_.wait(lock, due);
        } else {
            const auto until =
                std::chrono::steady_clock::now() + std::chrono::milliseconds(timeout_ms);
            arrived_.wait_until(lock, until, due);
        }
        return std::exchange(reports_, {});
    }

    /// What is due for one stream.
    std::vector<Report> take_of(const Stream &stream) {
        std::lock_guard<std::mutex> lock(mutex_);
        std::vector<Report> taken;
        for (auto report = reports_.begin(); report != reports_.end();) {
            if (report->stream.get() == &stream) {
                taken.push_back(std::move(*report));
                report = reports_.erase(report);
            } else {
                ++report;
            }
        }
        return taken;
    }

  private:
    std::mutex mutex_;  // leaf lock
    std::condition_variable arrived_;
    std::deque<Report> reports_;
    bool closed_ = false;
};

namespace {

using QueueRef = std::shared_ptr<ReportQueue>;

/// Which thread serves which stream. Its mutex also guards Stream::report_queue.
struct Registry {
    std::mutex mutex;  // before a queue's, and no other
    std::unordered_map<uint64_t, QueueRef> queues;
};

Registry &registry() {
    static auto *instance = new Registry;  // outlives static destruction
    return *instance;
}

QueueRef queue_of(Stream &stream) {
    std::lock_guard<std::mutex> lock(registry().mutex);
    return stream.report_queue;
}

/// Ends the subscription; returns the queue that served the stream.
QueueRef detach_locked(Registry &all, Stream &stream) {
    QueueRef queue = std::move(stream.report_queue);
    stream.report_queue.reset();
    if (queue != nullptr) {
        uncount(counters().live_subscriptions);
        if (--queue->streams == 0) {
            all.queues.erase(queue->thread);
            queue->close();
        }
    }
    return queue;
}

std::atomic<int> g_running{0};
thread_local int t_running = 0;

struct RunningCallback {
    RunningCallback() {
        g_running.fetch_add(1);
        ++t_running;
    }
    ~RunningCallback() {
        --t_running;
        g_running.fetch_sub(1);
    }
};

void drop_reports(const QueueRef &queue, Stream &stream) {
    if (queue == nullptr) return;
    for (const Report &report : queue->take_of(stream)) {
        log(LogLevel::warning, "a callback of stream %d is dropped: its thread unsubscribed",
            stream.id());
        if (report.blocking) report.stream->resume(report.token);
    }
}

}  // namespace

bool callbacks_running() noexcept {
    return g_running.load() > t_running;
}

bool in_callback() noexcept {
    return t_running > 0;
}

int subscribe_report(uint64_t thread, Stream &stream) {
    Registry &all = registry();
    std::lock_guard<std::mutex> lock(all.mutex);
    if (stream.report_queue != nullptr) {
        return fail(ACL_ERROR_RT_STREAM_SUBSCRIBE,
                    "stream %d is subscribed already; call aclrtUnSubscribeReport first",
                    stream.id());
    }
    QueueRef &queue = all.queues[thread];
    if (queue == nullptr) queue = std::make_shared<ReportQueue>(thread, stream.device().id());
    if (queue->device != stream.device().id()) {
        return fail(ACL_ERROR_RT_THREAD_SUBSCRIBE,
                    "the thread serves streams of device %d and cannot serve device %d too",
                    queue->device, stream.device().id());
    }
    stream.report_queue = queue;
    ++queue->streams;
    count(counters().live_subscriptions);
    return 0;
}

int unsubscribe_report(uint64_t thread, Stream &stream) {
    QueueRef queue;
    {
        Registry &all = registry();
        std::lock_guard<std::mutex> lock(all.mutex);
        if (stream.report_queue == nullptr) {
            return fail(ACL_ERROR_RT_STREAM_NO_CB_REG, "stream %d is not subscribed", stream.id());
        }
        if (stream.report_queue->thread != thread) {
            return fail(ACL_ERROR_RT_THREAD_SUBSCRIBE, "stream %d is subscribed by another thread",
                        stream.id());
        }
        queue = detach_locked(all, stream);
    }
    drop_reports(queue, stream);
    return 0;
}

void forget_subscription(Stream &stream) {
    QueueRef queue;
    {
        Registry &all = registry();
        std::lock_guard<std::mutex> lock(all.mutex);
        queue = detach_locked(all, stream);
    }
    drop_reports(queue, stream);
}

int process_report(int timeout_ms) {
    QueueRef queue;
    {
        Registry &all = registry();
        std::lock_guard<std::mutex> lock(all.mutex);
        const auto found = all.queues.find(static_cast<uint64_t>(pthread_self()));
        if (found != all.queues.end()) queue = found->second;
    }
    if (queue == nullptr) {
        return fail(ACL_ERROR_RT_THREAD_SUBSCRIBE,
                    "this thread serves no stream; aclrtSubscribeReport it first");
    }
    const std::deque<Report> due = queue->take(timeout_ms);
    if (due.empty()) {
        return fail(ACL_ERROR_RT_REPORT_TIMEOUT,
                    "no callback was due within %d ms, or the thread's last stream unsubscribed",
                    timeout_ms);
    }
    for (const Report &report : due) {
        const RunningCallback running;
        report.function(report.data);
        if (report.blocking) report.stream->resume(report.token);
    }
    return 0;
}

int launch_callback(CallbackFunction function, void *data, bool blocking, Stream &stream) {
    QueueRef queue = queue_of(stream);
    if (queue == nullptr) {
        return fail(ACL_ERROR_RT_STREAM_NO_CB_REG,
                    "no thread serves the callbacks of stream %d; call aclrtSubscribeReport first",
                    stream.id());
    }
    return stream.submit(
        "aclrtLaunchCallback",
        [queue = std::move(queue), function, data, blocking](Stream &running) -> Outcome {
            queue->push(
                {function, data, StreamTable::share(&running), blocking, running.park_token()});
            return {blocking, 0};
        });
}

int post_report(CallbackFunction function, void *data, Stream &stream) {
    const QueueRef queue = queue_of(stream);
    if (queue == nullptr) {
        return fail(ACL_ERROR_RT_STREAM_NO_CB_REG, "no thread serves the callbacks of stream %d",
                    stream.id());
    }
    queue->push({function, data, StreamTable::share(&stream), false, 0});
    return 0;
}

bool is_report_thread(Stream &stream) {
    const QueueRef queue = queue_of(stream);
    return queue != nullptr && queue->thread == static_cast<uint64_t>(pthread_self());
}

int launch_host_function(CallbackFunction function, void *data, Stream &stream) {
    return stream.submit(
        "aclrtLaunchHostFunc",
        [function, data] {
            function(data);
            return 0;
        },
        TaskKind::user);
}

}  // namespace softnpu
