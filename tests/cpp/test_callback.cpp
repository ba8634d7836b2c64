// Report threads, launched callbacks, host functions, the exception callback.
#include <pthread.h>

#include <thread>

#include "softnpu/core/status.hpp"
#include "tests/cpp/gate.hpp"
#include "tests/cpp/report.hpp"

namespace {

void count_up(void *data) {
    ++*static_cast<std::atomic<int> *>(data);
}

void pass_gate(void *data) {
    static_cast<Gate *>(data)->pass();
}

}  // namespace

TEST("subscription rules") {
    Session session;
    StreamOf stream;
    ReportThread thread;
    EQUAL(aclrtLaunchCallback(count_up, nullptr, ACL_CALLBACK_BLOCK, stream), 107015);
    EQUAL(aclrtUnSubscribeReport(thread.id(), stream), 107015);
    OK(aclrtSubscribeReport(thread.id(), stream));
    EQUAL(aclrtSubscribeReport(thread.id(), stream), 107011);
    EQUAL(aclrtUnSubscribeReport(thread.id() + 1, stream), 107012);
    EQUAL(aclrtLaunchCallback(nullptr, nullptr, ACL_CALLBACK_BLOCK, stream),
          ACL_ERROR_INVALID_PARAM);
    EQUAL(aclrtLaunchCallback(count_up, nullptr, static_cast<aclrtCallbackBlockType>(2), stream),
          ACL_ERROR_INVALID_PARAM);
    EQUAL(aclrtProcessReport(0), ACL_ERROR_INVALID_PARAM);
    EQUAL(aclrtProcessReport(-2), ACL_ERROR_INVALID_PARAM);
    EQUAL(aclrtProcessReport(10), 107012);
    OK(aclrtSubscribeReport(thread.id(), nullptr));
    OK(aclrtUnSubscribeReport(thread.id(), nullptr));
    OK(aclrtUnSubscribeReport(thread.id(), stream));
    EQUAL(check::counter("live_subscriptions"), 0u);
}

TEST("nothing due gives a timeout") {
    Session session;
    StreamOf stream;
    OK(aclrtSubscribeReport(static_cast<uint64_t>(pthread_self()), stream));
    EQUAL(aclrtProcessReport(5), 507012);
    OK(aclrtUnSubscribeReport(static_cast<uint64_t>(pthread_self()), stream));
}

TEST("whoever waits for callbacks need not when its last stream unsubscribes") {
    Session session;
    StreamOf first, second;
    std::atomic<int> code{107012};
    std::thread thread([&] {
        while (code == 107012) code = aclrtProcessReport(-1);
    });
    const auto id = static_cast<uint64_t>(thread.native_handle());
    OK(aclrtSubscribeReport(id, first));
    OK(aclrtSubscribeReport(id, second));
    OK(aclrtUnSubscribeReport(id, first));
    std::this_thread::sleep_for(std::chrono::milliseconds(20));
    EQUAL(code.load(), 107012);
    OK(aclrtUnSubscribeReport(id, second));
    thread.join();
    EQUAL(code.load(), 507012);
}

TEST("a blocking callback holds up its stream, others do not") {
    Session session;
    StreamOf stream;
    ReportThread thread;
    OK(aclrtSubscribeReport(thread.id(), stream));
    Gate gate;
    std::atomic<int> after{0};
    OK(aclrtLaunchCallback(pass_gate, &gate, ACL_CALLBACK_BLOCK, stream));
    OK(submit(stream, [&after] { return ++after, 0; }));
    gate.wait_entered();
    EQUAL(aclrtSynchronizeStreamWithTimeout(stream, 5), 507046);
    EQUAL(after.load(), 0);
    gate.open();
    OK(aclrtSynchronizeStream(stream));
    EQUAL(after.load(), 1);
    Gate loose;
    OK(aclrtLaunchCallback(pass_gate, &loose, ACL_CALLBACK_NO_BLOCK, stream));
    OK(submit(stream, [&after] { return ++after, 0; }));
    OK(aclrtSynchronizeStream(stream));
    EQUAL(after.load(), 2);
    loose.wait_entered();
    loose.open();
    OK(aclrtUnSubscribeReport(thread.id(), stream));
}

TEST("one thread serves several streams, callbacks in stream order") {
    Session session;
    std::vector<StreamOf> streams(4);
    std::atomic<int> ran{0};
    ReportThread thread;
    for (StreamOf &stream : streams) OK(aclrtSubscribeReport(thread.id(), stream));
    for (int i = 0; i < 400; ++i) {
        OK(aclrtLaunchCallback(count_up, &ran, ACL_CALLBACK_BLOCK,
                               streams[static_cast<size_t>(i) % 4]));
    }
    OK(aclrtSynchronizeDevice());
    EQUAL(ran.load(), 400);
    for (StreamOf &stream : streams) OK(aclrtUnSubscribeReport(thread.id(), stream));
}

