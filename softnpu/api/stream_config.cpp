#include "softnpu/api/stream_config.hpp"

#include <cstring>
#include <memory>
#include <mutex>
#include <unordered_map>

#include "softnpu/api/entry.hpp"
#include "softnpu/core/counters.hpp"

using namespace softnpu;

namespace {

struct Registry {
    std::mutex mutex;  // leaf lock
    std::unordered_map<const void *, std::unique_ptr<aclrtStreamConfigHandle>> live;
};

Registry &registry() {
    static auto *instance = new Registry;  // outlives static destruction
    return *instance;
}

int unknown_handle(const void *handle) {
    return fail(ACL_ERROR_INVALID_PARAM,
                "%p is not a live stream config; make one with aclrtCreateStreamConfigHandle",
                handle);
}

template <class Value>
int assign(Value &field, const void *value, size_t size) {
    if (size != sizeof(Value)) {
        return fail(ACL_ERROR_INVALID_PARAM, "valueSize is %zu, the attribute takes %zu bytes",
                    size, sizeof(Value));
    }
    std::memcpy(&field, value, size);
    return 0;
}

}  // namespace

int softnpu::read_stream_config(const aclrtStreamConfigHandle *handle,
                                aclrtStreamConfigHandle &config) {
    Registry &all = registry();
    std::lock_guard<std::mutex> lock(all.mutex);
    const auto found = all.live.find(handle);
    if (found == all.live.end()) return unknown_handle(handle);
    config = *found->second;
    return 0;
}

extern "C" {

aclrtStreamConfigHandle *aclrtCreateStreamConfigHandle() {
    return guarded_value<aclrtStreamConfigHandle *>(
        "aclrtCreateStreamConfigHandle", nullptr, []() -> aclrtStreamConfigHandle * {
            auto made = std::make_unique<aclrtStreamConfigHandle>();
            *made = {};
            aclrtStreamConfigHandle *handle = made.get();
            Registry &all = registry();
            std::lock_guard<std::mutex> lock(all.mutex);
            all.live.emplace(handle, std::move(made));
            count(counters().live_configs);
            return handle;
        });
}

aclError aclrtDestroyStreamConfigHandle(aclrtStreamConfigHandle *handle) {
    return guarded("aclrtDestroyStreamConfigHandle", [&] {
        SOFTNPU_CHECK(require_pointer(handle, "handle"));
        Registry &all = registry();
        std::lock_guard<std::mutex> lock(all.mutex);
        if (all.live.erase(handle) == 0) return unknown_handle(handle);
        uncount(counters().live_configs);
        return 0;
    });
}

aclError aclrtSetStreamConfigOpt(aclrtStreamConfigHandle *handle, aclrtStreamConfigAttr attr,
                                 const void *attrValue, size_t valueSize) {
    return guarded("aclrtSetStreamConfigOpt", [&] {
        SOFTNPU_CHECK(require_pointer(handle, "handle"));
        SOFTNPU_CHECK(require_pointer(attrValue, "attrValue"));
        Registry &all = registry();
        std::lock_guard<std::mutex> lock(all.mutex);
        if (all.live.count(handle) == 0) return unknown_handle(handle);
        switch (attr) {
            case ACL_RT_STREAM_WORK_ADDR_PTR:
                return assign(handle->workptr, attrValue, valueSize);
            case ACL_RT_STREAM_WORK_SIZE:
                return assign(handle->workSize, attrValue, valueSize);
            case ACL_RT_STREAM_FLAG:
                return assign(handle->flag, attrValue, valueSize);
            case ACL_RT_STREAM_PRIORITY:
                return assign(handle->priority, attrValue, valueSize);
            default:
                return fail(ACL_ERROR_INVALID_PARAM, "%d names no attribute",
                            static_cast<int>(attr));
        }
    });
}

}  // extern "C"
