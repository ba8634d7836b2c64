// aclvdec*: video decoding of the first media interface.

#include "acl/ops/acl_dvpp.h"
#include "softnpu/api/dvpp_access.hpp"
#include "softnpu/dvpp/chip.hpp"
#include "softnpu/dvpp/vdec.hpp"
#include "softnpu/memory/memory.hpp"

using namespace softnpu;

namespace {

using DescRef = VdecChannelDescTable::Ref;

constexpr uint32_t kLargestChannelId = 255;

int find_desc(const aclvdecChannelDesc *handle, DescRef &desc) {
    SOFTNPU_CHECK(require_pointer(handle, "channelDesc"));
    desc = vdec_channel_descs().find(handle);
    if (desc) return 0;
    return fail(ACL_ERROR_INVALID_PARAM,
                "channelDesc %p is not a live aclvdecChannelDesc: never created, or destroyed",
                static_cast<const void *>(handle));
}

// ---- parameters by number ----

template <class Visit>
int visit_parameter(VdecChannelDesc &desc, int type, Visit &&visit) {
    switch (type) {
        case ACL_VDEC_CSC_MATRIX_UINT32:
            return visit(desc.csc_matrix);
        case ACL_VDEC_OUT_MODE_UINT32:
            return visit(desc.out_mode);
        case ACL_VDEC_THREAD_ID_UINT64:
            return visit(desc.thread_id);
        case ACL_VDEC_CALLBACK_PTR:
            return visit(desc.callback);
        case ACL_VDEC_CHANNEL_ID_UINT32:
            return visit(desc.channel_id);
        case ACL_VDEC_ENCODE_TYPE_UINT32:
            return visit(desc.en_type);
        case ACL_VDEC_OUT_PIC_FORMAT_UINT32:
            return visit(desc.out_format);
        case ACL_VDEC_OUT_PIC_WIDTH_UINT32:
            return visit(desc.out_width);
        case ACL_VDEC_OUT_PIC_HEIGHT_UINT32:
            return visit(desc.out_height);
        case ACL_VDEC_REF_FRAME_NUM_UINT32:
            return visit(desc.ref_frames);
        case ACL_VDEC_BIT_DEPTH_UINT32:
            return visit(desc.bit_depth);
        default:
            return fail(ACL_ERROR_INVALID_PARAM,
                        "paramType %d is none of aclvdecChannelDescParamType (0 to 10)", type);
    }
}

// ---- creating ----

bool can_write(uint32_t format) {
    switch (format) {
        case PIXEL_FORMAT_YUV_SEMIPLANAR_420:
        case PIXEL_FORMAT_YVU_SEMIPLANAR_420:
        case PIXEL_FORMAT_RGB_888:
        case PIXEL_FORMAT_BGR_888:
        case PIXEL_FORMAT_YUV_SEMI_PLANNER_420_10BIT:
        case PIXEL_FORMAT_YVU_SEMI_PLANNER_420_10BIT:
            return true;
        default:
            return false;
    }
}

int check_channel(const VdecChannelDesc &desc) {
    const uint32_t id = desc.channel_id;
    if (id == VdecChannelDesc::kUnset) {
        return fail(ACL_ERROR_INVALID_PARAM,
                    "no channel id; call aclvdecSetChannelDescChannelId first");
    }
    if (id > kLargestChannelId) {
        return fail(ACL_ERROR_INVALID_PARAM, "channel id %u: want 0 to %u", id, kLargestChannelId);
    }
    if (desc.thread_id == 0) {
        return fail(ACL_ERROR_INVALID_PARAM,
                    "no thread id; call aclvdecSetChannelDescThreadId with the pthread_self() of "
                    "the thread that loops on aclrtProcessReport");
    }
    if (desc.callback == nullptr) {
        return fail(ACL_ERROR_INVALID_PARAM,
                    "no callback; call aclvdecSetChannelDescCallback first");
    }
    if (desc.en_type > H264_HIGH_LEVEL) {
        return fail(ACL_ERROR_INVALID_PARAM,
                    "the encoding type is not set or none of acldvppStreamFormat (0 to 3); call "
                    "aclvdecSetChannelDescEnType first");
    }
    if (!can_write(desc.out_format)) {
        return fail(ACL_ERROR_INVALID_PARAM,
                    "output format %u: the decoder writes 4:2:0 semiplanar (1, 2; 18, 19 with 10 "
                    "bits), RGB888 (12) and BGR888 (13)",
                    desc.out_format.load());
    }
    return 0;
}

std::shared_ptr<VdecChannel> channel_of(VdecChannelDesc &desc) {
    std::lock_guard<std::mutex> lock(desc.mutex);
    return desc.channel;
}

int find_channel(const aclvdecChannelDesc *handle, std::shared_ptr<VdecChannel> &channel) {
    DescRef desc;
    SOFTNPU_CHECK(find_desc(handle, desc));
    channel = channel_of(*desc);
    if (channel != nullptr) return 0;
    return fail(ACL_ERROR_INVALID_PARAM,
                "the description has no channel; call aclvdecCreateChannel first");
}

// ---- sending ----

/// The packet of a frame; no data is allowed at the end of the stream only.
int take_stream(acldvppStreamDesc *handle, VdecFrame &frame) {
    SOFTNPU_CHECK(require_pointer(handle, "input"));
    frame.stream = stream_descs().find(handle);
    if (!frame.stream) {
        return fail(ACL_ERROR_INVALID_PARAM, "input %p is not a live acldvppStreamDesc",
                    static_cast<void *>(handle));
    }
    const StreamDesc &stream = *frame.stream;
    frame.data = stream.data;
    frame.size = stream.size;
    frame.is_end = stream.eos != 0;
    if (frame.data == nullptr || frame.size == 0) {
        if (!frame.is_end) {
            return fail(ACL_ERROR_INVALID_PARAM,
                        "the stream description holds no data and is no end of stream; set data "
                        "and size, or eos");
        }
        frame.data = nullptr;
        frame.silent = true;
        return 0;
    }
    return check_device_memory("the data of input", frame.data, frame.size,
                               ACL_ERROR_INVALID_PARAM);
}

int check_size(const Picture &target) {
    if (target.width < 10 || target.width > 4096 || target.height < 6 || target.height > 4096) {
        return fail(ACL_ERROR_INVALID_PARAM, "output of %ux%u: want 10x6 to 4096x4096",
                    target.width, target.height);
    }
    if (target.width % 2 != 0 || target.height % 2 != 0) {
        return fail(ACL_ERROR_INVALID_PARAM, "output of %ux%u: want even sizes", target.width,
                    target.height);
    }
    if (target.stride_w % 16 != 0 || target.stride_w < row_bytes(target.format, target.width, 1)) {
        return fail(ACL_ERROR_INVALID_PARAM,
                    "output width stride %u: want a multiple of 16 and at least %u bytes",
                    target.stride_w, row_bytes(target.format, target.width, 1));
    }
    if (target.stride_h % 2 != 0 || target.stride_h < target.height) {
        return fail(ACL_ERROR_INVALID_PARAM,
                    "output height stride %u: want an even number, at least %u", target.stride_h,
                    target.height);
    }
    const size_t need = picture_bytes(target.format, target.stride_w, target.stride_h);
    if (target.size < need) {
        return fail(ACL_ERROR_INVALID_PARAM, "output has %zu bytes, its strides take %zu",
                    target.size, need);
    }
    return 0;
}

int take_picture(acldvppPicDesc *handle, PixelFormat format, VdecFrame &frame) {
    SOFTNPU_CHECK(require_pointer(handle, "output"));
    frame.picture = pic_descs().find(handle);
    if (!frame.picture) {
        return fail(ACL_ERROR_INVALID_PARAM, "output %p is not a live acldvppPicDesc",
                    static_cast<void *>(handle));
    }
    const PicDesc &picture = *frame.picture;
    const void *data = picture.data;
    Picture &target = frame.target;
    target.size = picture.size;
    target.format = picture.format != 0 ? picture.format.load() : format;
    target.width = picture.width;
    target.height = picture.height;
    target.stride_w = picture.stride_w;
    target.stride_h = picture.stride_h;
    if (data == nullptr || target.size == 0) {
        return fail(ACL_ERROR_INVALID_PARAM,
                    "the output has no memory; call acldvppSetPicDescData and -Size");
    }
    if (reinterpret_cast<uintptr_t>(data) % 16 != 0) {
        return fail(ACL_ERROR_INVALID_PARAM, "output data %p: want a multiple of 16", data);
    }
    SOFTNPU_CHECK(
        check_device_memory("the data of output", data, target.size, ACL_ERROR_INVALID_PARAM));
    target.data = static_cast<uint8_t *>(device_view(data));
    if (!can_write(static_cast<uint32_t>(target.format))) {
        return fail(ACL_ERROR_INVALID_PARAM, "output format %d: the decoder does not write it",
                    target.format);
    }
    const int given = (target.width != 0) + (target.height != 0) + (target.stride_w != 0) +
                      (target.stride_h != 0);
    if (given == 0) return 0;  // as large as the frame
    if (given != 4) {
        return fail(ACL_ERROR_INVALID_PARAM,
                    "output %ux%u with strides %ux%u: set all four to scale, or none for the "
                    "frame's own size",
                    target.width, target.height, target.stride_w, target.stride_h);
    }
    return check_size(target);
}

int check_config(const aclvdecFrameConfig *config) {
    if (config == nullptr || vdec_frame_configs().contains(config)) return 0;
    return fail(ACL_ERROR_INVALID_PARAM, "config %p is not a live aclvdecFrameConfig",
                static_cast<const void *>(config));
}

int send(aclvdecChannelDesc *handle, acldvppStreamDesc *input, acldvppPicDesc *output, bool skipped,
         const aclvdecFrameConfig *config, void *user) {
    SOFTNPU_CHECK(require_context());
    std::shared_ptr<VdecChannel> channel;
    SOFTNPU_CHECK(find_channel(handle, channel));
    SOFTNPU_CHECK(check_config(config));
    VdecFrameRef frame = vdec_frames().create();
    frame->user = user;
    int code = take_stream(input, *frame);
    if (code == 0 && !skipped && !frame->silent) {
        code = take_picture(output, channel->format(), *frame);
    }
    const void *made = frame.handle();
    if (code == 0) code = channel->send(std::move(frame));
    if (code != 0) vdec_frames().remove(made);
    return code;
}

}  // namespace

