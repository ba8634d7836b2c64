// Video encoding of the second media interface.
#include "softnpu/api/himpi_venc.hpp"

#include <cstring>
#include <utility>

#include "softnpu/core/log.hpp"
#include "softnpu/dvpp/chip.hpp"
#include "softnpu/memory/memory.hpp"

using namespace softnpu;

namespace {

int check_sender(const HimpiEncoder &channel, hi_s32 milliseconds) {
    SOFTNPU_CHECK(check_venc_wait(milliseconds));
    if (!channel.wants_memory()) return 0;
    return fail(venc_error(HI_ERR_VENC_NOT_SUPPORT),
                "a channel of buf_size 0 has no memory for files: call "
                "hi_mpi_venc_send_jpege_frame, or give it a buf_size");
}

/// Copies the map, so that the program may write the next one. It counts only where the rate
/// control's parameters say so.
int take_map(HimpiEncoder &channel, const hi_user_rc_info &wishes, VencInput &input) {
    if (wishes.qp_map_valid == 0) return 0;
    if (!venc_on_chip() || chip_is("Ascend310B") || channel.is_jpeg()) {
        return fail(venc_error(HI_ERR_VENC_NOT_SUPPORT),
                    "qp_map_valid: only video channels of a 310P take maps of quantisers");
    }
    if (wishes.blk_start_qp > 51) {
        return fail(venc_error(HI_ERR_VENC_ILLEGAL_PARAM), "blk_start_qp %u: want 0 to 51",
                    wishes.blk_start_qp);
    }
    const auto *map = reinterpret_cast<const uint8_t *>(wishes.qp_map_phy_addr);
    SOFTNPU_CHECK(check_venc_pointer(map, "qp_map_phy_addr"));
    const EncoderOptions options = channel.options();
    const size_t size = QuantiserMap::size(options.width, options.height);
    SOFTNPU_CHECK(
        check_device_memory("qp_map_phy_addr", map, size, venc_error(HI_ERR_VENC_BAD_ADDR)));
    if (!channel.takes_maps()) {
        log(LogLevel::warning, "qp_map_valid: ignored, qpmap_en of hi_mpi_venc_set_rc_param is 0");
        return 0;
    }
    const auto *bytes = static_cast<const uint8_t *>(device_view(map));
    input.map.assign(bytes, bytes + size);
    return 0;
}

// ---- packets out ----

void set_type(bool is_hevc, int type, hi_venc_data_type &to) {
    if (is_hevc) {
        to.h265_type = static_cast<hi_venc_h265_nalu_type>(type);
    } else {
        to.h264_type = static_cast<hi_venc_h264_nalu_type>(type);
    }
}

/// The picture's part of the packet, and how the interface numbers it: the slices of H.264 and
/// H.265 that are no key frames have numbers of its own there.
bool is_slice(bool is_hevc, int type) {
    return is_hevc ? type < 32 : type >= 1 && type <= 5;
}
int slice_type(bool is_hevc, bool key) {
    if (is_hevc) return key ? HI_VENC_H265_NALU_IDR_SLICE : HI_VENC_H265_NALU_P_SLICE;
    return key ? HI_VENC_H264_NALU_IDR_SLICE : HI_VENC_H264_NALU_P_SLICE;
}

/// All units in one pack; those before the picture are listed.
void fill_whole(bool is_hevc, const VencOutput &output, hi_venc_pack &pack) {
    pack.len = static_cast<hi_u32>(output.size);
    pack.is_frame_end = HI_TRUE;
    set_type(is_hevc, slice_type(is_hevc, output.key), pack.data_type);
    for (const NalUnit &unit : output.units) {
        if (is_slice(is_hevc, unit.type) || pack.data_num == HI_VENC_MAX_PACK_INFO_NUM) break;
        hi_venc_pack_info &info = pack.pack_info[pack.data_num++];
        set_type(is_hevc, unit.type, info.pack_type);
        info.pack_offset = unit.offset;
        info.pack_len = unit.length;
    }
}

void fill_file(const VencOutput &output, hi_venc_stream &stream) {
    hi_venc_pack &pack = stream.pack[0];
    std::memset(&pack, 0, sizeof pack);
    pack.addr = static_cast<hi_u8 *>(output.address);
    pack.len = static_cast<hi_u32>(output.size);
    pack.pts = output.pts;
    pack.is_frame_end = HI_TRUE;
    pack.data_type.jpeg_type = HI_VENC_JPEG_PACK_PIC;
    stream.pack_cnt = 1;
    stream.seq = output.number;
    std::memset(&stream.h265_info, 0, sizeof stream.h265_info);
    std::memset(&stream.h265_adv_info, 0, sizeof stream.h265_adv_info);
    stream.jpeg_info.pic_bytes = pack.len;
    stream.jpeg_info.qfactor = output.qfactor;
    stream.jpeg_info.update_attr_cnt = output.changes;
}

template <class Info>
void fill_statistics(const VencOutput &output, Info &info) {
    info.update_attr_cnt = output.changes;
    if (output.quantiser < 0) return;
    info.start_qp = info.mean_qp = static_cast<hi_u32>(output.quantiser);
}

void fill_stream(const hi_venc_attr &attr, const VencOutput &output, hi_venc_stream &stream) {
    if (attr.type == HI_PT_JPEG) return fill_file(output, stream);
    const bool is_hevc = attr.type == HI_PT_H265;
    const size_t count = attr.is_by_frame != 0 ? 1 : output.units.size();
    for (size_t i = 0; i < count; ++i) {
        hi_venc_pack &pack = stream.pack[i];
        std::memset(&pack, 0, sizeof pack);
        pack.addr = static_cast<hi_u8 *>(output.address);
        pack.pts = output.pts;
        if (attr.is_by_frame != 0) {
            fill_whole(is_hevc, output, pack);
            continue;
        }
        const NalUnit &unit = output.units[i];
        const bool slice = is_slice(is_hevc, unit.type);
        pack.addr += unit.offset;
        pack.len = unit.length;
        pack.is_frame_end = i + 1 == count ? HI_TRUE : HI_FALSE;
        set_type(is_hevc, slice ? slice_type(is_hevc, output.key) : unit.type, pack.data_type);
    }
    stream.pack_cnt = static_cast<hi_u32>(count);
    stream.seq = output.number;
    std::memset(&stream.h265_info, 0, sizeof stream.h265_info);
    std::memset(&stream.h265_adv_info, 0, sizeof stream.h265_adv_info);
    const auto kind = output.key ? HI_VENC_BASE_IDR_SLICE : HI_VENC_BASE_P_SLICE_REF_BY_BASE;
    const auto bytes = static_cast<hi_u32>(output.size);
    if (is_hevc) {
        stream.h265_info.pic_bytes = bytes;
        stream.h265_info.ref_type = kind;
        fill_statistics(output, stream.h265_info);
    } else {
        stream.h264_info.pic_bytes = bytes;
        stream.h264_info.ref_type = kind;
        fill_statistics(output, stream.h264_info);
    }
}

/// Of the reserved members those are refused whose effect would be missed.
int check_chn_param(const hi_venc_chn_param &param) {
    if (param.crop_info.enable != 0) {
        return fail(venc_error(HI_ERR_VENC_NOT_SUPPORT),
                    "crop_info is reserved: crop with hi_mpi_vpc");
    }
    if (param.color_to_grey_en != 0 && !chip_is("Ascend310B")) {
        return fail(venc_error(HI_ERR_VENC_NOT_SUPPORT),
                    "color_to_grey_en: only a 310B encodes without colours");
    }
    if (param.priority < 2) return 0;
    return fail(venc_error(HI_ERR_VENC_ILLEGAL_PARAM), "priority %u: want 0 or 1", param.priority);
}

int check_same_picture(const hi_venc_attr &old, const hi_venc_attr &given) {
    if (old.type == given.type && old.profile == given.profile &&
        old.pic_width == given.pic_width && old.pic_height == given.pic_height &&
        old.max_pic_width == given.max_pic_width && old.max_pic_height == given.max_pic_height &&
        old.buf_size == given.buf_size && old.is_by_frame == given.is_by_frame) {
        return 0;
    }
    return fail(venc_error(HI_ERR_VENC_NOT_PERM),
                "venc_attr is fixed while the channel lives; rc_attr may change");
}

}  // namespace

