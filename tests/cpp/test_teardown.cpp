// Reset, finalize and destroy while other threads of the program go on submitting.
#include <chrono>
#include <thread>

#include "tests/cpp/gate.hpp"
#include "tests/cpp/report.hpp"

namespace {

const bool has_two_devices = setenv("SOFTNPU_DEVICES", "2", 1) == 0;

// Slower to copy than to submit: the queue is never empty.
constexpr size_t kBytes = 1 << 17;

void nothing(void *) {}

struct Place {
    aclrtContext context = nullptr;
    aclrtStream stream = nullptr;
    aclrtEvent event = nullptr;
    void *device = nullptr;
    void *host = nullptr;
};

using Call = int (*)(const Place &);

/// One of each kind of submission; the second waits for what its own stream recorded.
const Call kCalls[] = {
    [](const Place &at) {
        return aclrtMemcpyAsync(at.host, kBytes, at.device, kBytes, ACL_MEMCPY_DEVICE_TO_HOST,
                                at.stream);
    },
    [](const Place &at) {
        const int code = aclrtRecordEvent(at.event, at.stream);
        return code != 0 ? code : aclrtStreamWaitEvent(at.stream, at.event);
    },
    [](const Place &at) {
        return aclrtLaunchCallback(nothing, nullptr, ACL_CALLBACK_BLOCK, at.stream);
    },
    [](const Place &at) { return aclrtLaunchHostFunc(at.stream, nothing, nullptr); },
    [](const Place &) {
        aclrtStream stream = nullptr;
        const int code = aclrtCreateStream(&stream);
        return code != 0 ? code : aclrtDestroyStream(stream);
    },
};

/// Threads that submit until they are refused, or until the object goes.
class Submitters {
  public:
    explicit Submitters(const Place &at) {
        for (const Call call : kCalls) {
            threads_.emplace_back([this, call, at] {
                int code = aclrtSetCurrentContext(at.context);
                for (int calls = 0; code == 0 && !stop_; ++calls) {
                    code = call(at);
                    if (calls == 8) ++at_work_;
                }
                if (code != 0 && code != 107000 && code != 107002 && code != 107015) wrong_ = code;
                if (code != 0) ++refused_;
            });
        }
        while (at_work_ < static_cast<int>(std::size(kCalls)) && wrong_ == 0) {
            std::this_thread::yield();
        }
    }
    ~Submitters() { join(); }
    /// Until each has been refused.
    void wait() {
        for (std::thread &thread : threads_) thread.join();
        threads_.clear();
        EQUAL(wrong_.load(), 0);
        EQUAL(refused_.load(), static_cast<int>(std::size(kCalls)));
    }
    void stop() { stop_ = true; }

  private:
    void join() {
        stop_ = true;
        for (std::thread &thread : threads_) thread.join();
        threads_.clear();
    }
    std::atomic<bool> stop_{false};
    std::atomic<int> at_work_{0}, refused_{0}, wrong_{0};
    std::vector<std::thread> threads_;
};

/// What the submitters need, in the current context.
Place make_place(const ReportThread &reports) {
    Place at;
    OK(aclrtGetCurrentContext(&at.context));
    OK(aclrtCreateStream(&at.stream));
    OK(aclrtCreateEvent(&at.event));
    OK(aclrtMalloc(&at.device, kBytes, ACL_MEM_MALLOC_HUGE_FIRST));
    OK(aclrtMallocHost(&at.host, kBytes));
    OK(aclrtSubscribeReport(reports.id(), at.stream));
    return at;
}

void nothing_is_left() {
    EQUAL(check::counter("live_streams"), 0u);
    EQUAL(check::counter("live_events"), 0u);
    EQUAL(check::counter("live_contexts"), 0u);
    EQUAL(check::counter("live_subscriptions"), 0u);
    EQUAL(check::counter("live_device_bytes"), 0u);
    EQUAL(check::counter("tasks_queued"), check::counter("tasks_completed"));
}

}  // namespace

TEST("a reset ends while threads submit, whose handles are stale then") {
    for (const bool force : {false, true}) {
        OK(aclInit(nullptr));
        OK(aclrtSetDevice(0));
        ReportThread reports;
        const Place at = make_place(reports);
        Submitters threads(at);
        OK(force ? aclrtResetDeviceForce(0) : aclrtResetDevice(0));
        threads.wait();
        nothing_is_left();
        EQUAL(aclrtSynchronizeStream(at.stream), 107002);
        OK(aclrtSetDevice(0));
        EQUAL(aclrtSynchronizeStream(at.stream), 107000);
        EQUAL(aclrtRecordEvent(at.event, nullptr), 107000);
        EQUAL(aclrtSetCurrentContext(at.context), 107000);
        aclrtFreeHost(at.host);
        OK(aclFinalize());
    }
}

TEST("finalize ends while threads submit") {
    OK(aclInit(nullptr));
    OK(aclrtSetDevice(0));
    ReportThread reports;
    const Place first = make_place(reports);
    aclrtContext other = nullptr;
    OK(aclrtCreateContext(&other, 0));
    const Place second = make_place(reports);
    Submitters one(first), two(second);
    OK(aclFinalize());
    one.wait();
    two.wait();
    nothing_is_left();
}

TEST("a context goes while threads submit to it, the others work on") {
    Session session;
    ReportThread reports;
    const Place stays = make_place(reports);
    Submitters others(stays);
    aclrtContext context = nullptr;
    OK(aclrtCreateContext(&context, 0));
    Submitters threads(make_place(reports));
    OK(aclrtDestroyContext(context));
    threads.wait();
    others.stop();
    OK(aclrtSetCurrentContext(stays.context));
    OK(aclrtSynchronizeStream(stays.stream));
}

