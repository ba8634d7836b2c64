// Notifies.
#include "softnpu/stream/notify.hpp"

#include "softnpu/api/entry.hpp"

using namespace softnpu;

namespace {

int find(aclrtNotify handle, NotifyRef &notify) {
    SOFTNPU_CHECK(require_pointer(handle, "notify"));
    SOFTNPU_CHECK(require_context());
    return find_notify(handle, notify);
}

int find(aclrtNotify handle, NotifyRef &notify, aclrtStream stream_handle, StreamRef &stream) {
    SOFTNPU_CHECK(find(handle, notify));
    return find_stream(stream_handle, stream);
}

}  // namespace

extern "C" {

aclError aclrtCreateNotify(aclrtNotify *notify, uint64_t flag) {
    return guarded("aclrtCreateNotify", [&] {
        SOFTNPU_CHECK(require_pointer(notify, "notify"));
        if (flag == ACL_NOTIFY_DEVICE_USE_ONLY) {
            return fail(ACL_ERROR_RT_FEATURE_NOT_SUPPORT,
                        "ACL_NOTIFY_DEVICE_USE_ONLY: no code of the program runs on a softnpu "
                        "device; use ACL_NOTIFY_DEFAULT");
        }
        if (flag != ACL_NOTIFY_DEFAULT) {
            return fail(ACL_ERROR_RT_PARAM_INVALID, "flag 0x%llx: want ACL_NOTIFY_DEFAULT (0)",
                        static_cast<unsigned long long>(flag));
        }
        return create_notify(notify);
    });
}

aclError aclrtDestroyNotify(aclrtNotify notify) {
    return guarded("aclrtDestroyNotify", [&] {
        SOFTNPU_CHECK(require_pointer(notify, "notify"));
        SOFTNPU_CHECK(require_context());
        return destroy_notify(notify);
    });
}

aclError aclrtGetNotifyId(aclrtNotify notify, uint32_t *notifyId) {
    return guarded("aclrtGetNotifyId", [&] {
        SOFTNPU_CHECK(require_pointer(notifyId, "notifyId"));
        NotifyRef found;
        SOFTNPU_CHECK(find(notify, found));
        *notifyId = handle_slot(notify);  // unique among the live ones
        return 0;
    });
}

aclError aclrtRecordNotify(aclrtNotify notify, aclrtStream stream) {
    return guarded("aclrtRecordNotify", [&] {
        NotifyRef found;
        StreamRef in;
        SOFTNPU_CHECK(find(notify, found, stream, in));
        return found->record(*in);
    });
}

aclError aclrtWaitAndResetNotify(aclrtNotify notify, aclrtStream stream, uint32_t timeout) {
    return guarded("aclrtWaitAndResetNotify", [&] {
        NotifyRef found;
        StreamRef in;
        SOFTNPU_CHECK(find(notify, found, stream, in));
        return found->wait_on(*in, uint64_t{timeout} * 1'000'000'000u);
    });
}

}  // extern "C"
