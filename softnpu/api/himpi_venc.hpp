// What the encoder entries of the second media interface have in common.
#pragma once

#include "softnpu/api/entry.hpp"
#include "softnpu/dvpp/himpi_venc.hpp"

namespace softnpu {

/// The channel an entry names, on a chip that has the interface.
int find_venc(hi_venc_chn chn, HimpiEncoderRef &channel, bool take = false);
/// A channel that encodes video; `type` BUTT takes both kinds.
int find_venc_video(hi_venc_chn chn, hi_payload_type type, HimpiEncoderRef &channel);
int check_venc_id(hi_venc_chn chn);
int check_venc_pointer(const void *pointer, const char *name);
/// ILLEGAL_PARAM outside of `least` to `most`.
int check_venc_range(const char *what, long long value, long long least, long long most);
int check_venc_wait(hi_s32 milliseconds);
int take_venc_attr(const hi_venc_chn_attr *attr, VencPlan &plan);
/// A frame as the channel takes it; its memory is checked.
int take_venc_frame(const HimpiEncoder &channel, const EncoderOptions &options,
                    const hi_video_frame_info *info, VencInput &input);

}  // namespace softnpu
