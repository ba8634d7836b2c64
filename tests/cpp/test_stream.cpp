// Order, synchronising, limits, failures and aborts of streams.
#include <algorithm>
#include <cstring>
#include <thread>

#include "softnpu/core/status.hpp"
#include "softnpu/stream/callback.hpp"
#include "tests/cpp/gate.hpp"

using softnpu::TaskKind;

namespace {

/// A task that fails the way engines do.
int failing(int code, const char *text) {
    return softnpu::fail(code, "%s", text);
}

aclrtStreamStatus status_of(aclrtStream stream) {
    aclrtStreamStatus status = ACL_STREAM_STATUS_RESERVED;
    OK(aclrtStreamQuery(stream, &status));
    return status;
}

}  // namespace

TEST("tasks of a stream run in order") {
    Session session;
    StreamOf stream;
    std::vector<int> seen;  // only one task at a time touches it
    for (int i = 0; i < 5000; ++i) {
        OK(submit(stream, [&seen, i] {
            seen.push_back(i);
            return 0;
        }));
    }
    OK(aclrtSynchronizeStream(stream));
    EQUAL(seen.size(), 5000u);
    for (int i = 0; i < 5000; ++i) EQUAL(seen[static_cast<size_t>(i)], i);
    EQUAL(status_of(stream), ACL_STREAM_STATUS_COMPLETE);
}

TEST("NULL is the default stream of the context") {
    Session session;
    int ran = 0;
    OK(submit(nullptr, [&ran] { return ++ran, 0; }));
    OK(aclrtSynchronizeStream(nullptr));
    EQUAL(ran, 1);
    EQUAL(aclrtDestroyStream(nullptr), ACL_ERROR_INVALID_PARAM);
}

TEST("synchronise with a timeout") {
    Session session;
    StreamOf stream;
    Gate gate;
    hold(stream, gate);
    EQUAL(aclrtSynchronizeStreamWithTimeout(stream, 0), 107000);
    EQUAL(aclrtSynchronizeStreamWithTimeout(stream, -2), 107000);
    EQUAL(aclrtSynchronizeStreamWithTimeout(stream, 5), 507046);
    EQUAL(aclrtSynchronizeDeviceWithTimeout(5), 507046);
    EQUAL(status_of(stream), ACL_STREAM_STATUS_NOT_READY);
    gate.open();
    OK(aclrtSynchronizeStreamWithTimeout(stream, -1));
    OK(aclrtSynchronizeDevice());
}

TEST("streams of other contexts") {
    Session session;
    StreamOf stream;
    aclrtContext primary = nullptr, other = nullptr;
    OK(aclrtGetCurrentContext(&primary));
    OK(aclrtCreateContext(&other, 0));
    int ran = 0;
    OK(submit(stream, [&ran] { return ++ran, 0; }));
    OK(aclrtSynchronizeStream(stream));  // works from any context
    EQUAL(ran, 1);
    void *memory = device_malloc(64);
    EQUAL(aclrtMemsetAsync(memory, 64, 0, 64, stream), 107003);
    EQUAL(aclrtDestroyStream(stream), 107003);
    OK(aclrtFree(memory));
    OK(aclrtDestroyContext(other));
    OK(aclrtSetCurrentContext(primary));
}

TEST("stale and foreign stream handles") {
    Session session;
    aclrtStream stream = nullptr;
    OK(aclrtCreateStream(&stream));
    OK(aclrtDestroyStream(stream));
    aclrtEvent event = nullptr;
    OK(aclrtCreateEvent(&event));
    int local = 0;
    for (void *handle : {stream, event, static_cast<void *>(&local)}) {
        EQUAL(aclrtSynchronizeStream(handle), 107000);
        EQUAL(aclrtDestroyStream(handle), 107000);
        EQUAL(aclrtRecordEvent(event, handle), 107000);
    }
    OK(aclrtDestroyEvent(event));
}

