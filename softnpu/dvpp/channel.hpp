// The picture channel of the first media interface: one engine session with its settings.
#pragma once

#include <atomic>
#include <cstdint>

#include "softnpu/dvpp/desc.hpp"

namespace softnpu {

struct ChannelDesc : CountedDesc {
    std::atomic<uint64_t> id{0};
    std::atomic<uint32_t> mode{0};  // acldvppChannelMode bits; 0: all engines
    std::atomic<uint32_t> csc_matrix{0};
    std::atomic<uint32_t> width{0};
    std::atomic<uint32_t> height{0};
    std::atomic<uint32_t> precision{0};
    std::atomic<bool> created{false};

    ~ChannelDesc() {
        if (created) uncount(counters().live_media_channels);
    }
};

using ChannelDescTable = HandleTable<ChannelDesc, dvpp_handle(9)>;
using ChannelDescRef = ChannelDescTable::Ref;

SOFTNPU_API ChannelDescTable &channel_descs() noexcept;

/// The channel an operation names, which must have been created and, where it was created for some
/// engines only, for `mode` (0: any). 0, or 100000 with a sentence.
SOFTNPU_API int find_channel(const void *handle, uint32_t mode, ChannelDescRef &channel);

}  // namespace softnpu
