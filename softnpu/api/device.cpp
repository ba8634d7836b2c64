// Devices: choosing one, its facts, its modes.
#include <atomic>

#include "softnpu/api/entry.hpp"
#include "softnpu/core/config.hpp"
#include "softnpu/core/device.hpp"
#include "softnpu/memory/memory.hpp"
#include "softnpu/stream/clock.hpp"
#include "softnpu/stream/stream.hpp"

using namespace softnpu;

namespace {

/// The device with this id, or 107001.
int device_by_id(int64_t id, Device *&device) {
    device = runtime().device(id > INT32_MAX ? -1 : static_cast<int>(id));
    return device != nullptr ? 0 : ACL_ERROR_RT_INVALID_DEVICEID;
}

int current_device_object(Device *&device) {
    ContextRef context;
    SOFTNPU_CHECK(current_context(context));
    device = &context->device();
    return 0;
}

}  // namespace

extern "C" {

aclError aclrtSetDevice(int32_t deviceId) {
    return guarded("aclrtSetDevice", [&] { return runtime().set_device(deviceId); });
}

aclError aclrtResetDevice(int32_t deviceId) {
    return guarded("aclrtResetDevice", [&] { return runtime().reset_device(deviceId, false); });
}

aclError aclrtResetDeviceForce(int32_t deviceId) {
    return guarded("aclrtResetDeviceForce", [&] { return runtime().reset_device(deviceId, true); });
}

aclError aclrtGetDevice(int32_t *deviceId) {
    return guarded("aclrtGetDevice", [&] {
        SOFTNPU_CHECK(require_pointer(deviceId, "deviceId"));
        int id = current_device();
        if (id < 0) id = runtime().default_device();
        if (id < 0) return require_context();
        *deviceId = id;
        return 0;
    });
}

aclError aclrtGetDeviceCount(uint32_t *count) {
    return guarded("aclrtGetDeviceCount", [&] {
        SOFTNPU_CHECK(require_pointer(count, "count"));
        if (!config().error.empty()) {
            return fail(ACL_ERROR_INVALID_PARAM, "environment variable %s", config().error.c_str());
        }
        *count = static_cast<uint32_t>(config().devices());
        return 0;
    });
}

aclError aclrtGetRunMode(aclrtRunMode *runMode) {
    return guarded("aclrtGetRunMode", [&] {
        SOFTNPU_CHECK(require_pointer(runMode, "runMode"));
        *runMode = config().mode == Mode::unified ? ACL_DEVICE : ACL_HOST;
        return 0;
    });
}

const char *aclrtGetSocName() {
    return guarded_value<const char *>("aclrtGetSocName", nullptr,
                                       [] { return config().soc_name.c_str(); });
}

aclError aclrtQueryDeviceStatus(int32_t deviceId, aclrtDeviceStatus *deviceStatus) {
    return guarded("aclrtQueryDeviceStatus", [&] {
        SOFTNPU_CHECK(require_pointer(deviceStatus, "deviceStatus"));
        Device *device = nullptr;
        SOFTNPU_CHECK(device_by_id(deviceId, device));
        *deviceStatus = ACL_RT_DEVICE_STATUS_NORMAL;
        return 0;
    });
}

aclError aclrtSetTsDevice(aclrtTsId tsId) {
    return guarded("aclrtSetTsDevice", [&] {
        if (tsId != ACL_TS_ID_AICORE && tsId != ACL_TS_ID_AIVECTOR) {
            return fail(ACL_ERROR_INVALID_PARAM, "%d names no task scheduler",
                        static_cast<int>(tsId));
        }
        return require_context();
    });
}

aclError aclrtSynchronizeDevice() {
    return guarded("aclrtSynchronizeDevice", [] {
        Device *device = nullptr;
        SOFTNPU_CHECK(current_device_object(device));
        return synchronize_device(*device, -1);
    });
}

aclError aclrtSynchronizeDeviceWithTimeout(int32_t timeout) {
    return guarded("aclrtSynchronizeDeviceWithTimeout", [&] {
        SOFTNPU_CHECK(check_timeout(timeout, ACL_ERROR_RT_PARAM_INVALID));
        Device *device = nullptr;
        SOFTNPU_CHECK(current_device_object(device));
        return synchronize_device(*device, timeout);
    });
}

aclError aclrtDeviceTaskAbort(int32_t deviceId, uint32_t) {
    return guarded("aclrtDeviceTaskAbort", [&] {
        Device *device = nullptr;
        SOFTNPU_CHECK(device_by_id(deviceId, device));
        stream_table().for_each([&](const StreamRef &stream) {
            if (&stream->device() == device) stream->abort();
        });
        return 0;
    });
}

aclError aclGetDeviceCapability(uint32_t deviceId, aclDeviceInfo deviceInfo, int64_t *value) {
    return guarded("aclGetDeviceCapability", [&] {
        SOFTNPU_CHECK(require_pointer(value, "value"));
        Device *device = nullptr;
        SOFTNPU_CHECK(device_by_id(deviceId, device));
        const Soc &soc = config().soc;
        switch (deviceInfo) {
            case ACL_DEVICE_INFO_AI_CORE_NUM:
                *value = soc.ai_cores;
                return 0;
            case ACL_DEVICE_INFO_VECTOR_CORE_NUM:
                *value = soc.vector_cores;
                return 0;
            case ACL_DEVICE_INFO_L2_SIZE:
                *value = static_cast<int64_t>(soc.l2_bytes);
                return 0;
            default:
                return fail(ACL_ERROR_INVALID_PARAM, "%d names no device attribute",
                            static_cast<int>(deviceInfo));
        }
    });
}

aclError aclrtGetDeviceCapability(int32_t deviceId, aclrtDevFeatureType devFeatureType,
                                  int32_t *value) {
    return guarded("aclrtGetDeviceCapability", [&] {
        SOFTNPU_CHECK(require_pointer(value, "value"));
        Device *device = nullptr;
        SOFTNPU_CHECK(device_by_id(deviceId, device));
        switch (devFeatureType) {
            case ACL_FEATURE_TSCPU_TASK_UPDATE_SUPPORT_AIC_AIV:
            case ACL_FEATURE_SYSTEM_MEMQ_EVENT_CROSS_DEV:
                *value = ACL_DEV_FEATURE_NOT_SUPPORT;  // no kernels, no queues
                return 0;
            default:
                return fail(ACL_ERROR_INVALID_PARAM, "%d names no device feature",
                            static_cast<int>(devFeatureType));
        }
    });
}

aclError aclrtGetDeviceUtilizationRate(int32_t deviceId, aclrtUtilizationInfo *utilizationInfo) {
    return guarded("aclrtGetDeviceUtilizationRate", [&] {
        SOFTNPU_CHECK(require_pointer(utilizationInfo, "utilizationInfo"));
        Device *device = nullptr;
        SOFTNPU_CHECK(device_by_id(deviceId, device));
        const int busy = device->utilization_percent();
        size_t free = 0;
        size_t total = 0;
        memory_info(deviceId, &free, &total);
        utilizationInfo->cubeUtilization = busy;
        utilizationInfo->vectorUtilization = busy;
        utilizationInfo->aicpuUtilization = 0;
        utilizationInfo->memoryUtilization = static_cast<int32_t>((total - free) * 100 / total);
        utilizationInfo->utilizationExtend = nullptr;
        return 0;
    });
}

aclError aclrtSetDeviceSatMode(aclrtFloatOverflowMode mode) {
    return guarded("aclrtSetDeviceSatMode", [&] {
        if (mode < ACL_RT_OVERFLOW_MODE_SATURATION || mode >= ACL_RT_OVERFLOW_MODE_UNDEF) {
            return fail(ACL_ERROR_INVALID_PARAM, "%d names no overflow mode",
                        static_cast<int>(mode));
        }
        Device *device = nullptr;
        SOFTNPU_CHECK(current_device_object(device));
        device->saturation_mode = static_cast<int>(mode);
        return 0;
    });
}

aclError aclrtGetDeviceSatMode(aclrtFloatOverflowMode *mode) {
    return guarded("aclrtGetDeviceSatMode", [&] {
        SOFTNPU_CHECK(require_pointer(mode, "mode"));
        Device *device = nullptr;
        SOFTNPU_CHECK(current_device_object(device));
        *mode = static_cast<aclrtFloatOverflowMode>(device->saturation_mode.load());
        return 0;
    });
}

aclError aclrtDeviceCanAccessPeer(int32_t *canAccessPeer, int32_t deviceId, int32_t peerDeviceId) {
    return guarded("aclrtDeviceCanAccessPeer", [&] {
        SOFTNPU_CHECK(require_pointer(canAccessPeer, "canAccessPeer"));
        Device *device = nullptr;
        SOFTNPU_CHECK(device_by_id(deviceId, device));
        SOFTNPU_CHECK(device_by_id(peerDeviceId, device));
        *canAccessPeer = deviceId != peerDeviceId ? 1 : 0;
        return 0;
    });
}

aclError aclrtDeviceEnablePeerAccess(int32_t peerDeviceId, uint32_t flags) {
    return guarded("aclrtDeviceEnablePeerAccess", [&] {
        Device *peer = nullptr;
        SOFTNPU_CHECK(device_by_id(peerDeviceId, peer));
        Device *device = nullptr;
        SOFTNPU_CHECK(current_device_object(device));
        if (flags != 0 || peer == device) {
            return fail(ACL_ERROR_RT_PARAM_INVALID, "flags must be 0 and the peer another device");
        }
        device->peer_access.fetch_or(1u << peerDeviceId);
        return 0;
    });
}

aclError aclrtDeviceDisablePeerAccess(int32_t peerDeviceId) {
    return guarded("aclrtDeviceDisablePeerAccess", [&] {
        Device *peer = nullptr;
        SOFTNPU_CHECK(device_by_id(peerDeviceId, peer));
        Device *device = nullptr;
        SOFTNPU_CHECK(current_device_object(device));
        device->peer_access.fetch_and(~(1u << peerDeviceId));
        return 0;
    });
}

aclError aclGetCannAttributeList(const aclCannAttr **cannAttrList, size_t *num) {
    static const aclCannAttr attributes[] = {ACL_CANN_ATTR_INF_NAN, ACL_CANN_ATTR_BF16,
                                             ACL_CANN_ATTR_JIT_COMPILE};
    return guarded("aclGetCannAttributeList", [&] {
        SOFTNPU_CHECK(require_pointer(cannAttrList, "cannAttrList"));
        SOFTNPU_CHECK(require_pointer(num, "num"));
        *cannAttrList = attributes;
        *num = sizeof attributes / sizeof attributes[0];
        return 0;
    });
}

aclError aclGetCannAttribute(aclCannAttr cannAttr, int32_t *value) {
    return guarded("aclGetCannAttribute", [&] {
        SOFTNPU_CHECK(require_pointer(value, "value"));
        switch (cannAttr) {
            case ACL_CANN_ATTR_INF_NAN:
            case ACL_CANN_ATTR_BF16:
                *value = 1;
                return 0;
            case ACL_CANN_ATTR_JIT_COMPILE:
                *value = 0;
                return 0;
            default:
                return fail(ACL_ERROR_INVALID_PARAM, "%d names no attribute",
                            static_cast<int>(cannAttr));
        }
    });
}

}  // extern "C"
