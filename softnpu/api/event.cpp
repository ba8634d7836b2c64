// Events.
#include "softnpu/stream/event.hpp"

#include "softnpu/api/entry.hpp"

using namespace softnpu;

namespace {

constexpr uint32_t kKnownFlags =
    ACL_EVENT_SYNC | ACL_EVENT_CAPTURE_STREAM_PROGRESS | ACL_EVENT_TIME_LINE | ACL_EVENT_EXTERNAL;

int create(aclrtEvent *event, EventKind kind, uint32_t flags) {
    SOFTNPU_CHECK(require_pointer(event, "event"));
    // No flag at all: nothing published says what becomes of it. Libraries for cards make their
    // events without times so, of the kind that has no limits, and wait for them.
    const bool none = kind == EventKind::with_flag && flags == 0;
    if (kind != EventKind::plain && (none || (flags & ~kKnownFlags) != 0)) {
        return fail(ACL_ERROR_RT_PARAM_INVALID, "flag 0x%x: want a combination of 0x%x", flags,
                    kKnownFlags);
    }
    return create_event(kind, flags, event);
}

int find(aclrtEvent handle, EventRef &event) {
    SOFTNPU_CHECK(require_pointer(handle, "event"));
    SOFTNPU_CHECK(require_context());
    return find_event(handle, event);
}

int find(aclrtEvent handle, EventRef &event, aclrtStream stream_handle, StreamRef &stream) {
    SOFTNPU_CHECK(find(handle, event));
    return find_stream(stream_handle, stream);
}

int unsupported_for_extended() {
    return fail(ACL_ERROR_RT_FEATURE_NOT_SUPPORT,
                "events of aclrtCreateEventExWithFlag do not support this; use "
                "aclrtQueryEventStatus, or an event of aclrtCreateEventWithFlag");
}

int require_sync_flag(const Event &event) {
    const bool unflagged = event.kind() == EventKind::plain || event.flags() == 0;
    if (unflagged || (event.flags() & ACL_EVENT_SYNC) != 0) return 0;
    return fail(ACL_ERROR_RT_PARAM_INVALID,
                "streams wait only for events created with the flag ACL_EVENT_SYNC");
}

bool is_recorded(const Event &event) {
    // An extended event that was never recorded has nothing left to wait for.
    if (event.kind() == EventKind::extended && !event.ever_recorded()) return true;
    return event.is_complete();
}

}  // namespace

