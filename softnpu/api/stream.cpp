// Streams.
#include "softnpu/stream/stream.hpp"

#include <algorithm>

#include "softnpu/api/entry.hpp"
#include "softnpu/api/stream_config.hpp"
#include "softnpu/core/device.hpp"
#include "softnpu/memory/memory.hpp"

using namespace softnpu;

namespace {

int create(aclrtStream *stream, uint32_t priority, uint32_t flags) {
    SOFTNPU_CHECK(require_pointer(stream, "stream"));
    ContextRef context;
    SOFTNPU_CHECK(current_context(context));
    StreamOptions options;
    // Hints: a card takes what is out of range for the nearest it has, and has flags that came
    // later than this interface. They change nothing here.
    options.priority = std::min(priority, Stream::kLeastPriority);
    options.flags = flags;
    StreamRef created;
    SOFTNPU_CHECK(create_stream(context->device(), context.handle(), options, created));
    *stream = created.handle();
    return 0;
}

int destroy(aclrtStream stream, bool force) {
    SOFTNPU_CHECK(require_pointer(stream, "stream"));
    return destroy_stream(stream, force);
}

/// Any live stream of the process; synchronising does not care for the current context's streams.
int find_any(aclrtStream handle, StreamRef &stream) {
    return find_stream(handle, stream, false);
}

}  // namespace

extern "C" {

aclError aclrtCreateStream(aclrtStream *stream) {
    return guarded("aclrtCreateStream", [&] { return create(stream, 0, 0); });
}

aclError aclrtCreateStreamWithConfig(aclrtStream *stream, uint32_t priority, uint32_t flag) {
    return guarded("aclrtCreateStreamWithConfig", [&] { return create(stream, priority, flag); });
}

aclError aclrtCreateStreamV2(aclrtStream *stream, const aclrtStreamConfigHandle *handle) {
    return guarded("aclrtCreateStreamV2", [&] {
        aclrtStreamConfigHandle config;
        SOFTNPU_CHECK(read_stream_config(handle, config));
        return create(stream, config.priority, static_cast<uint32_t>(config.flag));
    });
}

aclError aclrtDestroyStream(aclrtStream stream) {
    return guarded("aclrtDestroyStream", [&] { return destroy(stream, false); });
}

aclError aclrtDestroyStreamForce(aclrtStream stream) {
    return guarded("aclrtDestroyStreamForce", [&] { return destroy(stream, true); });
}

aclError aclrtSynchronizeStream(aclrtStream stream) {
    return guarded("aclrtSynchronizeStream", [&] {
        StreamRef found;
        SOFTNPU_CHECK(find_any(stream, found));
        return found->synchronize(-1);
    });
}

aclError aclrtSynchronizeStreamWithTimeout(aclrtStream stream, int32_t timeout) {
    return guarded("aclrtSynchronizeStreamWithTimeout", [&] {
        SOFTNPU_CHECK(check_timeout(timeout, ACL_ERROR_RT_PARAM_INVALID));
        StreamRef found;
        SOFTNPU_CHECK(find_any(stream, found));
        return found->synchronize(timeout);
    });
}

aclError aclrtStreamQuery(aclrtStream stream, aclrtStreamStatus *status) {
    return guarded("aclrtStreamQuery", [&] {
        SOFTNPU_CHECK(require_pointer(status, "status"));
        StreamRef found;
        SOFTNPU_CHECK(find_stream(stream, found));
        *status = found->is_idle() ? ACL_STREAM_STATUS_COMPLETE : ACL_STREAM_STATUS_NOT_READY;
        return 0;
    });
}

aclError aclrtStreamAbort(aclrtStream stream) {
    return guarded("aclrtStreamAbort", [&] {
        SOFTNPU_CHECK(require_pointer(stream, "stream"));
        StreamRef found;
        SOFTNPU_CHECK(find_any(stream, found));
        found->abort();
        return 0;
    });
}

aclError aclrtStreamGetId(aclrtStream stream, int32_t *streamId) {
    return guarded("aclrtStreamGetId", [&] {
        SOFTNPU_CHECK(require_pointer(streamId, "streamId"));
        StreamRef found;
        SOFTNPU_CHECK(find_stream(stream, found));
        *streamId = found->id();
        return 0;
    });
}

aclError aclrtStreamGetPriority(aclrtStream stream, uint32_t *priority) {
    return guarded("aclrtStreamGetPriority", [&] {
        SOFTNPU_CHECK(require_pointer(priority, "priority"));
        StreamRef found;
        SOFTNPU_CHECK(find_stream(stream, found));
        *priority = found->options().priority;
        return 0;
    });
}

aclError aclrtDeviceGetStreamPriorityRange(int32_t *leastPriority, int32_t *greatestPriority) {
    return guarded("aclrtDeviceGetStreamPriorityRange", [&] {
        SOFTNPU_CHECK(require_pointer(leastPriority, "leastPriority"));
        SOFTNPU_CHECK(require_pointer(greatestPriority, "greatestPriority"));
        SOFTNPU_CHECK(require_context());
        *leastPriority = static_cast<int32_t>(Stream::kLeastPriority);
        *greatestPriority = 0;
        return 0;
    });
}

aclError aclrtSetStreamFailureMode(aclrtStream stream, uint64_t mode) {
    return guarded("aclrtSetStreamFailureMode", [&] {
        SOFTNPU_CHECK(require_pointer(stream, "stream"));
        if (mode != ACL_CONTINUE_ON_FAILURE && mode != ACL_STOP_ON_FAILURE) {
            return fail(ACL_ERROR_INVALID_PARAM, "mode %llu: want 0 (continue) or 1 (stop)",
                        static_cast<unsigned long long>(mode));
        }
        StreamRef found;
        SOFTNPU_CHECK(find_stream(stream, found));
        found->set_stop_on_failure(mode == ACL_STOP_ON_FAILURE);
        return 0;
    });
}

aclError aclrtSetStreamOverflowSwitch(aclrtStream stream, uint32_t flag) {
    return guarded("aclrtSetStreamOverflowSwitch", [&] {
        if (flag > 1) return fail(ACL_ERROR_INVALID_PARAM, "flag %u: want 0 or 1", flag);
        StreamRef found;
        SOFTNPU_CHECK(find_stream(stream, found));
        found->overflow_switch = flag;
        return 0;
    });
}

aclError aclrtGetStreamOverflowSwitch(aclrtStream stream, uint32_t *flag) {
    return guarded("aclrtGetStreamOverflowSwitch", [&] {
        SOFTNPU_CHECK(require_pointer(flag, "flag"));
        StreamRef found;
        SOFTNPU_CHECK(find_stream(stream, found));
        *flag = found->overflow_switch;
        return 0;
    });
}

aclError aclrtGetThreadLastTaskId(uint32_t *taskId) {
    return guarded("aclrtGetThreadLastTaskId", [&] {
        SOFTNPU_CHECK(require_pointer(taskId, "taskId"));
        *taskId = thread_state().last_task;
        return 0;
    });
}

}  // extern "C"
