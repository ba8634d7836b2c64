// Init and finalize, errors and messages, devices, contexts across threads.
#include <cstring>
#include <fstream>
#include <thread>

#include "tests/cpp/device.hpp"

namespace {

/// A configuration file that goes away with the object.
struct File {
    std::string path;
    explicit File(const std::string &text) {
        char name[] = "/tmp/softnpu_test_XXXXXX";
        const int fd = mkstemp(name);
        path = name;
        CHECK(write(fd, text.data(), text.size()) == static_cast<ssize_t>(text.size()));
        close(fd);
    }
    ~File() { unlink(path.c_str()); }
};

void on_new_thread(const std::function<void()> &body) {
    std::exception_ptr failure;
    std::thread([&] {
        try {
            body();
        } catch (...) {
            failure = std::current_exception();
        }
    }).join();
    if (failure) std::rethrow_exception(failure);
}

}  // namespace

TEST("init counts, finalize drops the whole count") {
    OK(aclInit(nullptr));
    EQUAL(aclInit(""), ACL_ERROR_REPEAT_INITIALIZE);
    OK(aclFinalize());
    EQUAL(aclFinalize(), ACL_ERROR_REPEAT_FINALIZE);
    OK(aclInit(nullptr));
    OK(aclFinalize());
}

TEST("the configuration file is checked") {
    EQUAL(aclInit("/nowhere/acl.json"), ACL_ERROR_INVALID_FILE);
    EQUAL(aclInit(File("{\"dump\":").path.c_str()), ACL_ERROR_PARSE_FILE);
    EQUAL(aclInit(File("[1, 2]").path.c_str()), ACL_ERROR_PARSE_FILE);
    EQUAL(aclInit(File("{\"a\":" + std::string(200000, '[')).path.c_str()), ACL_ERROR_PARSE_FILE);
    const std::string ten =
        "{\"a\":{\"a\":{\"a\":{\"a\":{\"a\":{\"a\":{\"a\":{\"a\":{\"a\":{}}}}}}}}}}";
    EQUAL(aclInit(File("{\"a\":" + ten + "}").path.c_str()), ACL_ERROR_PARSE_FILE);
    EQUAL(aclInit(File("{\"defaultDevice\":{\"default_device\":\"x\"}}").path.c_str()),
          ACL_ERROR_INVALID_PARAM);
    EQUAL(aclInit(File("{\"defaultDevice\":{\"default_device\":\"99\"}}").path.c_str()),
          ACL_ERROR_INVALID_PARAM);
    OK(aclInit(File(ten).path.c_str()));
    EQUAL(aclInit(File("{\"other\": 1}").path.c_str()), ACL_ERROR_INVALID_PARAM);
    OK(aclFinalize());
    OK(aclInit(File("").path.c_str()));
    OK(aclFinalize());
}

TEST("the default device of the configuration answers aclrtGetDevice") {
    OK(aclInit(File("{\"defaultDevice\":{\"default_device\":\"0\"}}").path.c_str()));
    int32_t id = -5;
    OK(aclrtGetDevice(&id));
    EQUAL(id, 0);
    OK(aclFinalize());
    EQUAL(aclrtGetDevice(&id), static_cast<int>(ACL_ERROR_RT_CONTEXT_NULL));
}

TEST("messages name the function and the code, are read once and per thread") {
    while (aclGetRecentErrMsg() != nullptr) {
    }
    EQUAL(aclrtSetDevice(99), static_cast<int>(ACL_ERROR_RT_INVALID_DEVICEID));
    on_new_thread([] { CHECK(aclGetRecentErrMsg() == nullptr); });
    const char *message = aclGetRecentErrMsg();
    CHECK(message != nullptr);
    CHECK(std::strstr(message, "aclrtSetDevice") != nullptr);
    CHECK(std::strstr(message, "ACL_ERROR_RT_INVALID_DEVICEID") != nullptr);
    CHECK(aclGetRecentErrMsg() == nullptr);
}

