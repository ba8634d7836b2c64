// Time limits of tasks and the overflow flag: settings of real chips with little to act on here.
#include "softnpu/api/entry.hpp"
#include "softnpu/memory/copy.hpp"
#include "softnpu/memory/memory.hpp"
#include "softnpu/stream/stream.hpp"

using namespace softnpu;

extern "C" {

aclError aclrtSetOpWaitTimeout(uint32_t) {
    return guarded("aclrtSetOpWaitTimeout", [] { return require_context(); });
}

aclError aclrtSetOpExecuteTimeOut(uint32_t) {
    return guarded("aclrtSetOpExecuteTimeOut", [] { return require_context(); });
}

aclError aclrtSetOpExecuteTimeOutWithMs(uint32_t) {
    return guarded("aclrtSetOpExecuteTimeOutWithMs", [] { return require_context(); });
}

aclError aclrtGetOverflowStatus(void *outputAddr, size_t outputSize, aclrtStream stream) {
    return guarded("aclrtGetOverflowStatus", [&] {
        constexpr size_t kFlagBytes = 64;
        SOFTNPU_CHECK(require_pointer(outputAddr, "outputAddr"));
        StreamRef found;
        SOFTNPU_CHECK(find_stream(stream, found));
        if (outputSize < kFlagBytes) {
            return fail(ACL_ERROR_RT_PARAM_INVALID, "outputSize is %zu, the status takes %zu bytes",
                        outputSize, kFlagBytes);
        }
        SOFTNPU_CHECK(check_device_memory("outputAddr", outputAddr, kFlagBytes));
        // Models compute in fp32, which keeps infinities: no task raises the flag.
        return found->submit("aclrtGetOverflowStatus", [outputAddr] {
            set_bytes(outputAddr, 0, kFlagBytes);
            return 0;
        });
    });
}

aclError aclrtResetOverflowStatus(aclrtStream stream) {
    return guarded("aclrtResetOverflowStatus", [&] {
        StreamRef found;
        return find_stream(stream, found);
    });
}

}  // extern "C"
