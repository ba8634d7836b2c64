// Picture channels of the first media interface.
#include <cstring>

#include "acl/ops/acl_dvpp.h"
#include "softnpu/api/dvpp_access.hpp"
#include "softnpu/core/config.hpp"
#include "softnpu/dvpp/channel.hpp"
#include "softnpu/dvpp/check.hpp"
#include "softnpu/dvpp/chip.hpp"

using namespace softnpu;

namespace {

constexpr uint32_t kAllModes =
    DVPP_CHNMODE_VPC | DVPP_CHNMODE_JPEGD | DVPP_CHNMODE_JPEGE | DVPP_CHNMODE_PNGD;

std::atomic<uint64_t> g_next_id{1};

/// Bytes of a parameter's value; 0 for unknown parameters.
size_t size_of(acldvppChannelDescParamType type) {
    switch (type) {
        case ACL_DVPP_CHANNEL_ID_UINT64:
            return sizeof(uint64_t);
        case ACL_DVPP_CSC_MATRIX_UINT32:
        case ACL_DVPP_MODE_UINT32:
        case ACL_DVPP_CHANNEL_HEIGHT_UINT32:
        case ACL_DVPP_CHANNEL_WIDTH_UINT32:
        case ACL_DVPP_JPEGD_PRECISION_MODE_ENUM:
            return sizeof(uint32_t);
        default:
            return 0;
    }
}

std::atomic<uint32_t> &value_of(ChannelDesc &desc, acldvppChannelDescParamType type) {
    switch (type) {
        case ACL_DVPP_CSC_MATRIX_UINT32:
            return desc.csc_matrix;
        case ACL_DVPP_MODE_UINT32:
            return desc.mode;
        case ACL_DVPP_CHANNEL_HEIGHT_UINT32:
            return desc.height;
        case ACL_DVPP_CHANNEL_WIDTH_UINT32:
            return desc.width;
        default:
            return desc.precision;
    }
}

int check_value(acldvppChannelDescParamType type, uint32_t value) {
    if (type == ACL_DVPP_CSC_MATRIX_UINT32 && value > ACL_DVPP_CSC_MATRIX_BT2020_NARROW) {
        return fail(ACL_ERROR_INVALID_PARAM, "colour matrix %u: want 0 to 5", value);
    }
    if (type == ACL_DVPP_MODE_UINT32 && (value == 0 || (value & ~kAllModes) != 0)) {
        return fail(ACL_ERROR_INVALID_PARAM,
                    "mode %u: want bits 1, 2, 4, 8 (VPC, JPEGD, JPEGE, PNGD)", value);
    }
    if (type == ACL_DVPP_JPEGD_PRECISION_MODE_ENUM && value > ACL_YUVOUT_ALIGN_DOWN_COMPAT) {
        return fail(ACL_ERROR_INVALID_PARAM, "JPEGD precision mode %u: want 0 to 2", value);
    }
    return 0;
}

int check_parameter(acldvppChannelDescParamType type, size_t length, const void *param) {
    SOFTNPU_CHECK(require_pointer(param, "param"));
    const size_t size = size_of(type);
    if (size == 0) {
        return fail(ACL_ERROR_INVALID_PARAM, "paramType %d is unknown", static_cast<int>(type));
    }
    if (length < size) {
        return fail(ACL_ERROR_INVALID_PARAM, "length %zu: the value has %zu bytes", length, size);
    }
    return 0;
}

/// The first Ascend310 has no modes, nor has it or the first Ascend910 another matrix.
int check_chip(acldvppChannelDescParamType type) {
    const bool no_mode = type == ACL_DVPP_MODE_UINT32 && config().soc_name == "Ascend310";
    const bool no_matrix = type == ACL_DVPP_CSC_MATRIX_UINT32 && first_generation();
    if (!no_mode && !no_matrix) return 0;
    return fail(ACL_ERROR_FEATURE_UNSUPPORTED, "%s has no %s; choose another SOFTNPU_SOC",
                config().soc_name.c_str(), no_mode ? "channel modes" : "colour matrices");
}

}  // namespace

