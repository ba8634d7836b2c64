// Events: captures, waits across streams, the three kinds, time.
#include <thread>

#include "tests/cpp/gate.hpp"

namespace {

struct EventOf {
    aclrtEvent event = nullptr;
    EventOf() { OK(aclrtCreateEvent(&event)); }
    explicit EventOf(uint32_t flags, bool extended = false) {
        OK(extended ? aclrtCreateEventExWithFlag(&event, flags)
                    : aclrtCreateEventWithFlag(&event, flags));
    }
    ~EventOf() { aclrtDestroyEvent(event); }
    operator aclrtEvent() const { return event; }
};

aclrtEventRecordedStatus recorded(aclrtEvent event) {
    aclrtEventRecordedStatus status;
    OK(aclrtQueryEventStatus(event, &status));
    return status;
}

}  // namespace

TEST("a wait holds up a stream until the record is reached") {
    Session session;
    StreamOf first, second;
    EventOf event;
    Gate gate;
    std::vector<int> order;
    hold(first, gate);
    OK(submit(first, [&order] { return order.push_back(1), 0; }));
    OK(aclrtRecordEvent(event, first));
    OK(aclrtStreamWaitEvent(second, event));
    OK(submit(second, [&order] { return order.push_back(2), 0; }));
    aclrtEventWaitStatus waits;
    OK(aclrtQueryEventWaitStatus(event, &waits));
    EQUAL(waits, ACL_EVENT_WAIT_STATUS_NOT_READY);
    EQUAL(recorded(event), ACL_EVENT_RECORDED_STATUS_NOT_READY);
    EQUAL(aclrtSynchronizeEventWithTimeout(event, 5), 507047);
    EQUAL(aclrtSynchronizeEventWithTimeout(event, 0), 107000);
    gate.open();
    OK(aclrtSynchronizeStream(second));
    CHECK((order == std::vector<int>{1, 2}));
    EQUAL(recorded(event), ACL_EVENT_RECORDED_STATUS_COMPLETE);
    OK(aclrtQueryEventWaitStatus(event, &waits));
    EQUAL(waits, ACL_EVENT_WAIT_STATUS_COMPLETE);
    aclrtEventStatus legacy;
    OK(aclrtQueryEvent(event, &legacy));
    EQUAL(legacy, ACL_EVENT_STATUS_COMPLETE);
    OK(aclrtSynchronizeEvent(event));
}

TEST("a wait keeps the record that was current when it was issued") {
    Session session;
    StreamOf first, second, waiting;
    EventOf event;
    Gate early, late;
    hold(first, early);
    OK(aclrtRecordEvent(event, first));
    OK(aclrtStreamWaitEvent(waiting, event));
    hold(second, late);
    OK(aclrtRecordEvent(event, second));
    early.open();
    OK(aclrtSynchronizeStream(waiting));  // does not need the second record
    EQUAL(recorded(event), ACL_EVENT_RECORDED_STATUS_NOT_READY);
    late.open();
    OK(aclrtSynchronizeEvent(event));
    EQUAL(recorded(event), ACL_EVENT_RECORDED_STATUS_COMPLETE);
}

TEST("a later record may be reached before an earlier one") {
    Session session;
    StreamOf slow, quick, waiting;
    EventOf event;
    Gate gate;
    hold(slow, gate);
    OK(aclrtRecordEvent(event, slow));
    OK(aclrtStreamWaitEvent(waiting, event));
    OK(aclrtRecordEvent(event, quick));
    OK(aclrtSynchronizeStream(quick));
    OK(aclrtSynchronizeEvent(event));
    EQUAL(aclrtSynchronizeStreamWithTimeout(waiting, 5), 507046);
    gate.open();
    OK(aclrtSynchronizeStream(waiting));
}

TEST("an event never recorded holds up nobody") {
    Session session;
    StreamOf stream;
    EventOf plain, extended(ACL_EVENT_SYNC, true);
    OK(aclrtStreamWaitEvent(stream, plain));
    OK(aclrtSynchronizeStream(stream));
    OK(aclrtSynchronizeEvent(plain));
    EQUAL(recorded(plain), ACL_EVENT_RECORDED_STATUS_NOT_READY);
    EQUAL(recorded(extended), ACL_EVENT_RECORDED_STATUS_COMPLETE);
}