TEST("the last error is kept by peek and cleared by get") {
    aclrtSetDevice(-1);
    EQUAL(aclrtPeekAtLastError(ACL_RT_THREAD_LEVEL), 107001);
    OK(aclInit(nullptr));
    EQUAL(aclrtGetLastError(ACL_RT_THREAD_LEVEL), 107001);
    EQUAL(aclrtGetLastError(ACL_RT_THREAD_LEVEL), 0);
    OK(aclFinalize());
}

TEST("out pointers are checked") {
    EQUAL(aclrtGetDeviceCount(nullptr), ACL_ERROR_INVALID_PARAM);
    EQUAL(aclrtGetRunMode(nullptr), ACL_ERROR_INVALID_PARAM);
    EQUAL(aclrtGetVersion(nullptr, nullptr, nullptr), ACL_ERROR_INVALID_PARAM);
    EQUAL(aclrtCreateContext(nullptr, 0), ACL_ERROR_INVALID_PARAM);
    EQUAL(aclrtSetCurrentContext(nullptr), ACL_ERROR_INVALID_PARAM);
    EQUAL(aclrtDestroyContext(nullptr), ACL_ERROR_INVALID_PARAM);
    EQUAL(aclrtCreateStream(nullptr), ACL_ERROR_INVALID_PARAM);
}

TEST("facts of the device") {
    aclrtRunMode mode;
    OK(aclrtGetRunMode(&mode));
    EQUAL(mode, is_discrete() ? ACL_HOST : ACL_DEVICE);
    EQUAL(std::string(aclrtGetSocName()), "Ascend310P3");
    int32_t major = 0, minor = 0, patch = 0;
    OK(aclrtGetVersion(&major, &minor, &patch));
    EQUAL(major, ACL_MAJOR_VERSION);
    int64_t cores = 0;
    OK(aclGetDeviceCapability(0, ACL_DEVICE_INFO_AI_CORE_NUM, &cores));
    CHECK(cores > 0);
    EQUAL(aclGetDeviceCapability(7, ACL_DEVICE_INFO_AI_CORE_NUM, &cores), 107001);
    aclCANNPackageVersion version;
    OK(aclsysGetCANNVersion(ACL_PKG_NAME_CANN, &version));
    EQUAL(std::string(version.version), "8.1.RC1");
    char text[ACL_PKG_VERSION_MAX_SIZE];
    char package[] = "runtime", none[] = "";
    OK(aclsysGetVersionStr(package, text));
    EQUAL(std::string(text), "8.1.RC1");
    EQUAL(aclsysGetVersionStr(none, text), ACL_ERROR_INVALID_PARAM);
    EQUAL(aclsysGetVersionStr(nullptr, text), ACL_ERROR_INVALID_PARAM);
    EQUAL(aclsysGetVersionStr(package, nullptr), ACL_ERROR_INVALID_PARAM);
    int32_t has = -1;
    OK(aclrtGetDeviceCapability(0, ACL_FEATURE_TSCPU_TASK_UPDATE_SUPPORT_AIC_AIV, &has));
    EQUAL(has, ACL_DEV_FEATURE_NOT_SUPPORT);
    OK(aclrtGetDeviceCapability(0, ACL_FEATURE_SYSTEM_MEMQ_EVENT_CROSS_DEV, &has));
    EQUAL(has, ACL_DEV_FEATURE_NOT_SUPPORT);
    EQUAL(aclrtGetDeviceCapability(0, static_cast<aclrtDevFeatureType>(2), &has),
          ACL_ERROR_INVALID_PARAM);
    EQUAL(aclrtGetDeviceCapability(7, ACL_FEATURE_SYSTEM_MEMQ_EVENT_CROSS_DEV, &has), 107001);
    EQUAL(aclrtGetDeviceCapability(0, ACL_FEATURE_SYSTEM_MEMQ_EVENT_CROSS_DEV, nullptr),
          ACL_ERROR_INVALID_PARAM);
}

