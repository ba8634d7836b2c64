// Callbacks and host functions in streams, and the exception callback.
#include "softnpu/stream/callback.hpp"

#include "softnpu/api/entry.hpp"
#include "softnpu/stream/failure.hpp"

using namespace softnpu;

/// What the exception callback is handed; programs see it through the getters only.
struct rtExceptionInfo : TaskFailure {};

namespace {

constexpr uint32_t kNoInfo = 0xFFFFFFFFu;

uint32_t field(const char *function, const aclrtExceptionInfo *info,
               uint32_t TaskFailure::*member) {
    return guarded_value<uint32_t>(function, kNoInfo, [&] {
        if (const TaskFailure *failure = current_failure(info)) return failure->*member;
        fail(ACL_ERROR_INVALID_PARAM,
             "%p is not the info of the exception callback running on this thread",
             static_cast<const void *>(info));
        return kNoInfo;
    });
}

}  // namespace

extern "C" {

aclError aclrtSubscribeReport(uint64_t threadId, aclrtStream stream) {
    return guarded("aclrtSubscribeReport", [&] {
        StreamRef found;
        SOFTNPU_CHECK(find_stream(stream, found));
        return subscribe_report(threadId, *found);
    });
}

aclError aclrtUnSubscribeReport(uint64_t threadId, aclrtStream stream) {
    return guarded("aclrtUnSubscribeReport", [&] {
        StreamRef found;
        SOFTNPU_CHECK(find_stream(stream, found));
        return unsubscribe_report(threadId, *found);
    });
}

aclError aclrtProcessReport(int32_t timeout) {
    return guarded("aclrtProcessReport", [&] {
        SOFTNPU_CHECK(check_timeout(timeout, ACL_ERROR_INVALID_PARAM));
        return process_report(timeout);
    });
}

aclError aclrtLaunchCallback(aclrtCallback fn, void *userData, aclrtCallbackBlockType blockType,
                             aclrtStream stream) {
    return guarded("aclrtLaunchCallback", [&] {
        SOFTNPU_CHECK(require_pointer(reinterpret_cast<void *>(fn), "fn"));
        if (blockType != ACL_CALLBACK_NO_BLOCK && blockType != ACL_CALLBACK_BLOCK) {
            return fail(ACL_ERROR_INVALID_PARAM, "blockType %d: want 0 or 1",
                        static_cast<int>(blockType));
        }
        StreamRef found;
        SOFTNPU_CHECK(find_stream(stream, found));
        return launch_callback(fn, userData, blockType == ACL_CALLBACK_BLOCK, *found);
    });
}

aclError aclrtLaunchHostFunc(aclrtStream stream, aclrtHostFunc fn, void *args) {
    return guarded("aclrtLaunchHostFunc", [&] {
        SOFTNPU_CHECK(require_pointer(reinterpret_cast<void *>(fn), "fn"));
        StreamRef found;
        SOFTNPU_CHECK(find_stream(stream, found));
        return launch_host_function(fn, args, *found);
    });
}

aclError aclrtSetExceptionInfoCallback(aclrtExceptionInfoCallback callback) {
    return guarded("aclrtSetExceptionInfoCallback", [&] {
        set_failure_callback(reinterpret_cast<FailureCallback>(callback));
        return 0;
    });
}

uint32_t aclrtGetTaskIdFromExceptionInfo(const aclrtExceptionInfo *info) {
    return field("aclrtGetTaskIdFromExceptionInfo", info, &TaskFailure::task_id);
}

uint32_t aclrtGetStreamIdFromExceptionInfo(const aclrtExceptionInfo *info) {
    return field("aclrtGetStreamIdFromExceptionInfo", info, &TaskFailure::stream_id);
}

uint32_t aclrtGetThreadIdFromExceptionInfo(const aclrtExceptionInfo *info) {
    return field("aclrtGetThreadIdFromExceptionInfo", info, &TaskFailure::thread_id);
}

uint32_t aclrtGetDeviceIdFromExceptionInfo(const aclrtExceptionInfo *info) {
    return field("aclrtGetDeviceIdFromExceptionInfo", info, &TaskFailure::device_id);
}

uint32_t aclrtGetErrorCodeFromExceptionInfo(const aclrtExceptionInfo *info) {
    return field("aclrtGetErrorCodeFromExceptionInfo", info, &TaskFailure::code);
}

}  // extern "C"