TEST("a stream goes while threads submit to it") {
    Session session;
    ReportThread reports;
    for (const bool force : {false, true}) {
        const Place at = make_place(reports);
        std::vector<std::thread> threads;
        std::atomic<int> begun{0};
        for (int call = 0; call < 4; ++call) {
            threads.emplace_back([&, call] {
                OK(aclrtSetCurrentContext(at.context));
                while (kCalls[call](at) == 0) ++begun;
            });
        }
        while (begun < 100) std::this_thread::yield();
        OK(force ? aclrtDestroyStreamForce(at.stream) : aclrtDestroyStream(at.stream));
        for (std::thread &thread : threads) thread.join();
        OK(aclrtDestroyEvent(at.event));
        OK(aclrtFree(at.device));
        OK(aclrtFreeHost(at.host));
    }
    EQUAL(check::counter("live_subscriptions"), 0u);
}

TEST("a callback that launches itself again does not hold up a reset") {
    struct Chain {
        aclrtContext context = nullptr;
        aclrtStream stream = nullptr;
        std::atomic<int> ran{0}, refusal{0};
        static void again(void *data) {
            auto *chain = static_cast<Chain *>(data);
            ++chain->ran;
            aclrtSetCurrentContext(chain->context);
            const int code = aclrtLaunchCallback(again, data, ACL_CALLBACK_NO_BLOCK, chain->stream);
            if (code != 0) chain->refusal = code;
        }
        static void host_again(void *data) {
            auto *chain = static_cast<Chain *>(data);
            ++chain->ran;
            const int code = aclrtLaunchHostFunc(chain->stream, host_again, data);
            if (code != 0) chain->refusal = code;
        }
    };
    OK(aclInit(nullptr));
    OK(aclrtSetDevice(0));
    Chain reported, hosted;
    {
        ReportThread reports;
        OK(aclrtGetCurrentContext(&reported.context));
        OK(aclrtCreateStream(&reported.stream));
        OK(aclrtCreateStream(&hosted.stream));
        OK(aclrtSubscribeReport(reports.id(), reported.stream));
        OK(aclrtLaunchCallback(Chain::again, &reported, ACL_CALLBACK_NO_BLOCK, reported.stream));
        OK(aclrtLaunchHostFunc(hosted.stream, Chain::host_again, &hosted));
        while (reported.ran < 10 || hosted.ran < 10) std::this_thread::yield();
        OK(aclrtResetDevice(0));
    }
    EQUAL(hosted.refusal.load(), 107000);
    CHECK(reported.refusal == 107000 || reported.refusal == 107002 || reported.refusal == 0);
    nothing_is_left();
    OK(aclFinalize());
}

TEST("a callback may reset its device, a host function may not: it would wait for itself") {
    struct Codes {
        aclrtContext context = nullptr;
        aclrtStream stream = nullptr;
        std::vector<int> codes;
        std::atomic<bool> over{false};
        static void end_all(void *data) {
            auto *all = static_cast<Codes *>(data);
            aclrtSetCurrentContext(all->context);
            all->codes = {aclrtDestroyStream(all->stream), aclrtDestroyStreamForce(all->stream),
                          aclrtDestroyContext(all->context), aclFinalize()};
            all->over = true;
        }
        static void reset(void *data) {
            auto *all = static_cast<Codes *>(data);
            aclrtSetCurrentContext(all->context);
            all->codes.push_back(aclrtResetDevice(0));
            all->over = true;
        }
    };
    OK(aclInit(nullptr));
    Codes hosted;
    OK(aclrtCreateContext(&hosted.context, 0));
    OK(aclrtCreateStream(&hosted.stream));
    OK(aclrtLaunchHostFunc(hosted.stream, Codes::end_all, &hosted));
    OK(aclrtSynchronizeStream(hosted.stream));
    EQUAL(hosted.codes.size(), 4u);
    for (const int code : hosted.codes) EQUAL(code, 107000);
    OK(aclrtDestroyContext(hosted.context));
    OK(aclrtSetDevice(0));
    {
        Codes reported;
        ReportThread reports;
        OK(aclrtGetCurrentContext(&reported.context));
        OK(aclrtCreateStream(&reported.stream));
        OK(aclrtLaunchHostFunc(reported.stream, Codes::reset, &reported));
        OK(aclrtSynchronizeStream(reported.stream));
        EQUAL(reported.codes.back(), 107000);
        reported.over = false;
        OK(aclrtSubscribeReport(reports.id(), reported.stream));
        OK(aclrtLaunchCallback(Codes::reset, &reported, ACL_CALLBACK_BLOCK, reported.stream));
        while (!reported.over) std::this_thread::yield();
        EQUAL(reported.codes.back(), 0);
    }
    nothing_is_left();
    OK(aclFinalize());
}

TEST("what no one resumes is dropped, also while another device works") {
    using Clock = std::chrono::steady_clock;
    OK(aclInit(nullptr));
    ReportThread reports;
    OK(aclrtSetDevice(1));
    Submitters others(make_place(reports));
    OK(aclrtSetDevice(0));
    aclrtStream stream = nullptr;
    OK(aclrtCreateStream(&stream));
    aclrtNotify notify = nullptr;
    OK(aclrtCreateNotify(&notify, 0));
    OK(aclrtWaitAndResetNotify(notify, stream, 0));
    const auto start = Clock::now();
    OK(aclrtResetDevice(0));
    CHECK(Clock::now() - start < std::chrono::seconds(5));
    others.stop();
    OK(aclFinalize());
}

TEST_MAIN