TEST("finalizing by reference undoes one init at a time") {
    uint64_t left = 99;
    EQUAL(aclFinalizeReference(&left), ACL_ERROR_REPEAT_FINALIZE);
    EQUAL(left, 99u);
    OK(aclInit(nullptr));
    EQUAL(aclInit(nullptr), ACL_ERROR_REPEAT_INITIALIZE);
    EQUAL(aclInit(nullptr), ACL_ERROR_REPEAT_INITIALIZE);
    OK(aclrtSetDevice(0));
    OK(aclFinalizeReference(&left));
    EQUAL(left, 2u);
    OK(aclFinalizeReference(nullptr));
    aclrtContext context = nullptr;
    OK(aclrtGetCurrentContext(&context));  // the last one counts
    OK(aclFinalizeReference(&left));
    EQUAL(left, 0u);
    EQUAL(aclrtGetCurrentContext(&context), 107002);
    EQUAL(aclFinalize(), ACL_ERROR_REPEAT_FINALIZE);
    OK(aclInit(nullptr));
    EQUAL(aclInit(nullptr), ACL_ERROR_REPEAT_INITIALIZE);
    OK(aclFinalize());  // all at once
    EQUAL(aclFinalizeReference(&left), ACL_ERROR_REPEAT_FINALIZE);
}

TEST("set and reset are counted") {
    OK(aclInit(nullptr));
    OK(aclrtSetDevice(0));
    OK(aclrtSetDevice(0));
    OK(aclrtResetDevice(0));
    aclrtContext context = nullptr;
    OK(aclrtGetCurrentContext(&context));
    OK(aclrtResetDevice(0));
    EQUAL(aclrtGetCurrentContext(&context), 107002);
    EQUAL(aclrtResetDevice(0), 507007);
    OK(aclrtSetDevice(0));
    OK(aclrtSetDevice(0));
    OK(aclrtResetDeviceForce(0));
    EQUAL(aclrtResetDevice(0), 507007);
    OK(aclFinalize());
}

TEST("a thread starts without a context and shares the device's own") {
    Session session;
    aclrtContext mine = nullptr;
    OK(aclrtGetCurrentContext(&mine));
    on_new_thread([&] {
        aclrtContext theirs = nullptr;
        EQUAL(aclrtGetCurrentContext(&theirs), 107002);
        void *memory = nullptr;
        EQUAL(aclrtMalloc(&memory, 64, ACL_MEM_MALLOC_HUGE_FIRST), 107002);
        OK(aclrtSetDevice(0));
        OK(aclrtGetCurrentContext(&theirs));
        EQUAL(theirs, mine);
        OK(aclrtResetDevice(0));
    });
    OK(aclrtGetCurrentContext(&mine));
}

TEST("an explicit context goes first and SetDevice drops it") {
    Session session;
    aclrtContext primary = nullptr, made = nullptr, now = nullptr;
    OK(aclrtGetCurrentContext(&primary));
    OK(aclrtCreateContext(&made, 0));
    OK(aclrtGetCurrentContext(&now));
    EQUAL(now, made);
    OK(aclrtSetDevice(0));
    OK(aclrtGetCurrentContext(&now));
    EQUAL(now, primary);
    OK(aclrtSetCurrentContext(made));
    OK(aclrtDestroyContext(made));
    OK(aclrtGetCurrentContext(&now));
    EQUAL(now, primary);
    EQUAL(aclrtDestroyContext(made), 107002);
    EQUAL(aclrtSetCurrentContext(made), 107000);
    EQUAL(aclrtDestroyContext(primary), 107002);
    EQUAL(aclrtSetCurrentContext(reinterpret_cast<void *>(0x1234)), 107000);
}

