// What the encoder channels of the second media interface take: attributes and frames.
#include "softnpu/api/himpi_venc.hpp"
#include "softnpu/api/himpi_vpc.hpp"
#include "softnpu/core/config.hpp"
#include "softnpu/dvpp/still.hpp"
#include "softnpu/memory/memory.hpp"

namespace softnpu {
namespace {

constexpr uint32_t kLeastSize = 128, kMostSize = 4096;
constexpr uint32_t kLeastBuffer = 32 << 10, kMostBuffer = 1 << 30;

// ---- attributes ----

int check_size(const hi_venc_attr &attr) {
    SOFTNPU_CHECK(check_venc_range("pic_width", attr.pic_width, kLeastSize, kMostSize));
    SOFTNPU_CHECK(check_venc_range("pic_height", attr.pic_height, kLeastSize, kMostSize));
    SOFTNPU_CHECK(check_venc_range("max_pic_width", attr.max_pic_width, attr.pic_width, kMostSize));
    SOFTNPU_CHECK(
        check_venc_range("max_pic_height", attr.max_pic_height, attr.pic_height, kMostSize));
    if (attr.pic_width % 2 != 0 || attr.pic_height % 2 != 0) {
        return fail(venc_error(HI_ERR_VENC_ILLEGAL_PARAM), "pictures of %ux%u: want even sizes",
                    attr.pic_width, attr.pic_height);
    }
    if (attr.buf_size % 64 == 0) {
        return check_venc_range("buf_size", attr.buf_size, kLeastBuffer, kMostBuffer);
    }
    return fail(venc_error(HI_ERR_VENC_ILLEGAL_PARAM), "buf_size %u: want a multiple of 64",
                attr.buf_size);
}

/// The modes of H.265 have the members of those of H.264 under other numbers.
int take_mode(const hi_venc_chn_attr &attr, hi_venc_rc_mode &mode) {
    const bool is_hevc = attr.venc_attr.type == HI_PT_H265;
    const int first = is_hevc ? HI_VENC_RC_MODE_H265_CBR : HI_VENC_RC_MODE_H264_CBR;
    const int last = is_hevc ? HI_VENC_RC_MODE_H265_QPMAP : HI_VENC_RC_MODE_H264_QPMAP;
    SOFTNPU_CHECK(check_venc_range("rc_mode", attr.rc_attr.rc_mode, first, last));
    mode = static_cast<hi_venc_rc_mode>(attr.rc_attr.rc_mode - first + HI_VENC_RC_MODE_H264_CBR);
    if (mode != HI_VENC_RC_MODE_H264_QPMAP) return 0;
    return fail(venc_error(HI_ERR_VENC_NOT_SUPPORT),
                "rc_mode QPMAP: the encoder takes no map of quantisers");
}

int take_fixed(const hi_venc_h264_fixqp &rate, VencPlan &plan) {
    SOFTNPU_CHECK(check_venc_range("i_qp", rate.i_qp, 0, 51));
    SOFTNPU_CHECK(check_venc_range("p_qp", rate.p_qp, 0, 51));
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
    SOFTNPU_CHECK(check_venc_range("bit rate in kbit/s", rate.bit_rate, 2, 614400));
    plan.options.rate_control = constant ? 2 : 1;
    plan.options.bitrate_kbps = rate.bit_rate;
    plan.options.gop = rate.gop;
    plan.source_rate = rate.src_frame_rate;
    plan.options.frame_rate = rate.dst_frame_rate;
    return 0;
}

/// Rates and groups are of no matter to pictures.
int take_jpeg(const hi_venc_attr &attr, VencPlan &plan) {
    std::string why = check_jpege_size(attr.pic_width, attr.pic_height);
    if (why.empty()) why = check_jpege_size(attr.max_pic_width, attr.max_pic_height);
    if (!why.empty()) return fail(venc_error(HI_ERR_VENC_ILLEGAL_PARAM), "%s", why.c_str());
    SOFTNPU_CHECK(check_venc_range("pic_width", attr.pic_width, 1, attr.max_pic_width));
    SOFTNPU_CHECK(check_venc_range("pic_height", attr.pic_height, 1, attr.max_pic_height));
    plan.is_jpeg = true;
    plan.options.width = attr.pic_width;
    plan.options.height = attr.pic_height;
    return 0;
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

/// Formats, sizes and strides of video.
int check_video_frame(const EncoderOptions &options, const Picture &picture) {
    if (picture.format != HI_PIXEL_FORMAT_YUV_SEMIPLANAR_420 &&
        picture.format != HI_PIXEL_FORMAT_YVU_SEMIPLANAR_420) {
        return fail(venc_error(HI_ERR_VENC_ILLEGAL_PARAM),
                    "pixel_format %d: want NV12 (1) or NV21 (2)", picture.format);
    }
    if (picture.width != options.width || picture.height != options.height) {
        return fail(venc_error(HI_ERR_VENC_ILLEGAL_PARAM),
                    "frame of %ux%u: the channel's have %ux%u", picture.width, picture.height,
                    options.width, options.height);
    }
    return 0;
}

int check_jpeg_frame(const EncoderOptions &options, const Picture &picture) {
    if (!jpege_takes(picture.format)) {
        return fail(venc_error(HI_ERR_VENC_ILLEGAL_PARAM),
                    "pixel_format %d: want NV12, NV21 or packed 4:2:2", picture.format);
    }
    const bool even = picture.width % 2 == 0 &&
                      (format_info(picture.format)->planes == 1 || picture.height % 2 == 0);
    if (!even || picture.width > options.width || picture.height > options.height) {
        return fail(venc_error(HI_ERR_VENC_ILLEGAL_PARAM),
                    "frame of %ux%u: want an even size up to the channel's %ux%u", picture.width,
                    picture.height, options.width, options.height);
    }
    const std::string why = check_jpege_size(picture.width, picture.height);
    return why.empty() ? 0 : fail(venc_error(HI_ERR_VENC_ILLEGAL_PARAM), "%s", why.c_str());
}

}  // namespace

int find_venc_video(hi_venc_chn chn, hi_payload_type type, HimpiEncoderRef &channel) {
    SOFTNPU_CHECK(find_venc(chn, channel));
    const hi_payload_type has = channel->attr().venc_attr.type;
    if (has != HI_PT_JPEG && (type == HI_PT_BUTT || type == has)) return 0;
    return fail(venc_error(HI_ERR_VENC_NOT_SUPPORT), "channel %d encodes payload type %d", chn,
                static_cast<int>(has));
}

int check_venc_range(const char *what, long long value, long long least, long long most) {
    if (value >= least && value <= most) return 0;
    return fail(venc_error(HI_ERR_VENC_ILLEGAL_PARAM), "%s %lld: want %lld to %lld", what, value,
                least, most);
}

int check_venc_pointer(const void *pointer, const char *name) {
    if (pointer != nullptr) return 0;
    return fail(venc_error(HI_ERR_VENC_NULL_PTR), "%s is NULL", name);
}

int check_venc_wait(hi_s32 milliseconds) {
    if (milliseconds >= -1) return 0;
    return fail(venc_error(HI_ERR_VENC_ILLEGAL_PARAM),
                "milli_sec %d: want -1 (for ever), 0 (not at all) or more", milliseconds);
}

int check_venc_id(hi_venc_chn chn) {
    if (!himpi_on_chip()) {
        return fail(venc_error(HI_ERR_VENC_NOT_SUPPORT), "%s has no hi_mpi interface; use aclvenc*",
                    config().soc_name.c_str());
    }
    const hi_s32 channels = chip_is("Ascend310B") ? 128 : 256;
    if (chn >= 0 && chn < channels) return 0;
    return fail(venc_error(HI_ERR_VENC_INVALID_CHN_ID), "channel %d: want 0 to %d", chn,
                channels - 1);
}

int find_venc(hi_venc_chn chn, HimpiEncoderRef &channel, bool take) {
    SOFTNPU_CHECK(check_venc_id(chn));
    return HimpiEncoder::find(chn, channel, take);
}

int take_venc_attr(const hi_venc_chn_attr *attr, VencPlan &plan) {
    SOFTNPU_CHECK(check_venc_pointer(attr, "attr"));
    const hi_venc_attr &picture = attr->venc_attr;
    if (picture.type == HI_PT_JPEG) return take_jpeg(picture, plan);
    if (picture.type != HI_PT_H264 && picture.type != HI_PT_H265) {
        return fail(venc_error(HI_ERR_VENC_NOT_SUPPORT),
                    "payload type %d: want H.264 (96), H.265 (265) or JPEG (26)",
                    static_cast<int>(picture.type));
    }
    if (!venc_on_chip()) {
        return fail(venc_error(HI_ERR_VENC_NOT_SUPPORT), "%s does not encode video",
                    config().soc_name.c_str());
    }
    SOFTNPU_CHECK(check_size(picture));
    const bool is_hevc = picture.type == HI_PT_H265;
    SOFTNPU_CHECK(check_venc_range("profile", picture.profile, 0, is_hevc ? 0 : 2));
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
    const hi_s32 delta = attr->gop_attr.normal_p.ip_qp_delta;
    SOFTNPU_CHECK(check_venc_range("ip_qp_delta", delta, -10, 30));
    options.key_steps = delta;
    SOFTNPU_CHECK(check_venc_range("gop", options.gop, 1, 65536));
    SOFTNPU_CHECK(check_venc_range("src_frame_rate", plan.source_rate, 1, 240));
    return check_venc_range("dst_frame_rate", options.frame_rate, 1, plan.source_rate);
}

int take_venc_frame(const HimpiEncoder &channel, const EncoderOptions &options,
                    const hi_video_frame_info *info, VencInput &input) {
    SOFTNPU_CHECK(check_venc_pointer(info, "frame"));
    const hi_video_frame &frame = info->v_frame;
    SOFTNPU_CHECK(check_venc_pointer(frame.virt_addr[0], "virt_addr[0]"));
    Picture &picture = input.picture;
    picture.data = static_cast<uint8_t *>(frame.virt_addr[0]);
    picture.format = static_cast<PixelFormat>(frame.pixel_format);
    picture.width = frame.width;
    picture.height = frame.height;
    picture.stride_w = frame.width_stride[0];
    picture.stride_h = frame.height;
    input.pts = frame.pts;
    SOFTNPU_CHECK(channel.is_jpeg() ? check_jpeg_frame(options, picture)
                                    : check_video_frame(options, picture));
    const uint32_t least = row_bytes(picture.format, frame.width, 1);
    if (picture.stride_w % 16 != 0 || picture.stride_w < least || picture.stride_w > 32768) {
        return fail(venc_error(HI_ERR_VENC_ILLEGAL_PARAM),
                    "width_stride %u: want a multiple of 16, at least %u", picture.stride_w, least);
    }
    SOFTNPU_CHECK(take_rows(frame, picture));
    SOFTNPU_CHECK(check_venc_range("height_stride", picture.stride_h, frame.height, 16384));
    picture.size = picture_bytes(picture.format, picture.stride_w, picture.stride_h);
    return check_device_memory("the frame", picture.data, picture.size,
                               venc_error(HI_ERR_VENC_BAD_ADDR));
}

}  // namespace softnpu
