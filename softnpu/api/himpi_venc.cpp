// Video encoding of the second media interface.
#include "softnpu/dvpp/himpi_venc.hpp"

#include <cstring>

#include "softnpu/api/himpi_vpc.hpp"
#include "softnpu/core/config.hpp"
#include "softnpu/memory/memory.hpp"

using namespace softnpu;

namespace {

constexpr uint32_t kLeastSize = 128, kMostSize = 4096;

int illegal(const char *what, long long value, long long least, long long most) {
    return fail(venc_error(HI_ERR_VENC_ILLEGAL_PARAM), "%s %lld: want %lld to %lld", what, value,
                least, most);
}

int check_range(const char *what, long long value, long long least, long long most) {
    return value >= least && value <= most ? 0 : illegal(what, value, least, most);
}

int check_pointer(const void *pointer, const char *name) {
    if (pointer != nullptr) return 0;
    return fail(venc_error(HI_ERR_VENC_NULL_PTR), "%s is NULL", name);
}

int check_id(hi_venc_chn chn) {
    if (!himpi_on_chip()) {
        return fail(venc_error(HI_ERR_VENC_NOT_SUPPORT), "%s has no hi_mpi interface; use aclvenc*",
                    config().soc_name.c_str());
    }
    if (!venc_on_chip()) {
        return fail(venc_error(HI_ERR_VENC_NOT_SUPPORT), "%s does not encode video",
                    config().soc_name.c_str());
    }
    if (chn >= 0 && chn < HimpiEncoder::kChannels) return 0;
    return fail(venc_error(HI_ERR_VENC_INVALID_CHN_ID), "channel %d: want 0 to %d", chn,
                HimpiEncoder::kChannels - 1);
}

int find_channel(hi_venc_chn chn, HimpiEncoderRef &channel, bool take = false) {
    SOFTNPU_CHECK(check_id(chn));
    return HimpiEncoder::find(chn, channel, take);
}

int check_wait(hi_s32 milliseconds) {
    if (milliseconds >= -1) return 0;
    return fail(venc_error(HI_ERR_VENC_ILLEGAL_PARAM),
                "milli_sec %d: want -1 (for ever), 0 (not at all) or more", milliseconds);
}

// ---- attributes ----

int check_size(const hi_venc_attr &attr) {
    SOFTNPU_CHECK(check_range("pic_width", attr.pic_width, kLeastSize, kMostSize));
    SOFTNPU_CHECK(check_range("pic_height", attr.pic_height, kLeastSize, kMostSize));
    SOFTNPU_CHECK(check_range("max_pic_width", attr.max_pic_width, attr.pic_width, kMostSize));
    SOFTNPU_CHECK(check_range("max_pic_height", attr.max_pic_height, attr.pic_height, kMostSize));
    if (attr.pic_width % 2 != 0 || attr.pic_height % 2 != 0) {
        return fail(venc_error(HI_ERR_VENC_ILLEGAL_PARAM), "pictures of %ux%u: want even sizes",
                    attr.pic_width, attr.pic_height);
    }
    if (attr.buf_size == 0) return illegal("buf_size", 0, 1, UINT32_MAX);
    return 0;
}

/// The modes of H.265 have the members of those of H.264 under other numbers.
int take_mode(const hi_venc_chn_attr &attr, hi_venc_rc_mode &mode) {
    const bool is_hevc = attr.venc_attr.type == HI_PT_H265;
    const int first = is_hevc ? HI_VENC_RC_MODE_H265_CBR : HI_VENC_RC_MODE_H264_CBR;
    const int last = is_hevc ? HI_VENC_RC_MODE_H265_QPMAP : HI_VENC_RC_MODE_H264_QPMAP;
    SOFTNPU_CHECK(check_range("rc_mode", attr.rc_attr.rc_mode, first, last));
    mode = static_cast<hi_venc_rc_mode>(attr.rc_attr.rc_mode - first + HI_VENC_RC_MODE_H264_CBR);
    if (mode != HI_VENC_RC_MODE_H264_QPMAP) return 0;
    return fail(venc_error(HI_ERR_VENC_NOT_SUPPORT),
                "rc_mode QPMAP: the encoder takes no map of quantisers");
}

int take_fixed(const hi_venc_h264_fixqp &rate, VencPlan &plan) {
    SOFTNPU_CHECK(check_range("i_qp", rate.i_qp, 0, 51));
    SOFTNPU_CHECK(check_range("p_qp", rate.p_qp, 0, 51));
    plan.options.rate_control = 3;
    plan.options.qp_i = static_cast<int>(rate.i_qp);
    plan.options.qp_p = static_cast<int>(rate.p_qp);
    plan.options.gop = rate.gop;
    plan.source_rate = rate.src_frame_rate;
    plan.options.frame_rate = rate.dst_frame_rate;
    return 0;
}

/// The other modes begin with the members of constant bit rate.
int take_rate(const hi_venc_h264_cbr &rate, bool constant, VencPlan &plan) {
    SOFTNPU_CHECK(check_range("bit rate in kbit/s", rate.bit_rate, 2, 614400));
    plan.options.rate_control = constant ? 2 : 1;
    plan.options.bitrate_kbps = rate.bit_rate;
    plan.options.gop = rate.gop;
    plan.source_rate = rate.src_frame_rate;
    plan.options.frame_rate = rate.dst_frame_rate;
    return 0;
}

int take_attr(const hi_venc_chn_attr *attr, VencPlan &plan) {
    SOFTNPU_CHECK(check_pointer(attr, "attr"));
    const hi_venc_attr &picture = attr->venc_attr;
    if (picture.type != HI_PT_H264 && picture.type != HI_PT_H265) {
        return fail(venc_error(HI_ERR_VENC_NOT_SUPPORT),
                    "payload type %d: want H.264 (96) or H.265 (265)",
                    static_cast<int>(picture.type));
    }
    SOFTNPU_CHECK(check_size(picture));
    const bool is_hevc = picture.type == HI_PT_H265;
    SOFTNPU_CHECK(check_range("profile", picture.profile, 0, is_hevc ? 0 : 2));
    if (attr->gop_attr.gop_mode != HI_VENC_GOP_MODE_NORMAL_P) {
        return fail(venc_error(HI_ERR_VENC_NOT_SUPPORT), "gop_mode %d: want NORMAL_P (0)",
                    static_cast<int>(attr->gop_attr.gop_mode));
    }
    EncoderOptions &options = plan.options;
    options.codec = is_hevc ? Codec::h265 : Codec::h264;
    options.profile = static_cast<int>(picture.profile);
    options.width = picture.pic_width;
    options.height = picture.pic_height;
    hi_venc_rc_mode mode{};
    SOFTNPU_CHECK(take_mode(*attr, mode));
    const bool constant = mode == HI_VENC_RC_MODE_H264_CBR;
    SOFTNPU_CHECK(mode == HI_VENC_RC_MODE_H264_FIXQP
                      ? take_fixed(attr->rc_attr.h264_fixqp, plan)
                      : take_rate(attr->rc_attr.h264_cbr, constant, plan));
    SOFTNPU_CHECK(check_range("gop", options.gop, 1, 65536));
    SOFTNPU_CHECK(check_range("src_frame_rate", plan.source_rate, 1, 240));
    return check_range("dst_frame_rate", options.frame_rate, 1, plan.source_rate);
}

// ---- frames in ----

/// Rows between the planes: those of the second plane's address, where the program gives it.
int take_rows(const hi_video_frame &frame, Picture &picture) {
    const auto *luma = static_cast<const uint8_t *>(frame.virt_addr[0]);
    const auto *chroma = static_cast<const uint8_t *>(frame.virt_addr[1]);
    if (frame.height_stride[0] != 0) picture.stride_h = frame.height_stride[0];
    if (chroma == nullptr) return 0;
    const auto between = reinterpret_cast<uintptr_t>(chroma) - reinterpret_cast<uintptr_t>(luma);
    if (chroma > luma && between % picture.stride_w == 0 && between / picture.stride_w <= 16384) {
        picture.stride_h = static_cast<uint32_t>(between / picture.stride_w);
        return 0;
    }
    return fail(venc_error(HI_ERR_VENC_ILLEGAL_PARAM),
                "virt_addr[1] is no whole number of rows behind virt_addr[0]");
}

int take_frame(const EncoderOptions &options, const hi_video_frame_info *info, VencInput &input) {
    SOFTNPU_CHECK(check_pointer(info, "frame"));
    const hi_video_frame &frame = info->v_frame;
    SOFTNPU_CHECK(check_pointer(frame.virt_addr[0], "virt_addr[0]"));
    Picture &picture = input.picture;
    picture.data = static_cast<uint8_t *>(frame.virt_addr[0]);
    picture.format = static_cast<PixelFormat>(frame.pixel_format);
    picture.width = frame.width;
    picture.height = frame.height;
    picture.stride_w = frame.width_stride[0];
    picture.stride_h = frame.height;
    input.pts = frame.pts;
    if (frame.pixel_format != HI_PIXEL_FORMAT_YUV_SEMIPLANAR_420 &&
        frame.pixel_format != HI_PIXEL_FORMAT_YVU_SEMIPLANAR_420) {
        return fail(venc_error(HI_ERR_VENC_ILLEGAL_PARAM),
                    "pixel_format %d: want NV12 (1) or NV21 (2)", picture.format);
    }
    if (frame.width != options.width || frame.height != options.height) {
        return fail(venc_error(HI_ERR_VENC_ILLEGAL_PARAM),
                    "frame of %ux%u: the channel's have %ux%u", frame.width, frame.height,
                    options.width, options.height);
    }
    if (picture.stride_w % 16 != 0 || picture.stride_w < frame.width || picture.stride_w > 16384) {
        return fail(venc_error(HI_ERR_VENC_ILLEGAL_PARAM),
                    "width_stride %u: want a multiple of 16, at least the width", picture.stride_w);
    }
    SOFTNPU_CHECK(take_rows(frame, picture));
    SOFTNPU_CHECK(check_range("height_stride", picture.stride_h, frame.height, 16384));
    picture.size = picture_bytes(picture.format, picture.stride_w, picture.stride_h);
    return check_device_memory("the frame", picture.data, picture.size,
                               venc_error(HI_ERR_VENC_BAD_ADDR));
}

int send(hi_venc_chn chn, const hi_video_frame_info *frame, hi_s32 milliseconds, bool force_key) {
    HimpiEncoderRef channel;
    SOFTNPU_CHECK(find_channel(chn, channel));
    SOFTNPU_CHECK(check_wait(milliseconds));
    VencInput input;
    SOFTNPU_CHECK(take_frame(channel->options(), frame, input));
    input.force_key = force_key;
    return channel->send(input, milliseconds);
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

void fill_stream(const hi_venc_attr &attr, const VencOutput &output, hi_venc_stream &stream) {
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
    } else {
        stream.h264_info.pic_bytes = bytes;
        stream.h264_info.ref_type = kind;
    }
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
        SOFTNPU_CHECK(check_id(chn));
        VencPlan plan;
        SOFTNPU_CHECK(take_attr(attr, plan));
        return HimpiEncoder::create(chn, plan, *attr);
    });
}