TEST("unsubscribing lets a waiting stream go on") {
    Session session;
    StreamOf stream;
    const auto self = static_cast<uint64_t>(pthread_self());
    OK(aclrtSubscribeReport(self, stream));
    std::atomic<int> ran{0};
    OK(aclrtLaunchCallback(count_up, &ran, ACL_CALLBACK_BLOCK, stream));
    while (!stream_of(stream)->is_parked()) std::this_thread::yield();
    OK(aclrtUnSubscribeReport(self, stream));
    OK(aclrtSynchronizeStream(stream));
    EQUAL(ran.load(), 0);
}

TEST("host functions run in order on a runtime thread") {
    Session session;
    StreamOf stream;
    std::atomic<int> ran{0};
    int seen = -1;
    for (int i = 0; i < 50; ++i) OK(aclrtLaunchHostFunc(stream, count_up, &ran));
    OK(submit(stream, [&] { return seen = ran.load(), 0; }));
    OK(aclrtSynchronizeStream(stream));
    EQUAL(seen, 50);
    pthread_t here = pthread_self(), there = here;
    const auto tell = [](void *thread) { *static_cast<pthread_t *>(thread) = pthread_self(); };
    OK(aclrtLaunchHostFunc(nullptr, tell, &there));  // the default stream
    OK(aclrtSynchronizeStream(nullptr));
    CHECK(!pthread_equal(here, there));
    EQUAL(aclrtLaunchHostFunc(stream, nullptr, nullptr), ACL_ERROR_INVALID_PARAM);
    EQUAL(aclrtLaunchHostFunc(&ran, count_up, &ran), 107000);
}

TEST("a host function that blocks holds up its stream and no other") {
    Session session;
    StreamOf stream, other;
    Gate gate;
    std::atomic<int> after{0};
    OK(aclrtLaunchHostFunc(stream, pass_gate, &gate));
    OK(submit(stream, [&after] { return ++after, 0; }));
    gate.wait_entered();
    std::atomic<int> ran{0};
    OK(aclrtLaunchHostFunc(other, count_up, &ran));
    OK(aclrtSynchronizeStream(other));
    EQUAL(ran.load(), 1);
    EQUAL(aclrtSynchronizeStreamWithTimeout(stream, 5), 507046);
    EQUAL(after.load(), 0);
    gate.open();
    OK(aclrtSynchronizeStream(stream));
    EQUAL(after.load(), 1);
}

namespace {

struct Told {
    uint32_t task = 0, stream = 0, thread = 0, device = 0, code = 0;
    int calls = 0;
    const aclrtExceptionInfo *info = nullptr;
} g_told;

void on_exception(aclrtExceptionInfo *info) {
    ++g_told.calls;
    g_told.task = aclrtGetTaskIdFromExceptionInfo(info);
    g_told.stream = aclrtGetStreamIdFromExceptionInfo(info);
    g_told.thread = aclrtGetThreadIdFromExceptionInfo(info);
    g_told.device = aclrtGetDeviceIdFromExceptionInfo(info);
    g_told.code = aclrtGetErrorCodeFromExceptionInfo(info);
    g_told.info = info;
}

}  // namespace

TEST("the exception callback is told of a failed task") {
    Session session;
    StreamOf stream;
    OK(aclrtSetExceptionInfoCallback(on_exception));
    OK(submit(stream, [] { return softnpu::fail(507011, "broken"); }));
    uint32_t task = 0;
    OK(aclrtGetThreadLastTaskId(&task));
    EQUAL(aclrtSynchronizeStream(stream), 507011);
    int32_t id = -1;
    OK(aclrtStreamGetId(stream, &id));
    EQUAL(g_told.calls, 1);
    EQUAL(g_told.task, task);
    EQUAL(g_told.stream, static_cast<uint32_t>(id));
    EQUAL(g_told.thread, static_cast<uint32_t>(gettid()));
    EQUAL(g_told.device, 0u);
    EQUAL(g_told.code, 507011u);
    EQUAL(aclrtGetTaskIdFromExceptionInfo(g_told.info), 0xFFFFFFFFu);  // valid inside only
    EQUAL(aclrtGetTaskIdFromExceptionInfo(nullptr), 0xFFFFFFFFu);
    OK(aclrtSetExceptionInfoCallback(nullptr));
    OK(submit(stream, [] { return softnpu::fail(507011, "broken"); }));
    EQUAL(aclrtSynchronizeStream(stream), 507011);
    EQUAL(g_told.calls, 1);
}

TEST_MAIN
