// aclvenc*: video encoding of the first media interface.

#include "acl/ops/acl_dvpp.h"
#include "softnpu/api/dvpp_access.hpp"
#include "softnpu/core/config.hpp"
#include "softnpu/dvpp/chip.hpp"
#include "softnpu/dvpp/vdec.hpp"
#include "softnpu/dvpp/venc.hpp"
#include "softnpu/memory/memory.hpp"

using namespace softnpu;

namespace {

using DescRef = VencChannelDescTable::Ref;

/// A frame config of either codec, held.
struct ConfigRef {
    VencFrameConfigTable::Ref own;
    VdecFrameConfigTable::Ref foreign;

    FrameConfig &operator*() const noexcept { return own ? *own : *foreign; }
};

constexpr uint32_t kLeastSize = 128, kMostSize = 4096;
constexpr uint32_t kMostInterval = 65536;
constexpr uint32_t kMostRate = 240;
constexpr uint32_t kLeastBitrate = 10, kMostBitrate = 614400;  // kbit/s

int find_desc(const aclvencChannelDesc *handle, DescRef &desc) {
    return find_in(venc_channel_descs(), handle, "channelDesc", desc);
}

int find_config(const aclvencFrameConfig *handle, ConfigRef &config) {
    config.own = venc_frame_configs().find(handle);
    if (!config.own) config.foreign = vdec_frame_configs().find(handle);
    return config.own || config.foreign ? 0 : fail_handle(handle, "config");
}

// ---- parameters by number ----

template <class Visit>
int visit_parameter(VencChannelDesc &desc, int type, Visit &&visit) {
    switch (type) {
        case ACL_VENC_THREAD_ID_UINT64:
            return visit(desc.thread_id);
        case ACL_VENC_CALLBACK_PTR:
            return visit(desc.callback);
        case ACL_VENC_PIXEL_FORMAT_UINT32:
            return visit(desc.format);
        case ACL_VENC_ENCODE_TYPE_UINT32:
            return visit(desc.en_type);
        case ACL_VENC_PIC_WIDTH_UINT32:
            return visit(desc.width);
        case ACL_VENC_PIC_HEIGHT_UINT32:
            return visit(desc.height);
        case ACL_VENC_KEY_FRAME_INTERVAL_UINT32:
            return visit(desc.key_interval);
        case ACL_VENC_BUF_ADDR_PTR:
            return visit(desc.buffer);
        case ACL_VENC_BUF_SIZE_UINT32:
            return visit(desc.buffer_size);
        case ACL_VENC_RC_MODE_UINT32:
            return visit(desc.rc_mode);
        case ACL_VENC_SRC_RATE_UINT32:
            return visit(desc.src_rate);
        case ACL_VENC_MAX_BITRATE_UINT32:
            return visit(desc.max_bitrate);
        case ACL_VENC_MAX_IP_PROP_UINT32:
            return visit(desc.max_ip_prop);
        default:
            return fail(ACL_ERROR_INVALID_PARAM,
                        "paramType %d is none of aclvencChannelDescParamType (0 to 12)", type);
    }
}

// ---- creating ----

int check_range(const char *what, uint32_t value, uint32_t least, uint32_t most) {
    if (value >= least && value <= most) return 0;
    return fail(ACL_ERROR_INVALID_PARAM, "%s %u: want %u to %u", what, value, least, most);
}

int check_required(const VencChannelDesc &desc) {
    if (desc.thread_id == 0) {
        return fail(ACL_ERROR_INVALID_PARAM,
                    "no thread id; call aclvencSetChannelDescThreadId with the pthread_self() of "
                    "the thread that loops on aclrtProcessReport");
    }
    if (desc.callback == nullptr) {
        return fail(ACL_ERROR_INVALID_PARAM,
                    "no callback; call aclvencSetChannelDescCallback first");
    }
    if (desc.en_type > H264_HIGH_LEVEL) {
        return fail(ACL_ERROR_INVALID_PARAM,
                    "the encoding type is not set or none of acldvppStreamFormat (0 to 3); call "
                    "aclvencSetChannelDescEnType first");
    }
    if (desc.format != PIXEL_FORMAT_YUV_SEMIPLANAR_420 &&
        desc.format != PIXEL_FORMAT_YVU_SEMIPLANAR_420) {
        return fail(ACL_ERROR_INVALID_PARAM,
                    "the picture format is not set or none that the encoder takes: want NV12 (1) "
                    "or NV21 (2); call aclvencSetChannelDescPicFormat");
    }
    return 0;
}

int check_channel(const VencChannelDesc &desc) {
    SOFTNPU_CHECK(check_required(desc));
    const uint32_t width = desc.width, height = desc.height;
    SOFTNPU_CHECK(check_range("picture width", width, kLeastSize, kMostSize));
    SOFTNPU_CHECK(check_range("picture height", height, kLeastSize, kMostSize));
    if (width % 2 != 0 || height % 2 != 0) {
        return fail(ACL_ERROR_INVALID_PARAM, "pictures of %ux%u: want even sizes", width, height);
    }
    SOFTNPU_CHECK(check_range("key frame interval", desc.key_interval, 1, kMostInterval));
    SOFTNPU_CHECK(check_range("rate control mode", desc.rc_mode, 0, 2));
    SOFTNPU_CHECK(check_range("source frame rate", desc.src_rate, 0, kMostRate));
    if (desc.max_bitrate != 0) {
        SOFTNPU_CHECK(check_range("largest bit rate in kbit/s", desc.max_bitrate, kLeastBitrate,
                                  kMostBitrate));
    }
    if (desc.buffer == nullptr) return 0;
    if (desc.buffer_size == 0) {
        return fail(ACL_ERROR_INVALID_PARAM,
                    "a buffer of 0 bytes; call aclvencSetChannelDescBufSize, or set no buffer");
    }
    return check_device_memory("the channel's buffer", desc.buffer, desc.buffer_size,
                               ACL_ERROR_INVALID_PARAM);
}

std::shared_ptr<VencChannel> channel_of(VencChannelDesc &desc) {
    std::lock_guard<std::mutex> lock(desc.mutex);
    return desc.channel;
}

int find_channel(const aclvencChannelDesc *handle, std::shared_ptr<VencChannel> &channel) {
    DescRef desc;
    SOFTNPU_CHECK(find_desc(handle, desc));
    channel = channel_of(*desc);
    if (channel != nullptr) return 0;
    return fail(ACL_ERROR_INVALID_PARAM,
                "the description has no channel; call aclvencCreateChannel first");
}

// ---- sending ----

/// What the description leaves at 0 is as the channel says, without padding.
void fill_in(const EncoderOptions &options, Picture &source) {
    if (source.format == 0) source.format = options.format;
    if (source.width == 0) source.width = options.width;
    if (source.height == 0) source.height = options.height;
    if (source.stride_w == 0) source.stride_w = source.width;
    if (source.stride_h == 0) source.stride_h = source.height;
}

int check_source(const EncoderOptions &options, const Picture &source) {
    if (source.format != options.format) {
        return fail(ACL_ERROR_INVALID_PARAM, "input format %d: the channel's is %d", source.format,
                    options.format);
    }
    if (source.width != options.width || source.height != options.height) {
        return fail(ACL_ERROR_INVALID_PARAM, "input of %ux%u: the channel's pictures have %ux%u",
                    source.width, source.height, options.width, options.height);
    }
    const bool aligned = source.stride_w == source.width || source.stride_w % 16 == 0;
    if (!aligned || source.stride_w < source.width || source.stride_w > 16384) {
        return fail(ACL_ERROR_INVALID_PARAM,
                    "input width stride %u: want the width, or a multiple of 16 above it",
                    source.stride_w);
    }
    if (source.stride_h % 2 != 0 || source.stride_h < source.height || source.stride_h > 16384) {
        return fail(ACL_ERROR_INVALID_PARAM,
                    "input height stride %u: want an even number, at least %u", source.stride_h,
                    source.height);
    }
    const size_t least = picture_bytes(source.format, source.width, source.height);
    if (source.size < least || source.size >= 2 * least) {
        return fail(ACL_ERROR_INVALID_PARAM, "input has %zu bytes: want %zu to %zu", source.size,
                    least, 2 * least - 1);
    }
    const size_t need = picture_bytes(source.format, source.stride_w, source.stride_h);
    if (source.size < need) {
        return fail(ACL_ERROR_INVALID_PARAM, "input has %zu bytes, its strides take %zu",
                    source.size, need);
    }
    return 0;
}

int take_picture(acldvppPicDesc *handle, const EncoderOptions &options, VencFrame &frame) {
    SOFTNPU_CHECK(find_in(pic_descs(), handle, "input", frame.picture));
    const PicDesc &picture = *frame.picture;
    frame.data = picture.data;
    frame.source = {nullptr,        picture.size,     picture.format,  picture.width,
                    picture.height, picture.stride_w, picture.stride_h};
    if (frame.data == nullptr || frame.source.size == 0) {
        return fail(ACL_ERROR_INVALID_PARAM,
                    "the input has no memory; call acldvppSetPicDescData and -Size");
    }
    fill_in(options, frame.source);
    SOFTNPU_CHECK(check_source(options, frame.source));
    if (reinterpret_cast<uintptr_t>(frame.data) % 16 != 0) {
        return fail(ACL_ERROR_INVALID_PARAM, "input data %p: want a multiple of 16", frame.data);
    }
    return check_device_memory("the data of input", frame.data, frame.source.size,
                               ACL_ERROR_INVALID_PARAM);
}

int send(aclvencChannelDesc *handle, acldvppPicDesc *input, const void *reserve,
         aclvencFrameConfig *config_handle, void *user) {
    std::shared_ptr<VencChannel> channel;
    SOFTNPU_CHECK(find_channel(handle, channel));
    SOFTNPU_CHECK(require_context());
    ConfigRef config;
    SOFTNPU_CHECK(find_config(config_handle, config));
    // Programs offer a stream description of their own; the results come in the channel's anyway.
    if (reserve != nullptr && !stream_descs().find(reserve)) {
        return fail(ACL_ERROR_INVALID_PARAM, "reserve %p: want NULL or a live acldvppStreamDesc",
                    reserve);
    }
    const bool is_end = (*config).eos != 0;
    if (input == nullptr && is_end) return channel->finish();
    VencFrameRef frame = venc_frames().create();
    frame->user = user;
    frame->force_key = (*config).force_key != 0;
    const void *made = frame.handle();
    int code = take_picture(input, channel->options(), *frame);
    if (code == 0) code = channel->send(std::move(frame));
    if (code != 0) venc_frames().remove(made);
    return code == 0 && is_end ? channel->finish() : code;
}

int set_flag(const char *function, aclvencFrameConfig *handle,
             std::atomic<uint8_t> FrameConfig::*flag, uint8_t value) {
    return guarded(function, [&] {
        ConfigRef config;
        SOFTNPU_CHECK(find_config(handle, config));
        if (value > 1) return fail(ACL_ERROR_INVALID_PARAM, "value %u: want 0 or 1", value);
        (*config).*flag = value;
        return 0;
    });
}

uint8_t get_flag(const char *function, const aclvencFrameConfig *handle,
                 std::atomic<uint8_t> FrameConfig::*flag) {
    return guarded_value(function, uint8_t{0}, [&] {
        ConfigRef config;
        if (find_config(handle, config) != 0) return uint8_t{0};
        return ((*config).*flag).load(std::memory_order_acquire);
    });
}

}  // namespace

