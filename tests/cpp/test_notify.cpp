// Notifies: one record lets one wait go on, waits hold no thread, time limits, limits of the chip.
#include <thread>

#include "tests/cpp/gate.hpp"

namespace {

struct NotifyOf {
    aclrtNotify notify = nullptr;
    NotifyOf() { OK(aclrtCreateNotify(&notify, ACL_NOTIFY_DEFAULT)); }
    ~NotifyOf() { aclrtDestroyNotify(notify); }
    operator aclrtNotify() const { return notify; }
};

void wait_parked(aclrtStream stream) {
    while (!stream_of(stream)->is_parked()) std::this_thread::yield();
}

}  // namespace

TEST("a wait holds up a stream until the record") {
    Session session;
    StreamOf first, second;
    NotifyOf notify;
    Gate gate;
    std::vector<int> order;
    OK(aclrtWaitAndResetNotify(notify, second, 0));
    OK(submit(second, [&order] { return order.push_back(2), 0; }));
    hold(first, gate);
    OK(submit(first, [&order] { return order.push_back(1), 0; }));
    OK(aclrtRecordNotify(notify, first));
    EQUAL(aclrtSynchronizeStreamWithTimeout(second, 5), 507046);
    gate.open();
    OK(aclrtSynchronizeStream(second));
    CHECK((order == std::vector<int>{1, 2}));
}

TEST("a record is kept for the next wait, and used up by it") {
    Session session;
    StreamOf first, second;
    NotifyOf notify;
    OK(aclrtRecordNotify(notify, first));
    OK(aclrtRecordNotify(notify, first));  // a flag, not a counter
    OK(aclrtSynchronizeStream(first));
    OK(aclrtWaitAndResetNotify(notify, second, 0));
    OK(aclrtSynchronizeStream(second));
    OK(aclrtWaitAndResetNotify(notify, second, 0));
    EQUAL(aclrtSynchronizeStreamWithTimeout(second, 5), 507046);
    OK(aclrtRecordNotify(notify, first));
    OK(aclrtSynchronizeStream(second));
}

TEST("one record lets one of several waits go on, the first to come") {
    Session session;
    StreamOf recorder;
    std::vector<StreamOf> waiting(3);
    NotifyOf notify;
    for (StreamOf &stream : waiting) {
        OK(aclrtWaitAndResetNotify(notify, stream, 0));
        wait_parked(stream);
    }
    for (size_t i = 0; i < waiting.size(); ++i) {
        OK(aclrtRecordNotify(notify, recorder));
        OK(aclrtSynchronizeStream(waiting[i]));
        for (size_t later = i + 1; later < waiting.size(); ++later) {
            CHECK(stream_of(waiting[later])->is_parked());
        }
    }
}

TEST("two streams hand a turn back and forth") {
    Session session;
    StreamOf left, right;
    NotifyOf to_left, to_right;
    std::vector<int> order;
    constexpr int kRounds = 500;
    for (int round = 0; round < kRounds; ++round) {
        if (round > 0) OK(aclrtWaitAndResetNotify(to_left, left, 600));
        OK(submit(left, [&order, round] { return order.push_back(2 * round), 0; }));
        OK(aclrtRecordNotify(to_right, left));
        OK(aclrtWaitAndResetNotify(to_right, right, 0));
        OK(submit(right, [&order, round] { return order.push_back(2 * round + 1), 0; }));
        OK(aclrtRecordNotify(to_left, right));
    }
    OK(aclrtSynchronizeDevice());
    EQUAL(order.size(), size_t{2 * kRounds});
    for (size_t i = 0; i < order.size(); ++i) EQUAL(order[i], static_cast<int>(i));
}

