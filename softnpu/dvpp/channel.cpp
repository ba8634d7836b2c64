#include "softnpu/dvpp/channel.hpp"

#include "acl/acl_base.h"
#include "softnpu/core/status.hpp"

namespace softnpu {

ChannelDescTable &channel_descs() noexcept {
    return only_table<ChannelDescTable>();
}

int find_channel(const void *handle, uint32_t mode, ChannelDescRef &channel) {
    channel = channel_descs().find(handle);
    if (!channel) {
        return fail(ACL_ERROR_INVALID_PARAM, "channelDesc %p is no live channel descriptor",
                    handle);
    }
    if (!channel->created) {
        return fail(ACL_ERROR_INVALID_PARAM, "call acldvppCreateChannel on the descriptor first");
    }
    const uint32_t modes = channel->mode;
    if (mode != 0 && modes != 0 && (modes & mode) == 0) {
        return fail(ACL_ERROR_INVALID_PARAM,
                    "the channel was made for other engines (mode %u); this call needs mode %u",
                    modes, mode);
    }
    return 0;
}

}  // namespace softnpu