TEST("the kinds of events and what they allow") {
    Session session;
    StreamOf stream;
    EventOf extended(ACL_EVENT_SYNC, true), timed(ACL_EVENT_TIME_LINE), sync(ACL_EVENT_SYNC);
    aclrtEventStatus status;
    aclrtEventWaitStatus waits;
    aclrtEvent event = nullptr;
    EQUAL(aclrtCreateEventWithFlag(&event, 0), 107000);
    EQUAL(aclrtCreateEventWithFlag(&event, 0x100), 107000);
    EQUAL(aclrtCreateEvent(nullptr), ACL_ERROR_INVALID_PARAM);
    OK(aclrtRecordEvent(extended, stream));
    EQUAL(aclrtResetEvent(extended, stream), 207000);
    EQUAL(aclrtQueryEvent(extended, &status), 207000);
    EQUAL(aclrtQueryEventWaitStatus(extended, &waits), 207000);
    OK(aclrtStreamWaitEvent(stream, extended));
    EQUAL(aclrtStreamWaitEvent(stream, timed), 107000);
    EQUAL(aclrtResetEvent(timed, stream), 107000);
    OK(aclrtRecordEvent(sync, stream));
    OK(aclrtResetEvent(sync, stream));
    OK(aclrtSynchronizeStream(stream));
    EQUAL(recorded(sync), ACL_EVENT_RECORDED_STATUS_NOT_READY);
    OK(aclrtRecordEvent(sync, stream));
    OK(aclrtSynchronizeStream(stream));
    EQUAL(recorded(sync), ACL_EVENT_RECORDED_STATUS_COMPLETE);
}

TEST("elapsed time") {
    Session session;
    StreamOf stream;
    EventOf start, end, sync(ACL_EVENT_SYNC);
    float ms = -1;
    EQUAL(aclrtEventElapsedTime(&ms, start, end), 107006);
    OK(aclrtRecordEvent(start, stream));
    OK(submit(stream, [] {
        const auto until = std::chrono::steady_clock::now() + std::chrono::milliseconds(3);
        while (std::chrono::steady_clock::now() < until) {
        }
        return 0;
    }));
    OK(aclrtRecordEvent(end, stream));
    OK(aclrtRecordEvent(sync, stream));
    OK(aclrtSynchronizeStream(stream));
    OK(aclrtEventElapsedTime(&ms, start, end));
    CHECK(ms >= 3.0f);
    uint64_t from = 0, to = 0;
    OK(aclrtEventGetTimestamp(start, &from));
    OK(aclrtEventGetTimestamp(end, &to));
    CHECK(to >= from + 2999);
    EQUAL(aclrtEventElapsedTime(&ms, start, sync), 107006);
    EQUAL(aclrtEventElapsedTime(nullptr, start, end), ACL_ERROR_INVALID_PARAM);
}

TEST("stale events") {
    Session session;
    StreamOf stream;
    aclrtEvent event = nullptr;
    OK(aclrtCreateEvent(&event));
    Gate gate;
    hold(stream, gate);
    OK(aclrtRecordEvent(event, stream));
    OK(aclrtDestroyEvent(event));  // does not wait; the queued record keeps what it needs
    EQUAL(aclrtDestroyEvent(event), 107000);
    EQUAL(aclrtRecordEvent(event, stream), 107000);
    EQUAL(aclrtDestroyEvent(nullptr), ACL_ERROR_INVALID_PARAM);
    gate.open();
    OK(aclrtSynchronizeStream(stream));
}

TEST("events with flags are limited by the chip, plain ones are not") {
    Session session;
    std::vector<aclrtEvent> events;
    aclrtEvent event = nullptr;
    int code = 0;
    while ((code = aclrtCreateEventWithFlag(&event, ACL_EVENT_SYNC)) == 0) events.push_back(event);
    EQUAL(code, 207007);
    EQUAL(events.size(), 1023u);
    for (int i = 0; i < 3000; ++i) {
        OK(aclrtCreateEvent(&event));
        events.push_back(event);
    }
    for (aclrtEvent each : events) OK(aclrtDestroyEvent(each));
    OK(aclrtCreateEventWithFlag(&event, ACL_EVENT_SYNC));
    OK(aclrtDestroyEvent(event));
    EQUAL(check::counter("live_events"), 0u);
}

TEST("a thousand streams wait on one event without a thousand threads") {
    Session session;
    StreamOf recorder;
    EventOf event;
    Gate gate;
    hold(recorder, gate);
    OK(aclrtRecordEvent(event, recorder));
    std::vector<StreamOf> streams(1000);
    std::atomic<int> ran{0};
    for (StreamOf &stream : streams) {
        OK(aclrtStreamWaitEvent(stream, event));
        OK(submit(stream, [&ran] { return ++ran, 0; }));
    }
    CHECK(check::counter("worker_threads") <= 8);
    EQUAL(ran.load(), 0);
    gate.open();
    OK(aclrtSynchronizeDevice());
    EQUAL(ran.load(), 1000);
}

TEST("a ring of streams passes a token") {
    Session session;
    constexpr size_t kStreams = 5;
    std::vector<StreamOf> streams(kStreams);
    std::vector<EventOf> events(kStreams);
    std::vector<size_t> order;
    for (size_t round = 0; round < 200; ++round) {
        const size_t here = round % kStreams;
        if (round > 0) OK(aclrtStreamWaitEvent(streams[here], events[(here + 4) % kStreams]));
        OK(submit(streams[here], [&order, round] { return order.push_back(round), 0; }));
        OK(aclrtRecordEvent(events[here], streams[here]));
    }
    OK(aclrtSynchronizeDevice());
    EQUAL(order.size(), 200u);
    for (size_t i = 0; i < order.size(); ++i) EQUAL(order[i], i);
}

TEST_MAIN