TEST("creation arguments") {
    Session session;
    aclrtStream stream = nullptr;
    OK(aclrtCreateStreamWithConfig(&stream, 7, ACL_STREAM_FAST_LAUNCH | ACL_STREAM_FAST_SYNC));
    OK(aclrtDestroyStream(stream));
    // As on a card: out of range counts as the nearest. Flags that came later are none here.
    int32_t least = 0, greatest = 1;
    OK(aclrtDeviceGetStreamPriorityRange(&least, &greatest));
    EQUAL(least, 7);
    EQUAL(greatest, 0);
    for (const uint32_t asked : {0u, 7u, 8u, 0xFFFFFFFFu}) {
        uint32_t got = 99;
        OK(aclrtCreateStreamWithConfig(&stream, asked, 0x80));
        OK(aclrtStreamGetPriority(stream, &got));
        EQUAL(got, std::min(asked, 7u));
        OK(aclrtDestroyStream(stream));
    }
    EQUAL(aclrtDeviceGetStreamPriorityRange(&least, nullptr), ACL_ERROR_INVALID_PARAM);
    EQUAL(aclrtStreamGetPriority(nullptr, nullptr), ACL_ERROR_INVALID_PARAM);
    aclrtStreamConfigHandle *config = aclrtCreateStreamConfigHandle();
    uint32_t priority = 3;
    OK(aclrtSetStreamConfigOpt(config, ACL_RT_STREAM_PRIORITY, &priority, sizeof priority));
    EQUAL(aclrtSetStreamConfigOpt(config, ACL_RT_STREAM_PRIORITY, &priority, 8),
          ACL_ERROR_INVALID_PARAM);
    OK(aclrtCreateStreamV2(&stream, config));
    OK(aclrtDestroyStream(stream));
    OK(aclrtDestroyStreamConfigHandle(config));
    EQUAL(aclrtDestroyStreamConfigHandle(config), ACL_ERROR_INVALID_PARAM);
    EQUAL(aclrtCreateStreamV2(&stream, config), ACL_ERROR_INVALID_PARAM);
}

TEST("the chip's number of streams is the limit") {
    Session session;
    std::vector<aclrtStream> streams;
    aclrtStream stream = nullptr;
    int code = 0;
    while ((code = aclrtCreateStream(&stream)) == 0) streams.push_back(stream);
    EQUAL(code, 207008);
    EQUAL(streams.size(), 1023u);  // and the default stream
    std::atomic<int> ran{0};
    for (aclrtStream each : streams) OK(submit(each, [&ran] { return ++ran, 0; }));
    OK(aclrtSynchronizeDevice());
    EQUAL(ran.load(), 1023);
    for (aclrtStream each : streams) OK(aclrtDestroyStream(each));
    OK(aclrtCreateStream(&stream));
    OK(aclrtDestroyStream(stream));
}

TEST("a full queue makes submit wait, and memory does not grow") {
    Session session;
    StreamOf stream;
    Gate gate;
    hold(stream, gate);
    gate.wait_entered();
    std::atomic<int> queued{0}, ran{0};
    std::thread producer([&, handle = stream_of(stream)] {
        for (int i = 0; i < 3000; ++i) {
            handle->submit("test", [&ran] { return ++ran, 0; });
            ++queued;
        }
    });
    while (queued < static_cast<int>(softnpu::Stream::kDepth)) std::this_thread::yield();
    CHECK(queued <= static_cast<int>(softnpu::Stream::kDepth));
    gate.open();
    producer.join();
    OK(aclrtSynchronizeStream(stream));
    EQUAL(ran.load(), 3000);
}

TEST("a failure surfaces once at synchronise, with its message; later tasks run") {
    Session session;
    StreamOf stream;
    int after = 0;
    OK(submit(stream, [] { return failing(507011, "the engine said no"); }));
    OK(submit(stream, [] { return failing(507018, "a second one"); }));
    OK(submit(stream, [&after] { return ++after, 0; }));
    EQUAL(aclrtSynchronizeStream(stream), 507011);
    CHECK(std::strstr(aclGetRecentErrMsg(), "the engine said no") != nullptr);
    EQUAL(after, 1);
    OK(aclrtSynchronizeStream(stream));
    OK(submit(stream, []() -> int { throw std::runtime_error("thrown inside"); }));
    EQUAL(aclrtSynchronizeStream(stream), ACL_ERROR_INTERNAL_ERROR);
    CHECK(std::strstr(aclGetRecentErrMsg(), "thrown inside") != nullptr);
    OK(submit(stream, []() -> int { throw std::bad_alloc(); }));
    EQUAL(aclrtSynchronizeStream(stream), 207001);
}

TEST("a stream that stops on failure runs nothing more") {
    Session session;
    StreamOf stream;
    EQUAL(aclrtSetStreamFailureMode(stream, 7), ACL_ERROR_INVALID_PARAM);
    EQUAL(aclrtSetStreamFailureMode(nullptr, ACL_STOP_ON_FAILURE), ACL_ERROR_INVALID_PARAM);
    OK(aclrtSetStreamFailureMode(stream, ACL_STOP_ON_FAILURE));
    aclrtEvent event = nullptr;
    OK(aclrtCreateEvent(&event));
    Gate gate;
    hold(stream, gate);
    int after = 0;
    OK(submit(stream, [] { return failing(507011, "stop here"); }));
    OK(submit(stream, [&after] { return ++after, 0; }));
    OK(aclrtRecordEvent(event, stream));
    gate.open();
    EQUAL(aclrtSynchronizeStream(stream), 507011);
    EQUAL(aclrtSynchronizeStream(stream), 507011);
    EQUAL(after, 0);
    EQUAL(submit(stream, [] { return 0; }), 507011);
    OK(aclrtSynchronizeEvent(event));  // others that wait for the record are not held up
    OK(aclrtDestroyEvent(event));
}

