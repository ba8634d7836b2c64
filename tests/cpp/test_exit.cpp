// Ending in every order: reset, finalize and exit with work in flight, and fork.
#include <thread>

#include "softnpu/core/status.hpp"
#include "tests/cpp/gate.hpp"

namespace {

using softnpu::TaskKind;

void spin_ms(int ms) {
    const auto until = std::chrono::steady_clock::now() + std::chrono::milliseconds(ms);
    while (std::chrono::steady_clock::now() < until) {
    }
}

}  // namespace

TEST("reset waits for the work of the device") {
    OK(aclInit(nullptr));
    OK(aclrtSetDevice(0));
    std::atomic<int> ran{0};
    aclrtStream stream = nullptr;
    OK(aclrtCreateStream(&stream));
    for (int i = 0; i < 20; ++i) {
        OK(submit(stream, [&ran] { return spin_ms(1), ++ran, 0; }));
        OK(submit(nullptr, [&ran] { return ++ran, 0; }));
    }
    OK(aclrtResetDevice(0));
    EQUAL(ran.load(), 40);
    EQUAL(check::counter("live_streams"), 0u);
    EQUAL(aclrtSynchronizeStream(stream), 107002);
    OK(aclrtSetDevice(0));
    EQUAL(aclrtSynchronizeStream(stream), 107000);
    OK(aclFinalize());
}

TEST("forced reset drops the queue") {
    OK(aclInit(nullptr));
    OK(aclrtSetDevice(0));
    aclrtStream stream = nullptr;
    OK(aclrtCreateStream(&stream));
    Gate gate;
    std::atomic<int> ran{0};
    hold(stream, gate);
    gate.wait_entered();
    OK(submit(stream, [&ran] { return ++ran, 0; }));
    std::thread opener([&gate] { gate.open(); });
    OK(aclrtResetDeviceForce(0));
    opener.join();
    CHECK(ran.load() <= 1);
    OK(aclFinalize());
}

TEST("finalize does not hang on a stream that nobody will wake") {
    OK(aclInit(nullptr));
    OK(aclrtSetDevice(0));
    aclrtStream stream = nullptr;
    OK(aclrtCreateStream(&stream));
    OK(aclrtSubscribeReport(static_cast<uint64_t>(pthread_self()), stream));
    OK(aclrtLaunchCallback([](void *) {}, nullptr, ACL_CALLBACK_BLOCK, stream));
    OK(aclFinalize());
    EQUAL(check::counter("live_streams"), 0u);
    EQUAL(check::counter("live_subscriptions"), 0u);
}

TEST("failures in the queue do not disturb a reset") {
    OK(aclInit(nullptr));
    OK(aclrtSetDevice(0));
    OK(submit(nullptr, [] { return softnpu::fail(507011, "late"); }));
    OK(aclrtResetDevice(0));
    OK(aclrtSetDevice(0));
    OK(aclrtSynchronizeStream(nullptr));
    OK(aclFinalize());
}

TEST("threads set and reset the device at once") {
    OK(aclInit(nullptr));
    std::atomic<int> failures{0};
    std::vector<std::thread> threads;
    for (int i = 0; i < 4; ++i) {
        threads.emplace_back([&failures] {
            for (int round = 0; round < 50; ++round) {
                if (aclrtSetDevice(0) != 0) ++failures;
                aclrtStream stream = nullptr;
                if (aclrtCreateStream(&stream) != 0) ++failures;
                if (aclrtSynchronizeStream(stream) != 0) ++failures;
                if (aclrtDestroyStream(stream) != 0) ++failures;
                if (aclrtResetDevice(0) != 0) ++failures;
            }
        });
    }
    for (std::thread &thread : threads) thread.join();
    EQUAL(failures.load(), 0);
    EQUAL(check::counter("live_contexts"), 0u);
    EQUAL(check::counter("live_streams"), 0u);
    OK(aclFinalize());
}

// ---- children ----

TEST("child exit with work in flight") {
    aclInit(nullptr);
    aclrtSetDevice(0);
    static aclrtStream streams[8];
    for (aclrtStream &stream : streams) {
        aclrtCreateStream(&stream);
        for (int i = 0; i < 200; ++i) submit(stream, [] { return spin_ms(1), 0; });
    }
    std::exit(7);
}

TEST("child exit with a blocked function") {
    aclInit(nullptr);
    aclrtSetDevice(0);
    Gate &gate = *new Gate;  // the blocked thread outlives main
    hold(nullptr, gate);
    gate.wait_entered();
    std::exit(7);
}

namespace {

/// Finalizes from a static destructor, against the documentation but common.
struct Late {
    ~Late() {
        aclrtSynchronizeStream(nullptr);
        aclrtResetDevice(0);
        aclFinalize();
    }
};

}  // namespace

TEST("child finalize in a static destructor") {
    static Late late;
    aclInit(nullptr);
    aclrtSetDevice(0);
    for (int i = 0; i < 50; ++i) submit(nullptr, [] { return spin_ms(1), 0; });
    std::exit(7);
}

TEST("child fork") {
    aclInit(nullptr);
    aclrtSetDevice(0);
    submit(nullptr, [] { return 0; });
    aclrtSynchronizeStream(nullptr);
    const pid_t pid = fork();
    if (pid == 0) {
        const int code = aclrtSynchronizeStream(nullptr);
        void *memory = nullptr;
        const bool refused = code == ACL_ERROR_FEATURE_UNSUPPORTED &&
                             aclrtMalloc(&memory, 8, ACL_MEM_MALLOC_HUGE_FIRST) == code &&
                             aclCreateDataBuffer(nullptr, 0) == nullptr &&
                             std::string(aclGetRecentErrMsg()).find("forked") != std::string::npos;
        std::exit(refused ? 3 : 4);
    }
    int status = 0;
    waitpid(pid, &status, 0);
    if (!WIFEXITED(status) || WEXITSTATUS(status) != 3) std::exit(5);
    if (aclrtSynchronizeStream(nullptr) != 0) std::exit(6);
    std::exit(7);
}

TEST("child fork before use") {
    const pid_t pid = fork();
    if (pid == 0) {
        const bool works = aclInit(nullptr) == 0 && aclrtSetDevice(0) == 0 &&
                           submit(nullptr, [] { return 0; }) == 0 &&
                           aclrtSynchronizeStream(nullptr) == 0 && aclFinalize() == 0;
        std::exit(works ? 3 : 4);
    }
    int status = 0;
    waitpid(pid, &status, 0);
    std::exit(WIFEXITED(status) && WEXITSTATUS(status) == 3 ? 7 : 5);
}

TEST("the process ends quietly in any order") {
    for (const char *name :
         {"child exit with work in flight", "child exit with a blocked function",
          "child finalize in a static destructor", "child fork", "child fork before use"}) {
        const auto child = check::run_child(name);
        if (!child.exited_with(7) || !child.output.empty()) {
            throw std::runtime_error(std::string(name) + ": status " +
                                     std::to_string(child.status) + ", output: " + child.output);
        }
    }
}

TEST_MAIN
