// Many threads, streams and events at once; meant for ThreadSanitizer as much as for the result.
#include <thread>

#include "tests/cpp/gate.hpp"

namespace {

constexpr int kThreads = 4;
constexpr int kRounds = 150;

void work(int seed, std::atomic<int> &failures) {
    unsigned random = static_cast<unsigned>(seed) * 7919u + 1;
    const auto expect = [&failures](int code) {
        if (code != 0) ++failures;
    };
    expect(aclrtSetDevice(0));
    for (int round = 0; round < kRounds; ++round) {
        aclrtStream streams[3];
        aclrtEvent event = nullptr;
        for (aclrtStream &stream : streams) expect(aclrtCreateStream(&stream));
        expect(aclrtCreateEvent(&event));
        void *device = nullptr;
        void *host = nullptr;
        expect(aclrtMalloc(&device, 4096, ACL_MEM_MALLOC_HUGE_FIRST));
        expect(aclrtMallocHost(&host, 4096));
        for (int i = 0; i < 10; ++i) {
            random = random * 1664525u + 1013904223u;
            aclrtStream one = streams[(random >> 8) % 3];
            aclrtStream two = streams[(random >> 12) % 3];
            expect(aclrtMemsetAsync(device, 4096, i, 4096, one));
            expect(aclrtRecordEvent(event, one));
            expect(aclrtStreamWaitEvent(two, event));
            expect(aclrtMemcpyAsync(host, 4096, device, 4096, ACL_MEMCPY_DEVICE_TO_HOST, two));
            if ((random >> 16) % 4 == 0) expect(aclrtSynchronizeStream(two));
            // The next round's memset must come after this copy.
            expect(aclrtRecordEvent(event, two));
            for (aclrtStream stream : streams) expect(aclrtStreamWaitEvent(stream, event));
        }
        if (round % 3 == 0) expect(aclrtSynchronizeDevice());
        for (aclrtStream stream : streams) expect(aclrtSynchronizeStream(stream));
        if (static_cast<unsigned char *>(host)[4095] != 9) ++failures;
        expect(aclrtDestroyEvent(event));
        for (aclrtStream stream : streams) expect(aclrtDestroyStream(stream));
        expect(aclrtFree(device));
        expect(aclrtFreeHost(host));
    }
    expect(aclrtResetDevice(0));
}

}  // namespace

TEST("threads create, use and destroy streams, events and memory") {
    Session session;
    std::atomic<int> failures{0};
    std::vector<std::thread> threads;
    for (int i = 0; i < kThreads; ++i) threads.emplace_back([&, i] { work(i, failures); });
    for (std::thread &thread : threads) thread.join();
    EQUAL(failures.load(), 0);
    OK(aclrtSynchronizeDevice());
    EQUAL(check::counter("live_streams"), 1u);  // the default stream
    EQUAL(check::counter("live_events"), 0u);
    EQUAL(check::counter("live_device_bytes"), 0u);
    EQUAL(check::counter("live_host_bytes"), 0u);
    EQUAL(check::counter("tasks_queued"), check::counter("tasks_completed"));
    EQUAL(check::counter("tasks_failed"), 0u);
}

TEST("several threads submit to and synchronise one stream") {
    Session session;
    StreamOf stream;
    int sum = 0;  // guarded by the stream's order
    std::vector<std::thread> threads;
    for (int i = 0; i < kThreads; ++i) {
        threads.emplace_back([&sum, handle = stream_of(stream)] {
            for (int round = 0; round < 2000; ++round) {
                handle->submit("test", [&sum] { return ++sum, 0; });
                if (round % 16 == 0) handle->synchronize();
            }
        });
    }
    for (std::thread &thread : threads) thread.join();
    OK(aclrtSynchronizeStream(stream));
    EQUAL(sum, kThreads * 2000);
}

TEST("aborts race with submits, waits and destruction") {
    Session session;
    for (int round = 0; round < 100; ++round) {
        StreamOf stream, other;
        aclrtEvent event = nullptr;
        OK(aclrtCreateEvent(&event));
        std::thread submitter([handle = stream_of(stream), second = stream_of(other)] {
            for (int i = 0; i < 50; ++i) {
                handle->submit("test", [] { return 0; });
                second->submit("test", [] { return 0; });
            }
        });
        for (int i = 0; i < 10; ++i) {
            OK(aclrtRecordEvent(event, stream));
            OK(aclrtStreamWaitEvent(other, event));
            OK(aclrtStreamAbort(i % 2 == 0 ? stream : other));
        }
        submitter.join();
        aclrtSynchronizeStream(stream);
        aclrtSynchronizeStream(other);
        CHECK(stream_of(stream)->is_idle());
        CHECK(stream_of(other)->is_idle());
        OK(aclrtDestroyEvent(event));
    }
}

TEST_MAIN
