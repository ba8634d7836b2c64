// Profiling sessions, subscriptions, steps and ranges.
#include <fcntl.h>

#include <cstring>
#include <map>
#include <mutex>
#include <vector>

#include "acl/acl_prof.h"
#include "softnpu/api/entry.hpp"
#include "softnpu/core/config.hpp"
#include "softnpu/core/context.hpp"
#include "softnpu/memory/memory.hpp"
#include "softnpu/prof/prof.hpp"
#include "softnpu/stream/stream.hpp"

using namespace softnpu;
using prof::Object;
using Kind = prof::Object::Kind;

namespace {

constexpr uint32_t kLongestMessage = 1024;

bool is_metric(aclprofAicoreMetrics metrics) {
    return metrics == ACL_AICORE_NONE ||
           (metrics >= ACL_AICORE_ARITHMETIC_UTILIZATION && metrics <= ACL_AICORE_MEMORY_ACCESS);
}

int destroy(const void *handle, Kind kind, const char *type) {
    SOFTNPU_CHECK(require_pointer(handle, type));
    if (prof::destroy(handle, kind)) return 0;
    return fail(ACL_ERROR_INVALID_PARAM, "%p is not a live %s", handle, type);
}

// C programs pass the address of a descriptor, pyACL the descriptor itself: no address is so small.
int descriptor_of(void *fd) {
    const auto number = reinterpret_cast<uintptr_t>(fd);
    if (number < 65536) return static_cast<int>(number);
    return is_host_memory(fd, sizeof(int)) ? *static_cast<int *>(fd) : -1;
}

struct Range {
    std::string message;
    uint64_t start = 0;
};

struct Ranges {
    std::mutex mutex;  // a leaf lock
    std::map<uint32_t, Range> open;
    uint32_t next = 1;
};

Ranges &ranges() {
    static auto *const instance = new Ranges;
    return *instance;
}

// Ranges that aclprofPush opened on this thread, innermost last.
thread_local std::vector<Range> t_pushed;

int read_stamp(void *stamp, Range &range) {
    SOFTNPU_CHECK(require_pointer(stamp, "stamp"));
    const auto found = prof::find(stamp, Kind::stamp);
    if (!found) return fail(ACL_ERROR_INVALID_PARAM, "%p is not a live stamp", stamp);
    const std::lock_guard lock(found->mutex);
    range = {found->message, prof::clock()};
    return 0;
}

}  // namespace