hi_s32 hi_mpi_venc_destroy_chn(hi_venc_chn chn) {
    return guarded(__func__, [&] {
        HimpiEncoderRef channel;
        SOFTNPU_CHECK(find_channel(chn, channel, true));
        channel->close();
        return HI_SUCCESS;
    });
}

hi_s32 hi_mpi_venc_start_chn(hi_venc_chn chn, const hi_venc_start_param *recv_param) {
    return guarded(__func__, [&] {
        HimpiEncoderRef channel;
        SOFTNPU_CHECK(find_channel(chn, channel));
        SOFTNPU_CHECK(check_pointer(recv_param, "recv_param"));
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
        SOFTNPU_CHECK(find_channel(chn, channel));
        return channel->stop();
    });
}

hi_s32 hi_mpi_venc_send_frame(hi_venc_chn chn, const hi_video_frame_info *frame, hi_s32 milli_sec) {
    return guarded(__func__, [&] { return send(chn, frame, milli_sec, false); });
}

hi_s32 hi_mpi_venc_send_frame_ex(hi_venc_chn chn, const hi_user_frame_info *frame,
                                 hi_s32 milli_sec) {
    return guarded(__func__, [&] {
        SOFTNPU_CHECK(check_pointer(frame, "frame"));
        const hi_user_rc_info &wishes = frame->user_rc_info;
        if (wishes.qp_map_valid != 0 || wishes.skip_weight_valid != 0 ||
            frame->user_roi_map.valid != 0) {
            return fail(venc_error(HI_ERR_VENC_NOT_SUPPORT),
                        "maps of quantisers, weights and regions are not supported");
        }
        const bool key = wishes.frame_type == VENC_FRAME_TYPE_IDR;
        return send(chn, &frame->user_frame, milli_sec, key);
    });
}