extern "C" {

acldvppChannelDesc *acldvppCreateChannelDesc() {
    return create_in<acldvppChannelDesc>(__func__, channel_descs());
}

aclError acldvppDestroyChannelDesc(acldvppChannelDesc *channelDesc) {
    return guarded(__func__, [&] {
        if (channelDesc == nullptr) return 0;
        ChannelDescRef found;
        SOFTNPU_CHECK(find_in(channel_descs(), channelDesc, "channelDesc", found));
        if (found->created) {
            return fail(ACL_ERROR_INVALID_PARAM,
                        "the channel is open; call acldvppDestroyChannel first");
        }
        return channel_descs().remove(channelDesc) ? 0 : fail_handle(channelDesc, "channelDesc");
    });
}

aclError acldvppCreateChannel(acldvppChannelDesc *channelDesc) {
    return guarded(__func__, [&] {
        ChannelDescRef found;
        SOFTNPU_CHECK(find_in(channel_descs(), channelDesc, "channelDesc", found));
        SOFTNPU_CHECK(require_context());
        SOFTNPU_CHECK(require_dvpp_on_chip());
        if (found->created.exchange(true)) {
            return fail(ACL_ERROR_INVALID_PARAM, "the channel is open already");
        }
        if (found->id == 0) found->id = g_next_id++;
        count(counters().live_media_channels);
        return 0;
    });
}

/// Operations in flight hold the descriptor, so nothing is waited for.
aclError acldvppDestroyChannel(acldvppChannelDesc *channelDesc) {
    return guarded(__func__, [&] {
        ChannelDescRef found;
        SOFTNPU_CHECK(find_in(channel_descs(), channelDesc, "channelDesc", found));
        if (!found->created.exchange(false)) {
            return fail(ACL_ERROR_INVALID_PARAM,
                        "the channel is not open; acldvppCreateChannel opens it");
        }
        uncount(counters().live_media_channels);
        return 0;
    });
}

uint64_t acldvppGetChannelDescChannelId(const acldvppChannelDesc *channelDesc) {
    return get_value(__func__, channel_descs(), channelDesc, &ChannelDesc::id);
}

aclError acldvppSetChannelDescMode(acldvppChannelDesc *channelDesc, uint32_t mode) {
    return guarded(__func__, [&] {
        SOFTNPU_CHECK(check_chip(ACL_DVPP_MODE_UINT32));
        ChannelDescRef found;
        SOFTNPU_CHECK(find_in(channel_descs(), channelDesc, "channelDesc", found));
        SOFTNPU_CHECK(check_value(ACL_DVPP_MODE_UINT32, mode));
        found->mode = mode;
        return 0;
    });
}

aclError acldvppSetChannelDescParam(acldvppChannelDesc *channelDesc,
                                    acldvppChannelDescParamType paramType, size_t length,
                                    const void *param) {
    return guarded(__func__, [&] {
        ChannelDescRef found;
        SOFTNPU_CHECK(find_in(channel_descs(), channelDesc, "channelDesc", found));
        SOFTNPU_CHECK(check_parameter(paramType, length, param));
        SOFTNPU_CHECK(check_chip(paramType));
        if (paramType == ACL_DVPP_CHANNEL_ID_UINT64) {
            uint64_t id = 0;
            std::memcpy(&id, param, sizeof id);
            found->id = id;
            return 0;
        }
        uint32_t value = 0;
        std::memcpy(&value, param, sizeof value);
        SOFTNPU_CHECK(check_value(paramType, value));
        value_of(*found, paramType) = value;
        return 0;
    });
}

aclError acldvppGetChannelDescParam(const acldvppChannelDesc *channelDesc,
                                    acldvppChannelDescParamType paramType, size_t length,
                                    size_t *paramRetSize, void *param) {
    return guarded(__func__, [&] {
        ChannelDescRef found;
        SOFTNPU_CHECK(find_in(channel_descs(), channelDesc, "channelDesc", found));
        SOFTNPU_CHECK(check_parameter(paramType, length, param));
        SOFTNPU_CHECK(require_pointer(paramRetSize, "paramRetSize"));
        *paramRetSize = size_of(paramType);
        if (paramType == ACL_DVPP_CHANNEL_ID_UINT64) {
            const uint64_t id = found->id;
            std::memcpy(param, &id, sizeof id);
            return 0;
        }
        const uint32_t value = value_of(*found, paramType);
        std::memcpy(param, &value, sizeof value);
        return 0;
    });
}

}  // extern "C"