extern "C" {

aclError aclprofInit(const char *profilerResultPath, size_t length) {
    return guarded("aclprofInit", [&] {
        SOFTNPU_CHECK(require_pointer(profilerResultPath, "profilerResultPath"));
        if (length == 0 || strnlen(profilerResultPath, length) != length)
            return fail(ACL_ERROR_INVALID_PARAM, "length %zu is not that of the path", length);
        return prof::open(std::string(profilerResultPath, length));
    });
}

aclError aclprofFinalize(void) {
    return guarded("aclprofFinalize", [] { return prof::close(); });
}

aclprofConfig *aclprofCreateConfig(uint32_t *deviceIdList, uint32_t deviceNums,
                                   aclprofAicoreMetrics aicoreMetrics,
                                   const aclprofAicoreEvents *aicoreEvents,
                                   uint64_t dataTypeConfig) {
    (void)dataTypeConfig;
    return guarded_value<aclprofConfig *>("aclprofCreateConfig", nullptr, [&]() -> aclprofConfig * {
        const auto refuse = [](const char *why) {
            return fail(ACL_ERROR_INVALID_PARAM, "%s", why), nullptr;
        };
        if (deviceNums > 0 && deviceIdList == nullptr) return refuse("deviceIdList is NULL");
        if (deviceNums > static_cast<uint32_t>(config().devices()))
            return refuse("deviceNums is larger than the number of devices");
        if (aicoreEvents != nullptr) return refuse("aicoreEvents must be NULL");
        if (!is_metric(aicoreMetrics)) return refuse("aicoreMetrics is none of the known ones");
        for (uint32_t i = 0; i < deviceNums; ++i)
            if (deviceIdList[i] >= static_cast<uint32_t>(config().devices()))
                return refuse("deviceIdList holds a device that does not exist");
        const auto made = prof::create(Kind::config);
        made->devices.assign(deviceIdList, deviceIdList + deviceNums);
        return static_cast<aclprofConfig *>(made.handle());
    });
}

aclError aclprofDestroyConfig(const aclprofConfig *profilerConfig) {
    return guarded("aclprofDestroyConfig",
                   [&] { return destroy(profilerConfig, Kind::config, "aclprofConfig"); });
}

aclError aclprofStart(const aclprofConfig *profilerConfig) {
    return guarded("aclprofStart", [&] {
        SOFTNPU_CHECK(require_pointer(profilerConfig, "profilerConfig"));
        return prof::start(static_cast<const void *>(profilerConfig));
    });
}

aclError aclprofStop(const aclprofConfig *profilerConfig) {
    return guarded("aclprofStop", [&] {
        SOFTNPU_CHECK(require_pointer(profilerConfig, "profilerConfig"));
        return prof::stop(profilerConfig);
    });
}

aclError aclprofSetConfig(aclprofConfigType configType, const char *config, size_t configLength) {
    return guarded("aclprofSetConfig", [&] {
        SOFTNPU_CHECK(require_pointer(config, "config"));
        if (configType <= ACL_PROF_ARGS_MIN || configType >= ACL_PROF_ARGS_MAX)
            return fail(ACL_ERROR_INVALID_PARAM, "configType %d is not one of 1 to 10",
                        static_cast<int>(configType));
        if (configLength == 0) return fail(ACL_ERROR_INVALID_PARAM, "configLength is 0");
        return 0;
    });
}

aclprofSubscribeConfig *aclprofCreateSubscribeConfig(int8_t timeInfoSwitch,
                                                     aclprofAicoreMetrics aicoreMetrics, void *fd) {
    (void)timeInfoSwitch;
    return guarded_value<aclprofSubscribeConfig *>(
        "aclprofCreateSubscribeConfig", nullptr, [&]() -> aclprofSubscribeConfig * {
            if (require_pointer(fd, "fd") != 0) return nullptr;
            if (!is_metric(aicoreMetrics))
                return fail(ACL_ERROR_INVALID_PARAM, "aicoreMetrics is none of the known ones"),
                       nullptr;
            const int pipe = descriptor_of(fd);
            if (fcntl(pipe, F_GETFD) < 0)
                return fail(ACL_ERROR_INVALID_PARAM,
                            "fd names descriptor %d, which is not open; pass the writing end of a "
                            "pipe",
                            pipe),
                       nullptr;
            const auto made = prof::create(Kind::subscription);
            made->pipe = pipe;
            return static_cast<aclprofSubscribeConfig *>(made.handle());
        });
}

aclError aclprofDestroySubscribeConfig(const aclprofSubscribeConfig *profSubscribeConfig) {
    return guarded("aclprofDestroySubscribeConfig", [&] {
        return destroy(profSubscribeConfig, Kind::subscription, "aclprofSubscribeConfig");
    });
}

aclError aclprofModelSubscribe(uint32_t modelId,
                               const aclprofSubscribeConfig *profSubscribeConfig) {
    return guarded("aclprofModelSubscribe", [&] {
        SOFTNPU_CHECK(require_pointer(profSubscribeConfig, "profSubscribeConfig"));
        return prof::subscribe(modelId, profSubscribeConfig);
    });
}

aclError aclprofModelUnSubscribe(uint32_t modelId) {
    return guarded("aclprofModelUnSubscribe", [&] { return prof::unsubscribe(modelId); });
}

aclprofStepInfo *aclprofCreateStepInfo(void) {
    return guarded_value<aclprofStepInfo *>("aclprofCreateStepInfo", nullptr, [] {
        return static_cast<aclprofStepInfo *>(prof::create(Kind::step).handle());
    });
}

void aclprofDestroyStepInfo(aclprofStepInfo *stepinfo) {
    guarded("aclprofDestroyStepInfo",
            [&] { return destroy(stepinfo, Kind::step, "aclprofStepInfo"); });
}

aclError aclprofGetStepTimestamp(aclprofStepInfo *stepInfo, aclprofStepTag tag,
                                 aclrtStream stream) {
    return guarded("aclprofGetStepTimestamp", [&] {
        SOFTNPU_CHECK(require_pointer(stepInfo, "stepInfo"));
        if (tag != ACL_STEP_START && tag != ACL_STEP_END)
            return fail(ACL_ERROR_INVALID_PARAM, "tag is %d, want ACL_STEP_START or ACL_STEP_END",
                        static_cast<int>(tag));
        const auto step = prof::find(stepInfo, Kind::step);
        if (!step)
            return fail(ACL_ERROR_INVALID_PARAM, "%p is not a live aclprofStepInfo",
                        static_cast<void *>(stepInfo));
        StreamRef queue;
        SOFTNPU_CHECK(find_stream(stream, queue));
        const int number = queue->id();
        return queue->submit("aclprofGetStepTimestamp", [step, stepInfo, tag, number] {
            const uint64_t time = prof::clock();
            if (tag == ACL_STEP_START) step->started.store(time);
            const uint64_t start = step->started.load();
            if (tag == ACL_STEP_END && start != 0) prof::write_step(stepInfo, number, start, time);
            return 0;
        });
    });
}

void *aclprofCreateStamp(void) {
    return guarded_value<void *>("aclprofCreateStamp", nullptr,
                                 [] { return prof::create(Kind::stamp).handle(); });
}

void aclprofDestroyStamp(void *stamp) {
    guarded("aclprofDestroyStamp", [&] { return destroy(stamp, Kind::stamp, "stamp"); });
}

aclError aclprofSetStampTraceMessage(void *stamp, const char *msg, uint32_t msgLen) {
    return guarded("aclprofSetStampTraceMessage", [&] {
        SOFTNPU_CHECK(require_pointer(stamp, "stamp"));
        SOFTNPU_CHECK(require_pointer(msg, "msg"));
        if (msgLen > kLongestMessage)
            return fail(ACL_ERROR_INVALID_PARAM, "msgLen is %u, at most %u are kept", msgLen,
                        kLongestMessage);
        const auto found = prof::find(stamp, Kind::stamp);
        if (!found) return fail(ACL_ERROR_INVALID_PARAM, "%p is not a live stamp", stamp);
        const std::lock_guard lock(found->mutex);
        found->message.assign(msg, strnlen(msg, msgLen));
        return 0;
    });
}

aclError aclprofMark(void *stamp) {
    return guarded("aclprofMark", [&] {
        Range range;
        SOFTNPU_CHECK(read_stamp(stamp, range));
        prof::write_range("mark", range.message, range.start, range.start);
        return 0;
    });
}

aclError aclprofMarkEx(const char *msg, size_t msgLen, aclrtStream stream) {
    return guarded("aclprofMarkEx", [&] {
        SOFTNPU_CHECK(require_pointer(msg, "msg"));
        if (msgLen == 0 || msgLen > kLongestMessage)
            return fail(ACL_ERROR_INVALID_PARAM, "msgLen is %zu, want 1 to %u", msgLen,
                        kLongestMessage);
        StreamRef queue;
        SOFTNPU_CHECK(find_stream(stream, queue));
        return queue->submit("aclprofMarkEx", [text = std::string(msg, strnlen(msg, msgLen))] {
            const uint64_t time = prof::clock();
            prof::write_range("mark", text, time, time);
            return 0;
        });
    });
}

aclError aclprofPush(void *stamp) {
    return guarded("aclprofPush", [&] {
        Range range;
        SOFTNPU_CHECK(read_stamp(stamp, range));
        t_pushed.push_back(std::move(range));
        return 0;
    });
}

aclError aclprofPop(void) {
    return guarded("aclprofPop", [] {
        if (t_pushed.empty())
            return fail(ACL_ERROR_FAILURE,
                        "no range is open on this thread; aclprofPush opens one");
        const Range range = std::move(t_pushed.back());
        t_pushed.pop_back();
        prof::write_range("push", range.message, range.start, prof::clock());
        return 0;
    });
}

aclError aclprofRangeStart(void *stamp, uint32_t *rangeId) {
    return guarded("aclprofRangeStart", [&] {
        SOFTNPU_CHECK(require_pointer(rangeId, "rangeId"));
        Range range;
        SOFTNPU_CHECK(read_stamp(stamp, range));
        const std::lock_guard lock(ranges().mutex);
        *rangeId = ranges().next++;
        ranges().open[*rangeId] = std::move(range);
        return 0;
    });
}

aclError aclprofRangeStop(uint32_t rangeId) {
    return guarded("aclprofRangeStop", [&] {
        Range range;
        {
            const std::lock_guard lock(ranges().mutex);
            const auto found = ranges().open.find(rangeId);
            if (found == ranges().open.end())
                return fail(ACL_ERROR_FAILURE, "no range %u is open", rangeId);
            range = std::move(found->second);
            ranges().open.erase(found);
        }
        prof::write_range("range", range.message, range.start, prof::clock());
        return 0;
    });
}

}  // extern "C"