hi_s32 hi_mpi_venc_request_idr(hi_venc_chn chn, hi_bool instant) {
    return guarded(__func__, [&] {
        HimpiEncoderRef channel;
        SOFTNPU_CHECK(find_channel(chn, channel));
        channel->request_key(instant != 0);
        return HI_SUCCESS;
    });
}

hi_s32 hi_mpi_venc_query_status(hi_venc_chn chn, hi_venc_chn_status *status) {
    return guarded(__func__, [&] {
        HimpiEncoderRef channel;
        SOFTNPU_CHECK(find_channel(chn, channel));
        SOFTNPU_CHECK(check_pointer(status, "status"));
        channel->fill_status(*status);
        return HI_SUCCESS;
    });
}

hi_s32 hi_mpi_venc_get_stream(hi_venc_chn chn, hi_venc_stream *stream, hi_s32 milli_sec) {
    return guarded(__func__, [&] {
        HimpiEncoderRef channel;
        SOFTNPU_CHECK(find_channel(chn, channel));
        SOFTNPU_CHECK(check_pointer(stream, "stream"));
        SOFTNPU_CHECK(check_pointer(stream->pack, "stream->pack"));
        SOFTNPU_CHECK(check_wait(milli_sec));
        VencOutput output;
        SOFTNPU_CHECK(channel->fetch(output, stream->pack_cnt, milli_sec));
        fill_stream(channel->attr().venc_attr, output, *stream);
        return HI_SUCCESS;
    });
}