extern "C" {

aclvencChannelDesc *aclvencCreateChannelDesc() {
    return create_in<aclvencChannelDesc>(__func__, venc_channel_descs());
}

aclError aclvencDestroyChannelDesc(aclvencChannelDesc *channelDesc) {
    return guarded(__func__, [&] {
        if (channelDesc == nullptr) return 0;
        DescRef desc;
        SOFTNPU_CHECK(find_desc(channelDesc, desc));
        if (channel_of(*desc) != nullptr) {
            return fail(ACL_ERROR_INVALID_PARAM,
                        "the description's channel is alive; call aclvencDestroyChannel first");
        }
        venc_channel_descs().remove(channelDesc);
        return 0;
    });
}

aclvencFrameConfig *aclvencCreateFrameConfig() {
    return create_in<aclvencFrameConfig>(__func__, venc_frame_configs());
}

aclError aclvencDestroyFrameConfig(aclvencFrameConfig *config) {
    return destroy_in(__func__, venc_frame_configs(), config);
}

aclError aclvencSetFrameConfigForceIFrame(aclvencFrameConfig *config, uint8_t forceIFrame) {
    return set_flag(__func__, config, &FrameConfig::force_key, forceIFrame);
}

uint8_t aclvencGetFrameConfigForceIFrame(const aclvencFrameConfig *config) {
    return get_flag(__func__, config, &FrameConfig::force_key);
}

aclError aclvencSetFrameConfigEos(aclvencFrameConfig *config, uint8_t eos) {
    return set_flag(__func__, config, &FrameConfig::eos, eos);
}

uint8_t aclvencGetFrameConfigEos(const aclvencFrameConfig *config) {
    return get_flag(__func__, config, &FrameConfig::eos);
}

aclError aclvencCreateChannel(aclvencChannelDesc *channelDesc) {
    return guarded(__func__, [&] {
        DescRef desc;
        SOFTNPU_CHECK(find_desc(channelDesc, desc));
        SOFTNPU_CHECK(require_context());
        SOFTNPU_CHECK(require_dvpp_on_chip());
        if (!venc_on_chip()) {
            return fail(ACL_ERROR_FEATURE_UNSUPPORTED, "%s does not encode video",
                        config().soc_name.c_str());
        }
        SOFTNPU_CHECK(check_channel(*desc));
        return VencChannel::create(*desc);
    });
}

aclError aclvencDestroyChannel(aclvencChannelDesc *channelDesc) {
    return guarded(__func__, [&] {
        std::shared_ptr<VencChannel> channel;
        SOFTNPU_CHECK(find_channel(channelDesc, channel));
        SOFTNPU_CHECK(channel->destroy());
        const DescRef desc = venc_channel_descs().find(channelDesc);
        if (!desc) return 0;
        std::lock_guard<std::mutex> lock(desc->mutex);
        if (desc->channel == channel) desc->channel.reset();
        return 0;
    });
}

aclError aclvencSendFrame(aclvencChannelDesc *channelDesc, acldvppPicDesc *input, void *reserve,
                          aclvencFrameConfig *config, void *userdata) {
    return guarded(__func__, [&] { return send(channelDesc, input, reserve, config, userdata); });
}

aclError aclvencSetChannelDescParam(aclvencChannelDesc *channelDesc,
                                    aclvencChannelDescParamType paramType, size_t length,
                                    const void *param) {
    return guarded(__func__, [&] {
        DescRef desc;
        SOFTNPU_CHECK(find_desc(channelDesc, desc));
        SOFTNPU_CHECK(require_pointer(param, "param"));
        return visit_parameter(*desc, static_cast<int>(paramType),
                               [&](auto &field) { return set_parameter(field, length, param); });
    });
}

aclError aclvencGetChannelDescParam(const aclvencChannelDesc *channelDesc,
                                    aclvencChannelDescParamType paramType, size_t length,
                                    size_t *paramRetSize, void *param) {
    return guarded(__func__, [&] {
        DescRef desc;
        SOFTNPU_CHECK(find_desc(channelDesc, desc));
        SOFTNPU_CHECK(require_pointer(paramRetSize, "paramRetSize"));
        SOFTNPU_CHECK(require_pointer(param, "param"));
        return visit_parameter(*desc, static_cast<int>(paramType), [&](auto &field) {
            return get_parameter(field, length, paramRetSize, param);
        });
    });
}

aclError aclvencSetChannelDescCallback(aclvencChannelDesc *channelDesc, aclvencCallback callback) {
    return guarded(__func__, [&] {
        DescRef desc;
        SOFTNPU_CHECK(find_desc(channelDesc, desc));
        SOFTNPU_CHECK(require_pointer(reinterpret_cast<void *>(callback), "callback"));
        // The descriptions are handles, never dereferenced: pointers to whatever.
        desc->callback = reinterpret_cast<VencCallback>(callback);
        return 0;
    });
}

aclvencCallback aclvencGetChannelDescCallback(const aclvencChannelDesc *channelDesc) {
    return get_field<aclvencCallback>(__func__, venc_channel_descs(), channelDesc,
                                      &VencChannelDesc::callback);
}

uint32_t aclvencGetChannelDescChannelId(const aclvencChannelDesc *channelDesc) {
    return get_field<uint32_t>(__func__, venc_channel_descs(), channelDesc,
                               &VencChannelDesc::channel_id);
}

#define SOFTNPU_FIELD(Name, Type, field)                                                       \
    aclError aclvencSetChannelDesc##Name(aclvencChannelDesc *channelDesc, Type value) {        \
        return set_field(__func__, venc_channel_descs(), channelDesc, &VencChannelDesc::field, \
                         value);                                                               \
    }                                                                                          \
    Type aclvencGetChannelDesc##Name(const aclvencChannelDesc *channelDesc) {                  \
        return get_field<Type>(__func__, venc_channel_descs(), channelDesc,                    \
                               &VencChannelDesc::field);                                       \
    }

SOFTNPU_FIELD(BufAddr, void *, buffer)
SOFTNPU_FIELD(BufSize, uint32_t, buffer_size)
SOFTNPU_FIELD(EnType, acldvppStreamFormat, en_type)
SOFTNPU_FIELD(KeyFrameInterval, uint32_t, key_interval)
SOFTNPU_FIELD(MaxBitRate, uint32_t, max_bitrate)
SOFTNPU_FIELD(PicFormat, acldvppPixelFormat, format)
SOFTNPU_FIELD(PicHeight, uint32_t, height)
SOFTNPU_FIELD(PicWidth, uint32_t, width)
SOFTNPU_FIELD(RcMode, uint32_t, rc_mode)
SOFTNPU_FIELD(SrcRate, uint32_t, src_rate)
SOFTNPU_FIELD(ThreadId, uint64_t, thread_id)
#undef SOFTNPU_FIELD

}  // extern "C"