TEST("a context destroyed elsewhere is noticed") {
    Session session;
    aclrtContext made = nullptr;
    OK(aclrtCreateContext(&made, 0));
    aclrtStream stream = nullptr;
    OK(aclrtCreateStream(&stream));
    on_new_thread([&] {
        OK(aclrtSetCurrentContext(made));
        OK(aclrtDestroyContext(made));
    });
    aclrtContext now = nullptr;
    EQUAL(aclrtGetCurrentContext(&now), 107002);
    EQUAL(aclrtSynchronizeStream(stream), 107002);
    OK(aclrtSetDevice(0));
    EQUAL(aclrtSynchronizeStream(stream), 107000);
}

TEST("system parameters are kept per context and per process") {
    Session session;
    int64_t value = 0;
    EQUAL(aclrtCtxGetSysParamOpt(ACL_OPT_DETERMINISTIC, &value), 107021);
    OK(aclrtCtxSetSysParamOpt(ACL_OPT_DETERMINISTIC, 1));
    OK(aclrtCtxGetSysParamOpt(ACL_OPT_DETERMINISTIC, &value));
    EQUAL(value, 1);
    OK(aclrtSetSysParamOpt(ACL_OPT_ENABLE_DEBUG_KERNEL, 3));
    OK(aclrtGetSysParamOpt(ACL_OPT_ENABLE_DEBUG_KERNEL, &value));
    EQUAL(value, 3);
    EQUAL(aclrtCtxSetSysParamOpt(static_cast<aclSysParamOpt>(9), 1), ACL_ERROR_INVALID_PARAM);
}

TEST("a device that closes takes its events and notifies with it") {
    OK(aclInit(nullptr));
    const auto left = [] {
        return check::counter("live_events") + check::counter("live_notifies") +
               check::counter("live_streams") + check::counter("live_contexts");
    };
    for (int force = 0; force < 2; ++force) {
        OK(aclrtSetDevice(0));
        std::vector<aclrtEvent> events;
        aclrtEvent event = nullptr;
        // All there are: the next round gets as many only if these were given back.
        while (aclrtCreateEventWithFlag(&event, ACL_EVENT_SYNC) == 0) events.push_back(event);
        EQUAL(events.size(), 1023u);
        OK(aclrtCreateEvent(&event));
        events.push_back(event);
        std::vector<aclrtNotify> notifies;
        aclrtNotify notify = nullptr;
        while (aclrtCreateNotify(&notify, 0) == 0) notifies.push_back(notify);
        EQUAL(notifies.size(), 1024u);
        aclrtStream stream = nullptr;
        OK(aclrtCreateStream(&stream));
        OK(aclrtRecordEvent(events[0], stream));
        OK(aclrtStreamWaitEvent(nullptr, events[0]));
        if (force) {
            OK(aclrtResetDeviceForce(0));
        } else {
            OK(aclrtResetDevice(0));
        }
        EQUAL(left(), 0u);
        OK(aclrtSetDevice(0));
        EQUAL(aclrtDestroyEvent(events[0]), 107000);
        EQUAL(aclrtSynchronizeEvent(event), 107000);
        EQUAL(aclrtDestroyNotify(notifies[0]), 107000);
        OK(aclrtResetDevice(0));
    }
    OK(aclFinalize());
}

TEST("events last until the last context of their device goes") {
    {
        Session session;
        aclrtEvent event = nullptr;
        aclrtNotify notify = nullptr;
        OK(aclrtCreateEvent(&event));
        OK(aclrtCreateNotify(&notify, 0));
        OK(aclrtSetDevice(0));
        OK(aclrtResetDevice(0));
        EQUAL(check::counter("live_events"), 1u);
        aclrtContext context = nullptr;
        OK(aclrtCreateContext(&context, 0));
        OK(aclrtResetDevice(0));
        OK(aclrtSetCurrentContext(context));
        OK(aclrtSynchronizeEvent(event));
        OK(aclrtDestroyContext(context));
        EQUAL(check::counter("live_events"), 0u);
        EQUAL(check::counter("live_notifies"), 0u);
        OK(aclrtSetDevice(0));
        OK(aclrtCreateEvent(&event));
        OK(aclrtCreateNotify(&notify, 0));
    }  // aclFinalize
    EQUAL(check::counter("live_events"), 0u);
    EQUAL(check::counter("live_notifies"), 0u);
}