TEST("a thousand waits hold no thread") {
    Session session;
    std::vector<StreamOf> streams(1000);
    std::vector<NotifyOf> notifies(1000);
    std::atomic<int> ran{0};
    for (size_t i = 0; i < streams.size(); ++i) {
        OK(aclrtWaitAndResetNotify(notifies[i], streams[i], i % 2 == 0 ? 0 : 600));
        OK(submit(streams[i], [&ran] { return ++ran, 0; }));
    }
    for (StreamOf &stream : streams) wait_parked(stream);
    CHECK(check::counter("worker_threads") <= 8);
    EQUAL(ran.load(), 0);
    for (NotifyOf &notify : notifies) OK(aclrtRecordNotify(notify, nullptr));
    OK(aclrtSynchronizeDevice());
    EQUAL(ran.load(), 1000);
}

namespace {

std::atomic<uint32_t> g_failed{0};

void on_exception(aclrtExceptionInfo *info) {
    g_failed = aclrtGetErrorCodeFromExceptionInfo(info);
}

}  // namespace

TEST("a wait with a time limit fails when the time is up") {
    Session session;
    StreamOf stream, recorder;
    NotifyOf notify;
    std::atomic<int> after{0};
    g_failed = 0;
    OK(aclrtSetExceptionInfoCallback(on_exception));
    const auto start = std::chrono::steady_clock::now();
    OK(aclrtWaitAndResetNotify(notify, stream, 1));
    OK(submit(stream, [&after] { return ++after, 0; }));
    EQUAL(aclrtSynchronizeStream(stream), 107019);
    const std::string message = aclGetRecentErrMsg();
    CHECK(std::chrono::steady_clock::now() - start >= std::chrono::seconds(1));
    CHECK(message.find("aclrtWaitAndResetNotify") != std::string::npos);
    CHECK(message.find("aclrtRecordNotify") != std::string::npos);
    EQUAL(g_failed.load(), 107019u);
    OK(aclrtSetExceptionInfoCallback(nullptr));
    EQUAL(after.load(), 1);  // the stream goes on after a failure
    // The wait is over: the next record is for the next wait.
    OK(aclrtRecordNotify(notify, recorder));
    OK(aclrtSynchronizeStream(recorder));
    OK(aclrtWaitAndResetNotify(notify, stream, 1));
    OK(aclrtSynchronizeStream(stream));
}

TEST("an aborted wait takes no record") {
    Session session;
    StreamOf aborted, other, recorder;
    NotifyOf notify;
    for (uint32_t timeout : {0u, 600u}) {
        OK(aclrtWaitAndResetNotify(notify, aborted, timeout));
        wait_parked(aborted);
        OK(aclrtWaitAndResetNotify(notify, other, timeout));
        OK(aclrtStreamAbort(aborted));
        OK(aclrtSynchronizeStream(aborted));
        OK(aclrtRecordNotify(notify, recorder));
        OK(aclrtSynchronizeStream(other));
    }
}

TEST("aborts and records at the same time leave nothing stuck") {
    Session session;
    StreamOf aborted, other, recorder;
    NotifyOf notify;
    for (int round = 0; round < 300; ++round) {
        OK(aclrtWaitAndResetNotify(notify, aborted, 0));
        if (round % 2 == 0) wait_parked(aborted);
        std::thread aborter([&] { aclrtStreamAbort(aborted); });
        OK(aclrtRecordNotify(notify, recorder));
        aborter.join();
        OK(aclrtSynchronizeStream(recorder));
        // Either the wait was quicker and used the record up, or it is kept.
        OK(aclrtWaitAndResetNotify(notify, other, 0));
        OK(aclrtRecordNotify(notify, recorder));
        OK(aclrtSynchronizeStream(other));
        OK(aclrtSynchronizeDevice());
        // Lower the flag again if it is up.
        OK(aclrtRecordNotify(notify, recorder));
        OK(aclrtWaitAndResetNotify(notify, recorder, 0));
        OK(aclrtSynchronizeStream(recorder));
    }
}