TEST("abort drops what is queued") {
    Session session;
    StreamOf stream, other;
    Gate gate;
    int after = 0;
    aclrtEvent event = nullptr;
    OK(aclrtCreateEvent(&event));
    hold(stream, gate);
    gate.wait_entered();
    for (int i = 0; i < 10; ++i) OK(submit(stream, [&after] { return ++after, 0; }));
    OK(aclrtRecordEvent(event, stream));
    OK(aclrtStreamWaitEvent(other, event));
    std::atomic<int> waited{0};
    std::thread waiter([&, handle = stream_of(stream)] { waited = handle->synchronize(-1); });
    OK(aclrtStreamAbort(stream));
    gate.open();
    waiter.join();
    // The waiter saw the abort, or came after it and saw an idle stream.
    CHECK(waited == 107023 || waited == 0);
    OK(aclrtSynchronizeStream(stream));
    OK(aclrtSynchronizeStream(other));
    EQUAL(after, 0);
    OK(submit(stream, [&after] { return ++after, 0; }));
    OK(aclrtSynchronizeStream(stream));
    EQUAL(after, 1);
    OK(aclrtDestroyEvent(event));
}

TEST("destroying a stream waits for its work, forcing it drops the queue") {
    Session session;
    aclrtStream stream = nullptr;
    OK(aclrtCreateStream(&stream));
    std::atomic<int> ran{0};
    for (int i = 0; i < 100; ++i) OK(submit(stream, [&ran] { return ++ran, 0; }));
    OK(aclrtDestroyStream(stream));
    EQUAL(ran.load(), 100);
    OK(aclrtCreateStream(&stream));
    aclrtStream recorder = nullptr;
    OK(aclrtCreateStream(&recorder));
    aclrtEvent event = nullptr;
    OK(aclrtCreateEvent(&event));
    Gate gate;
    hold(recorder, gate);
    OK(aclrtRecordEvent(event, recorder));
    OK(aclrtStreamWaitEvent(stream, event));  // parked for as long as the gate is shut
    OK(submit(stream, [&ran] { return ++ran, 0; }));
    OK(aclrtDestroyStreamForce(stream));
    EQUAL(ran.load(), 100);
    gate.open();
    OK(aclrtDestroyStream(recorder));
    OK(aclrtDestroyEvent(event));
}

TEST("a task cannot wait for its own stream") {
    Session session;
    StreamOf stream;
    int inner = 0;
    const aclrtStream handle = stream;
    OK(submit(
        stream, [&inner, handle] { return inner = aclrtSynchronizeStream(handle), 0; },
        TaskKind::user));
    OK(aclrtSynchronizeStream(stream));
    EQUAL(inner, 107000);
}

TEST("functions of the program that block do not starve other streams") {
    Session session;
    constexpr int kBlocked = 8;  // more than there are workers
    std::vector<StreamOf> blocked(kBlocked);
    std::vector<Gate> gates(kBlocked);
    for (size_t i = 0; i < kBlocked; ++i) {
        hold(blocked[i], gates[i]);
        gates[i].wait_entered();
    }
    StreamOf free;
    std::atomic<bool> ran{false};
    // A user task: the synchronising thread leaves it to a worker.
    OK(submit(free, [&ran] { return ran = true, 0; }, TaskKind::user));
    OK(aclrtSynchronizeStream(free));
    CHECK(ran.load());
    for (Gate &gate : gates) gate.open();
    OK(aclrtSynchronizeDevice());
}

TEST("task ids and device-wide abort") {
    Session session;
    StreamOf stream;
    OK(submit(stream, [] { return 0; }));
    uint32_t first = 0, second = 0;
    OK(aclrtGetThreadLastTaskId(&first));
    OK(submit(stream, [] { return 0; }));
    OK(aclrtGetThreadLastTaskId(&second));
    CHECK(second > first);
    OK(aclrtSynchronizeStream(stream));
    int32_t id = -1;
    OK(aclrtStreamGetId(stream, &id));
    CHECK(id >= 0);
    OK(aclrtDeviceTaskAbort(0, 1000));
    OK(aclrtSynchronizeStream(stream));
}

TEST_MAIN