extern "C" {

aclvdecChannelDesc *aclvdecCreateChannelDesc() {
    return guarded_value<aclvdecChannelDesc *>(
        "aclvdecCreateChannelDesc", nullptr, []() -> aclvdecChannelDesc * {
            if (require_context() != 0) return nullptr;
            return static_cast<aclvdecChannelDesc *>(vdec_channel_descs().create().handle());
        });
}

aclError aclvdecDestroyChannelDesc(aclvdecChannelDesc *channelDesc) {
    return guarded("aclvdecDestroyChannelDesc", [&] {
        if (channelDesc == nullptr) return 0;
        DescRef desc;
        SOFTNPU_CHECK(find_desc(channelDesc, desc));
        if (channel_of(*desc) != nullptr) {
            return fail(ACL_ERROR_INVALID_PARAM,
                        "the description's channel is alive; call aclvdecDestroyChannel first");
        }
        vdec_channel_descs().remove(channelDesc);
        return 0;
    });
}

aclvdecFrameConfig *aclvdecCreateFrameConfig() {
    return guarded_value<aclvdecFrameConfig *>(
        "aclvdecCreateFrameConfig", nullptr, []() -> aclvdecFrameConfig * {
            if (require_context() != 0) return nullptr;
            return static_cast<aclvdecFrameConfig *>(vdec_frame_configs().create().handle());
        });
}

aclError aclvdecDestroyFrameConfig(aclvdecFrameConfig *vdecFrameConfig) {
    return guarded("aclvdecDestroyFrameConfig", [&] {
        SOFTNPU_CHECK(check_config(vdecFrameConfig));
        vdec_frame_configs().remove(vdecFrameConfig);
        return 0;
    });
}

aclError aclvdecCreateChannel(aclvdecChannelDesc *channelDesc) {
    return guarded("aclvdecCreateChannel", [&] {
        DescRef desc;
        SOFTNPU_CHECK(find_desc(channelDesc, desc));
        SOFTNPU_CHECK(require_context());
        SOFTNPU_CHECK(require_dvpp_on_chip());
        SOFTNPU_CHECK(check_channel(*desc));
        return VdecChannel::create(*desc);
    });
}

aclError aclvdecDestroyChannel(aclvdecChannelDesc *channelDesc) {
    return guarded("aclvdecDestroyChannel", [&] {
        std::shared_ptr<VdecChannel> channel;
        SOFTNPU_CHECK(find_channel(channelDesc, channel));
        SOFTNPU_CHECK(channel->destroy());
        const DescRef desc = vdec_channel_descs().find(channelDesc);
        if (!desc) return 0;
        std::lock_guard<std::mutex> lock(desc->mutex);
        if (desc->channel == channel) desc->channel.reset();
        return 0;
    });
}

aclError aclvdecSendFrame(aclvdecChannelDesc *channelDesc, acldvppStreamDesc *input,
                          acldvppPicDesc *output, aclvdecFrameConfig *config, void *userData) {
    return guarded("aclvdecSendFrame",
                   [&] { return send(channelDesc, input, output, false, config, userData); });
}

aclError aclvdecSendSkippedFrame(aclvdecChannelDesc *channelDesc, acldvppStreamDesc *input,
                                 aclvdecFrameConfig *config, void *userData) {
    return guarded("aclvdecSendSkippedFrame",
                   [&] { return send(channelDesc, input, nullptr, true, config, userData); });
}

aclError aclvdecSetChannelDescParam(aclvdecChannelDesc *channelDesc,
                                    aclvdecChannelDescParamType paramType, size_t length,
                                    const void *param) {
    return guarded("aclvdecSetChannelDescParam", [&] {
        DescRef desc;
        SOFTNPU_CHECK(find_desc(channelDesc, desc));
        SOFTNPU_CHECK(require_pointer(param, "param"));
        return visit_parameter(*desc, static_cast<int>(paramType),
                               [&](auto &field) { return set_parameter(field, length, param); });
    });
}

aclError aclvdecGetChannelDescParam(const aclvdecChannelDesc *channelDesc,
                                    aclvdecChannelDescParamType paramType, size_t length,
                                    size_t *paramRetSize, void *param) {
    return guarded("aclvdecGetChannelDescParam", [&] {
        DescRef desc;
        SOFTNPU_CHECK(find_desc(channelDesc, desc));
        SOFTNPU_CHECK(require_pointer(paramRetSize, "paramRetSize"));
        SOFTNPU_CHECK(require_pointer(param, "param"));
        return visit_parameter(*desc, static_cast<int>(paramType), [&](auto &field) {
            return get_parameter(field, length, paramRetSize, param);
        });
    });
}

aclError aclvdecSetChannelDescCallback(aclvdecChannelDesc *channelDesc, aclvdecCallback callback) {
    return guarded("aclvdecSetChannelDescCallback", [&] {
        DescRef desc;
        SOFTNPU_CHECK(find_desc(channelDesc, desc));
        SOFTNPU_CHECK(require_pointer(reinterpret_cast<void *>(callback), "callback"));
        // The descriptions are handles, never dereferenced: pointers to whatever.
        desc->callback = reinterpret_cast<VdecCallback>(callback);
        return 0;
    });
}

aclvdecCallback aclvdecGetChannelDescCallback(const aclvdecChannelDesc *channelDesc) {
    return get_field<aclvdecCallback>("aclvdecGetChannelDescCallback", vdec_channel_descs(),
                                      channelDesc, &VdecChannelDesc::callback);
}

#define SOFTNPU_FIELD(Name, Given, Result, field)                                                  \
    aclError aclvdecSetChannelDesc##Name(aclvdecChannelDesc *channelDesc, Given value) {           \
        return set_field("aclvdecSetChannelDesc" #Name, vdec_channel_descs(), channelDesc,         \
                         &VdecChannelDesc::field, value);                                          \
    }                                                                                              \
    Result aclvdecGetChannelDesc##Name(const aclvdecChannelDesc *channelDesc) {                    \
        return get_field<Result>("aclvdecGetChannelDesc" #Name, vdec_channel_descs(), channelDesc, \
                                 &VdecChannelDesc::field);                                         \
    }

SOFTNPU_FIELD(BitDepth, uint32_t, uint32_t, bit_depth)
SOFTNPU_FIELD(ChannelId, uint32_t, uint32_t, channel_id)
SOFTNPU_FIELD(EnType, acldvppStreamFormat, acldvppStreamFormat, en_type)
SOFTNPU_FIELD(OutMode, uint32_t, uint32_t, out_mode)
SOFTNPU_FIELD(OutPicFormat, acldvppPixelFormat, acldvppPixelFormat, out_format)
SOFTNPU_FIELD(OutPicHeight, uint32_t, uint32_t, out_height)
SOFTNPU_FIELD(OutPicWidth, uint32_t, uint32_t, out_width)
SOFTNPU_FIELD(RefFrameNum, uint32_t, uint32_t, ref_frames)
SOFTNPU_FIELD(ThreadId, uint64_t, uint64_t, thread_id)
#undef SOFTNPU_FIELD

}  // extern "C"