extern "C" {

aclError aclrtCreateEvent(aclrtEvent *event) {
    return guarded("aclrtCreateEvent", [&] { return create(event, EventKind::plain, 0); });
}

aclError aclrtCreateEventWithFlag(aclrtEvent *event, uint32_t flag) {
    return guarded("aclrtCreateEventWithFlag",
                   [&] { return create(event, EventKind::with_flag, flag); });
}

aclError aclrtCreateEventExWithFlag(aclrtEvent *event, uint32_t flag) {
    return guarded("aclrtCreateEventExWithFlag",
                   [&] { return create(event, EventKind::extended, flag); });
}

aclError aclrtDestroyEvent(aclrtEvent event) {
    return guarded("aclrtDestroyEvent", [&] {
        SOFTNPU_CHECK(require_pointer(event, "event"));
        SOFTNPU_CHECK(require_context());
        return destroy_event(event);
    });
}

aclError aclrtRecordEvent(aclrtEvent event, aclrtStream stream) {
    return guarded("aclrtRecordEvent", [&] {
        EventRef found;
        StreamRef in;
        SOFTNPU_CHECK(find(event, found, stream, in));
        return found->record(*in);
    });
}

aclError aclrtResetEvent(aclrtEvent event, aclrtStream stream) {
    return guarded("aclrtResetEvent", [&] {
        EventRef found;
        StreamRef in;
        SOFTNPU_CHECK(find(event, found, stream, in));
        if (found->kind() == EventKind::extended) return unsupported_for_extended();
        SOFTNPU_CHECK(require_sync_flag(*found));
        return found->reset_on(*in);
    });
}

aclError aclrtStreamWaitEvent(aclrtStream stream, aclrtEvent event) {
    return guarded("aclrtStreamWaitEvent", [&] {
        EventRef found;
        StreamRef in;
        SOFTNPU_CHECK(find(event, found, stream, in));
        SOFTNPU_CHECK(require_sync_flag(*found));
        return found->wait_on(*in);
    });
}

aclError aclrtQueryEvent(aclrtEvent event, aclrtEventStatus *status) {
    return guarded("aclrtQueryEvent", [&] {
        SOFTNPU_CHECK(require_pointer(status, "status"));
        EventRef found;
        SOFTNPU_CHECK(find(event, found));
        if (found->kind() == EventKind::extended) return unsupported_for_extended();
        *status = is_recorded(*found) ? ACL_EVENT_STATUS_COMPLETE : ACL_EVENT_STATUS_NOT_READY;
        return 0;
    });
}

aclError aclrtQueryEventStatus(aclrtEvent event, aclrtEventRecordedStatus *status) {
    return guarded("aclrtQueryEventStatus", [&] {
        SOFTNPU_CHECK(require_pointer(status, "status"));
        EventRef found;
        SOFTNPU_CHECK(find(event, found));
        *status = is_recorded(*found) ? ACL_EVENT_RECORDED_STATUS_COMPLETE
                                      : ACL_EVENT_RECORDED_STATUS_NOT_READY;
        return 0;
    });
}

aclError aclrtQueryEventWaitStatus(aclrtEvent event, aclrtEventWaitStatus *status) {
    return guarded("aclrtQueryEventWaitStatus", [&] {
        SOFTNPU_CHECK(require_pointer(status, "status"));
        EventRef found;
        SOFTNPU_CHECK(find(event, found));
        if (found->kind() == EventKind::extended) return unsupported_for_extended();
        *status = found->waits_complete() ? ACL_EVENT_WAIT_STATUS_COMPLETE
                                          : ACL_EVENT_WAIT_STATUS_NOT_READY;
        return 0;
    });
}

aclError aclrtSynchronizeEvent(aclrtEvent event) {
    return guarded("aclrtSynchronizeEvent", [&] {
        EventRef found;
        SOFTNPU_CHECK(find(event, found));
        return found->synchronize(-1);
    });
}

aclError aclrtSynchronizeEventWithTimeout(aclrtEvent event, int32_t timeout) {
    return guarded("aclrtSynchronizeEventWithTimeout", [&] {
        SOFTNPU_CHECK(check_timeout(timeout, ACL_ERROR_RT_PARAM_INVALID));
        EventRef found;
        SOFTNPU_CHECK(find(event, found));
        return found->synchronize(timeout);
    });
}

aclError aclrtEventElapsedTime(float *ms, aclrtEvent startEvent, aclrtEvent endEvent) {
    return guarded("aclrtEventElapsedTime", [&] {
        SOFTNPU_CHECK(require_pointer(ms, "ms"));
        EventRef start;
        EventRef end;
        SOFTNPU_CHECK(find(startEvent, start));
        SOFTNPU_CHECK(find(endEvent, end));
        uint64_t from = 0;
        uint64_t to = 0;
        SOFTNPU_CHECK(start->timestamp(&from));
        SOFTNPU_CHECK(end->timestamp(&to));
        *ms = static_cast<float>((static_cast<double>(to) - static_cast<double>(from)) / 1e6);
        return 0;
    });
}

aclError aclrtEventGetTimestamp(aclrtEvent event, uint64_t *timestamp) {
    return guarded("aclrtEventGetTimestamp", [&] {
        SOFTNPU_CHECK(require_pointer(timestamp, "timestamp"));
        EventRef found;
        SOFTNPU_CHECK(find(event, found));
        uint64_t nanoseconds = 0;
        SOFTNPU_CHECK(found->timestamp(&nanoseconds));
        *timestamp = nanoseconds / 1000;  // microseconds
        return 0;
    });
}

}  // extern "C"