extern "C" {

hi_s32 hi_mpi_venc_create_chn(hi_venc_chn chn, const hi_venc_chn_attr *attr) {
    return guarded(__func__, [&] {
        SOFTNPU_CHECK(check_venc_id(chn));
        VencPlan plan;
        SOFTNPU_CHECK(take_venc_attr(attr, plan));
        return HimpiEncoder::create(chn, plan, *attr);
    });
}

hi_s32 hi_mpi_venc_destroy_chn(hi_venc_chn chn) {
    return guarded(__func__, [&] {
        HimpiEncoderRef channel;
        SOFTNPU_CHECK(find_venc(chn, channel, true));
        channel->close();
        return HI_SUCCESS;
    });
}

hi_s32 hi_mpi_venc_start_chn(hi_venc_chn chn, const hi_venc_start_param *recv_param) {
    return guarded(__func__, [&] {
        HimpiEncoderRef channel;
        SOFTNPU_CHECK(find_venc(chn, channel));
        SOFTNPU_CHECK(check_venc_pointer(recv_param, "recv_param"));
        const hi_s32 number = recv_param->recv_pic_num;
        if (number == 0 || number < -1) {
            return fail(venc_error(HI_ERR_VENC_ILLEGAL_PARAM),
                        "recv_pic_num %d: want -1 (no limit) or a positive number", number);
        }
        return channel->start(number);
    });
}

hi_s32 hi_mpi_venc_stop_chn(hi_venc_chn chn) {
    return guarded(__func__, [&] {
        HimpiEncoderRef channel;
        SOFTNPU_CHECK(find_venc(chn, channel));
        return channel->stop();
    });
}

hi_s32 hi_mpi_venc_send_frame(hi_venc_chn chn, const hi_video_frame_info *frame, hi_s32 milli_sec) {
    return guarded(__func__, [&] {
        HimpiEncoderRef channel;
        SOFTNPU_CHECK(find_venc(chn, channel));
        SOFTNPU_CHECK(check_sender(*channel, milli_sec));
        VencInput input;
        SOFTNPU_CHECK(take_venc_frame(*channel, channel->options(), frame, input));
        return channel->send(std::move(input), milli_sec);
    });
}

hi_s32 hi_mpi_venc_send_frame_ex(hi_venc_chn chn, const hi_user_frame_info *frame,
                                 hi_s32 milli_sec) {
    return guarded(__func__, [&] {
        SOFTNPU_CHECK(check_venc_pointer(frame, "frame"));
        HimpiEncoderRef channel;
        SOFTNPU_CHECK(find_venc(chn, channel));
        SOFTNPU_CHECK(check_sender(*channel, milli_sec));
        const hi_user_rc_info &wishes = frame->user_rc_info;
        if (wishes.skip_weight_valid != 0 || frame->user_roi_map.valid != 0) {
            return fail(venc_error(HI_ERR_VENC_NOT_SUPPORT),
                        "skip_weight_valid and user_roi_map are reserved: leave them 0");
        }
        VencInput input;
        SOFTNPU_CHECK(take_venc_frame(*channel, channel->options(), &frame->user_frame, input));
        SOFTNPU_CHECK(take_map(*channel, wishes, input));
        input.force_key = wishes.frame_type == VENC_FRAME_TYPE_IDR;
        return channel->send(std::move(input), milli_sec);
    });
}

hi_s32 hi_mpi_venc_request_idr(hi_venc_chn chn, hi_bool instant) {
    return guarded(__func__, [&] {
        HimpiEncoderRef channel;
        SOFTNPU_CHECK(find_venc(chn, channel));
        channel->request_key(instant != 0);
        return HI_SUCCESS;
    });
}

hi_s32 hi_mpi_venc_query_status(hi_venc_chn chn, hi_venc_chn_status *status) {
    return guarded(__func__, [&] {
        HimpiEncoderRef channel;
        SOFTNPU_CHECK(find_venc(chn, channel));
        SOFTNPU_CHECK(check_venc_pointer(status, "status"));
        channel->fill_status(*status);
        return HI_SUCCESS;
    });
}

hi_s32 hi_mpi_venc_get_stream(hi_venc_chn chn, hi_venc_stream *stream, hi_s32 milli_sec) {
    return guarded(__func__, [&] {
        HimpiEncoderRef channel;
        SOFTNPU_CHECK(find_venc(chn, channel));
        SOFTNPU_CHECK(check_venc_pointer(stream, "stream"));
        SOFTNPU_CHECK(check_venc_pointer(stream->pack, "stream->pack"));
        SOFTNPU_CHECK(check_venc_wait(milli_sec));
        VencOutput output;
        SOFTNPU_CHECK(channel->fetch(output, stream->pack_cnt, milli_sec));
        fill_stream(channel->attr().venc_attr, output, *stream);
        return HI_SUCCESS;
    });
}

hi_s32 hi_mpi_venc_release_stream(hi_venc_chn chn, hi_venc_stream *stream) {
    return guarded(__func__, [&] {
        HimpiEncoderRef channel;
        SOFTNPU_CHECK(find_venc(chn, channel));
        SOFTNPU_CHECK(check_venc_pointer(stream, "stream"));
        SOFTNPU_CHECK(check_venc_pointer(stream->pack, "stream->pack"));
        return channel->release_output(stream->pack[0].addr);
    });
}

hi_s32 hi_mpi_venc_get_fd(hi_venc_chn chn) {
    return guarded(__func__, [&] {
        HimpiEncoderRef channel;
        SOFTNPU_CHECK(find_venc(chn, channel));
        return channel->descriptor();
    });
}

hi_s32 hi_mpi_venc_close_fd(hi_venc_chn chn) {
    return guarded(__func__, [&] {
        HimpiEncoderRef channel;
        SOFTNPU_CHECK(find_venc(chn, channel));
        return channel->close_descriptor();
    });
}

hi_s32 hi_mpi_venc_get_chn_attr(hi_venc_chn chn, hi_venc_chn_attr *chn_attr) {
    return guarded(__func__, [&] {
        HimpiEncoderRef channel;
        SOFTNPU_CHECK(find_venc(chn, channel));
        SOFTNPU_CHECK(check_venc_pointer(chn_attr, "chn_attr"));
        *chn_attr = channel->attr();
        return HI_SUCCESS;
    });
}

hi_s32 hi_mpi_venc_set_chn_attr(hi_venc_chn chn, const hi_venc_chn_attr *chn_attr) {
    return guarded(__func__, [&] {
        HimpiEncoderRef channel;
        SOFTNPU_CHECK(find_venc(chn, channel));
        VencPlan plan;
        SOFTNPU_CHECK(take_venc_attr(chn_attr, plan));
        SOFTNPU_CHECK(check_same_picture(channel->attr().venc_attr, chn_attr->venc_attr));
        channel->change(plan, *chn_attr);
        return HI_SUCCESS;
    });
}

hi_s32 hi_mpi_venc_get_chn_param(hi_venc_chn chn, hi_venc_chn_param *chn_param) {
    return guarded(__func__, [&] {
        HimpiEncoderRef channel;
        SOFTNPU_CHECK(find_venc(chn, channel));
        SOFTNPU_CHECK(check_venc_pointer(chn_param, "chn_param"));
        *chn_param = channel->param();
        return HI_SUCCESS;
    });
}

hi_s32 hi_mpi_venc_set_chn_param(hi_venc_chn chn, const hi_venc_chn_param *chn_param) {
    return guarded(__func__, [&] {
        HimpiEncoderRef channel;
        SOFTNPU_CHECK(find_venc(chn, channel));
        SOFTNPU_CHECK(check_venc_pointer(chn_param, "chn_param"));
        SOFTNPU_CHECK(check_chn_param(*chn_param));
        channel->set_param(*chn_param);
        return HI_SUCCESS;
    });
}

}  // extern "C"