TEST("finalize takes everything with it") {
    {
        Session session;
        aclrtContext context = nullptr;
        OK(aclrtCreateContext(&context, 0));
        aclrtStream stream = nullptr;
        OK(aclrtCreateStream(&stream));
        device_malloc(1000);
    }
    EQUAL(check::counter("live_contexts"), 0u);
    EQUAL(check::counter("live_streams"), 0u);
    EQUAL(check::counter("live_device_bytes"), 0u);
    void *memory = nullptr;
    EQUAL(aclrtMalloc(&memory, 8, ACL_MEM_MALLOC_HUGE_FIRST), 107002);
}

TEST("an entry without an implementation says so") {
    const uint64_t before = check::counter("unsupported_calls");
    EQUAL(aclrtSetGroup(0), ACL_ERROR_FEATURE_UNSUPPORTED);
    CHECK(std::strstr(aclGetRecentErrMsg(), "aclrtSetGroup") != nullptr);
    EQUAL(check::counter("unsupported_calls"), before + 1);
    const char *names[8];
    CHECK(softnpuUnsupportedCalls(names, 8) >= 1);
    EQUAL(softnpu_is_stub("aclrtSetGroup"), 1);
    EQUAL(softnpu_is_stub("aclrtMalloc"), 0);
    EQUAL(softnpu_is_stub("aclrtNoSuchThing"), -1);
}

// ---- children: another environment ----

TEST("child init fails") {
    const int code = aclInit(nullptr);
    const char *message = aclGetRecentErrMsg();
    std::printf("%d %s", code, message != nullptr ? message : "");
}

TEST("child two devices") {
    OK(aclInit(nullptr));
    uint32_t count = 0;
    OK(aclrtGetDeviceCount(&count));
    EQUAL(count, 2u);
    OK(aclrtSetDevice(1));
    int32_t id = -1;
    OK(aclrtGetDevice(&id));
    EQUAL(id, 1);
    void *one = device_malloc(256);
    OK(aclrtSetDevice(0));
    void *zero = device_malloc(256);
    EQUAL(aclrtMemcpy(zero, 256, one, 256, ACL_MEMCPY_DEVICE_TO_DEVICE), 107000);
    int32_t can = 0;
    OK(aclrtDeviceCanAccessPeer(&can, 0, 1));
    EQUAL(can, 1);
    OK(aclrtDeviceEnablePeerAccess(1, 0));
    OK(aclrtMemcpy(zero, 256, one, 256, ACL_MEMCPY_DEVICE_TO_DEVICE));
    OK(aclFinalize());
    std::printf("fine");
}

TEST("environment variables are checked by name") {
    for (const char *wrong : {"SOFTNPU_MODE=both", "SOFTNPU_DEVICES=0", "SOFTNPU_DEVICES=two",
                              "SOFTNPU_SOC=H100", "SOFTNPU_THREADS=-1", "SOFTNPU_MEMORY=lots",
                              "SOFTNPU_MEMORY=1K", "ASCEND_RT_VISIBLE_DEVICES=1",
                              "ASCEND_RT_VISIBLE_DEVICES=0,0", "ASCEND_RT_VISIBLE_DEVICES=,"}) {
        const auto child = check::run_child("child init fails", {wrong});
        CHECK(child.exited_with(0));
        if (child.output.find("100000") != 0 || child.output.find(wrong) == std::string::npos) {
            throw std::runtime_error(std::string(wrong) + " gave: " + child.output);
        }
    }
}

TEST("several devices") {
    const auto child = check::run_child("child two devices", {"SOFTNPU_DEVICES=2"});
    EQUAL(child.output, "fine");
    const auto visible = check::run_child("child two devices",
                                          {"SOFTNPU_DEVICES=4", "ASCEND_RT_VISIBLE_DEVICES=1,3"});
    EQUAL(visible.output, "fine");
}

TEST_MAIN