TEST("records and waits of many threads balance") {
    Session session;
    aclrtContext context = nullptr;
    OK(aclrtGetCurrentContext(&context));
    constexpr int kPairs = 4, kRounds = 200;
    std::vector<std::thread> threads;
    std::atomic<int> failures{0};
    for (int pair = 0; pair < kPairs; ++pair) {
        threads.emplace_back([&] {
            aclrtSetCurrentContext(context);
            StreamOf from, to;
            NotifyOf notify;
            for (int round = 0; round < kRounds; ++round) {
                int code = aclrtWaitAndResetNotify(notify, to, round % 3 == 0 ? 600 : 0);
                code |= aclrtRecordNotify(notify, from);
                code |= aclrtSynchronizeStream(to);
                if (code != 0) ++failures;
            }
        });
    }
    for (std::thread &thread : threads) thread.join();
    EQUAL(failures.load(), 0);
    EQUAL(check::counter("live_notifies"), 0u);
}

TEST("identifiers, and what is refused") {
    Session session;
    StreamOf stream;
    NotifyOf first, second;
    uint32_t id = 0, other = 0;
    OK(aclrtGetNotifyId(first, &id));
    OK(aclrtGetNotifyId(second, &other));
    CHECK(id != other);
    EQUAL(aclrtGetNotifyId(first, nullptr), ACL_ERROR_INVALID_PARAM);
    aclrtNotify notify = nullptr;
    EQUAL(aclrtCreateNotify(nullptr, 0), ACL_ERROR_INVALID_PARAM);
    EQUAL(aclrtCreateNotify(&notify, ACL_NOTIFY_DEVICE_USE_ONLY), 207000);
    EQUAL(aclrtCreateNotify(&notify, 2), 107000);
    EQUAL(aclrtRecordNotify(nullptr, stream), ACL_ERROR_INVALID_PARAM);
    EQUAL(aclrtRecordNotify(stream, stream), 107000);  // a handle of another kind
    EQUAL(aclrtRecordNotify(first, first), 107000);
    EQUAL(aclrtWaitAndResetNotify(nullptr, stream, 0), ACL_ERROR_INVALID_PARAM);
    OK(aclrtCreateNotify(&notify, ACL_NOTIFY_DEFAULT));
    OK(aclrtDestroyNotify(notify));
    EQUAL(aclrtDestroyNotify(notify), 107000);
    EQUAL(aclrtWaitAndResetNotify(notify, stream, 0), 107000);
    EQUAL(aclrtGetNotifyId(notify, &id), 107000);
    EQUAL(aclrtDestroyNotify(nullptr), ACL_ERROR_INVALID_PARAM);
}

TEST("destroying does not wait for what is queued") {
    Session session;
    StreamOf first, second;
    aclrtNotify notify = nullptr;
    OK(aclrtCreateNotify(&notify, ACL_NOTIFY_DEFAULT));
    Gate gate;
    hold(first, gate);
    OK(aclrtRecordNotify(notify, first));
    OK(aclrtWaitAndResetNotify(notify, second, 600));
    OK(aclrtDestroyNotify(notify));
    gate.open();
    OK(aclrtSynchronizeStream(second));
}

TEST("the chip limits their number") {
    Session session;
    std::vector<aclrtNotify> notifies;
    aclrtNotify notify = nullptr;
    int code = 0;
    while ((code = aclrtCreateNotify(&notify, 0)) == 0) notifies.push_back(notify);
    EQUAL(code, 207009);
    EQUAL(notifies.size(), 1024u);
    EQUAL(check::counter("live_notifies"), 1024u);
    for (aclrtNotify each : notifies) OK(aclrtDestroyNotify(each));
    EQUAL(check::counter("live_notifies"), 0u);
}

TEST("finalize does not wait for a record that cannot come") {
    OK(aclInit(nullptr));
    OK(aclrtSetDevice(0));
    aclrtStream stream = nullptr;
    aclrtNotify notify = nullptr;
    OK(aclrtCreateStream(&stream));
    OK(aclrtCreateNotify(&notify, 0));
    OK(aclrtWaitAndResetNotify(notify, stream, 600));
    wait_parked(stream);
    OK(aclFinalize());
    OK(aclInit(nullptr));
    OK(aclrtSetDevice(0));
    EQUAL(aclrtDestroyNotify(notify), 107000);  // gone with its device
    OK(aclFinalize());
}

TEST_MAIN