hi_s32 hi_mpi_venc_release_stream(hi_venc_chn chn, hi_venc_stream *stream) {
    return guarded(__func__, [&] {
        HimpiEncoderRef channel;
        SOFTNPU_CHECK(find_channel(chn, channel));
        SOFTNPU_CHECK(check_pointer(stream, "stream"));
        SOFTNPU_CHECK(check_pointer(stream->pack, "stream->pack"));
        return channel->release_output(stream->pack[0].addr);
    });
}

hi_s32 hi_mpi_venc_get_fd(hi_venc_chn chn) {
    return guarded(__func__, [&] {
        HimpiEncoderRef channel;
        SOFTNPU_CHECK(find_channel(chn, channel));
        return channel->descriptor();
    });
}

hi_s32 hi_mpi_venc_close_fd(hi_venc_chn chn) {
    return guarded(__func__, [&] {
        HimpiEncoderRef channel;
        SOFTNPU_CHECK(find_channel(chn, channel));
        return channel->close_descriptor();
    });
}

hi_s32 hi_mpi_venc_get_chn_attr(hi_venc_chn chn, hi_venc_chn_attr *chn_attr) {
    return guarded(__func__, [&] {
        HimpiEncoderRef channel;
        SOFTNPU_CHECK(find_channel(chn, channel));
        SOFTNPU_CHECK(check_pointer(chn_attr, "chn_attr"));
        *chn_attr = channel->attr();
        return HI_SUCCESS;
    });
}

hi_s32 hi_mpi_venc_set_chn_attr(hi_venc_chn chn, const hi_venc_chn_attr *chn_attr) {
    return guarded(__func__, [&] {
        HimpiEncoderRef channel;
        SOFTNPU_CHECK(find_channel(chn, channel));
        VencPlan plan;
        SOFTNPU_CHECK(take_attr(chn_attr, plan));
        SOFTNPU_CHECK(check_same_picture(channel->attr().venc_attr, chn_attr->venc_attr));
        channel->change(plan, *chn_attr);
        return HI_SUCCESS;
    });
}

hi_s32 hi_mpi_venc_get_chn_param(hi_venc_chn chn, hi_venc_chn_param *chn_param) {
    return guarded(__func__, [&] {
        HimpiEncoderRef channel;
        SOFTNPU_CHECK(find_channel(chn, channel));
        SOFTNPU_CHECK(check_pointer(chn_param, "chn_param"));
        *chn_param = channel->param();
        return HI_SUCCESS;
    });
}

hi_s32 hi_mpi_venc_set_chn_param(hi_venc_chn chn, const hi_venc_chn_param *chn_param) {
    return guarded(__func__, [&] {
        HimpiEncoderRef channel;
        SOFTNPU_CHECK(find_channel(chn, channel));
        SOFTNPU_CHECK(check_pointer(chn_param, "chn_param"));
        if (chn_param->color_to_grey_en != 0 || chn_param->crop_info.enable != 0) {
            return fail(venc_error(HI_ERR_VENC_NOT_SUPPORT),
                        "color_to_grey_en and crop_info: the encoder does neither; use hi_mpi_vpc");
        }
        channel->set_param(*chn_param);
        return HI_SUCCESS;
    });
}

}  // extern "C"
