// Video decoding of the second media interface: packets in, the program's own buffers out.
#include <cstring>
#include <deque>
#include <map>
#include <set>

#include "softnpu/api/himpi_vpc.hpp"
#include "softnpu/core/config.hpp"
#include "softnpu/core/counters.hpp"
#include "softnpu/core/device.hpp"
#include "softnpu/dvpp/engines.hpp"
#include "softnpu/dvpp/registry.hpp"
#include "softnpu/memory/memory.hpp"

using namespace softnpu;

namespace {

constexpr int32_t kChannels = 256;
constexpr size_t kDepth = 32;             // packets that wait to be decoded
constexpr uint64_t kDeepestReorder = 32;  // packets after which a picture no longer comes
constexpr hi_u32 kFlagOk = 0, kFlagFailed = 1, kFlagNone = 2;

int error(unsigned code) {
    return static_cast<int>(code);
}

struct Packet {
    hi_vdec_stream stream{};
    hi_vdec_pic_info info{};
    Picture target;
    hi_u32 flag = kFlagOk;
};

struct VideoChannel : std::enable_shared_from_this<VideoChannel> {
    hi_vdec_chn_attr attr{};
    hi_vdec_chn_param param{};
    StreamRef stream;
    std::unique_ptr<VideoDecoder> decoder;  // touched by tasks of the stream only

    std::mutex mutex;  // leaf lock
    std::condition_variable changed;
    std::map<uint64_t, Packet> open;  // sent, their pictures not there yet
    std::deque<Packet> ready;
    std::multiset<const void *> out;  // fetched, not released
    uint64_t next = 1;
    uint64_t decoded = 0;  // packets the decoder has seen
    bool started = false, closed = false;

    void report(uint64_t number, hi_u32 flag) {
        std::lock_guard<std::mutex> lock(mutex);
        const auto found = open.find(number);
        if (found == open.end()) return;
        found->second.flag = flag;
        ready.push_back(found->second);
        open.erase(found);
        changed.notify_all();
    }

    /// Packets before `number` that gave no picture.
    void give_up(uint64_t number) {
        for (;;) {
            uint64_t first = 0;
            {
                std::lock_guard<std::mutex> lock(mutex);
                if (open.empty() || open.begin()->first >= number) return;
                first = open.begin()->first;
            }
            report(first, kFlagNone);
        }
    }

    bool find(uint64_t number, Packet &packet) {
        std::lock_guard<std::mutex> lock(mutex);
        const auto found = open.find(number);
        if (found != open.end()) packet = found->second;
        return found != open.end();
    }

    void collect() {
        DecodedFrame frame;
        Packet packet;
        while (decoder->receive(frame)) {
            if (frame.tag > kDeepestReorder) give_up(frame.tag - kDeepestReorder);
            if (!find(frame.tag, packet)) continue;
            count(counters().frames_decoded);
            bool failed = frame.damaged;
            if (packet.target.data != nullptr) {
                Picture target = packet.target;
                std::string why = check_picture_memory("the frame", target);
                if (why.empty()) why = decoder->write(target);
                failed |= !why.empty();
            }
            report(frame.tag, failed ? kFlagFailed : kFlagOk);
        }
    }

    void decode(uint64_t number) {
        Packet packet;
        if (!find(number, packet)) return;
        if (packet.stream.len > 0) {
            Allocation memory;
            const bool lives = find_allocation(packet.stream.addr, memory);
            const auto *data = static_cast<const uint8_t *>(device_view(packet.stream.addr));
            if (!lives || !decoder->send(data, packet.stream.len, number).empty()) {
                report(number, kFlagFailed);
            }
            collect();
        }
        bool starved = false;
        {
            std::lock_guard<std::mutex> lock(mutex);
            decoded = number;
            starved = number + 1 == next;
            changed.notify_all();
        }
        if (packet.stream.end_of_stream != 0) {
            decoder->finish();
            collect();
            give_up(number + 1);
            decoder->reset();
        } else if (starved) {
            decoder->settle();
            collect();
        }
    }

    void close() {
        {
            std::lock_guard<std::mutex> lock(mutex);
            closed = true;
            open.clear();
            changed.notify_all();
        }
        const void *handle = stream.handle();
        if (stream_table().find(handle)) {
            ContextScope scope(stream->context());
            destroy_stream(handle, false);
        }
        uncount(counters().live_media_channels);
    }
};

using ChannelRef = std::shared_ptr<VideoChannel>;

using Channels = ChannelRegistry<VideoChannel>;

int check_id(hi_vdec_chn chn) {
    if (!himpi_on_chip()) {
        return fail(error(HI_ERR_VDEC_NOT_SUPPORT), "%s has no hi_mpi interface; use aclvdec*",
                    config().soc_name.c_str());
    }
    if (chn >= 0 && chn < kChannels) return 0;
    return fail(error(HI_ERR_VDEC_INVALID_CHN_ID), "channel %d: want 0 to 255", chn);
}

int find_channel(hi_vdec_chn chn, ChannelRef &channel, bool take = false) {
    SOFTNPU_CHECK(check_id(chn));
    if (require_context() != 0) return error(HI_ERR_VDEC_SYS_NOT_READY);
    Channels &all = Channels::all();
    channel = take ? all.take(current_device(), chn) : all.find(current_device(), chn);
    if (channel == nullptr) {
        return fail(error(HI_ERR_VDEC_UNEXIST), "channel %d does not exist; create it first", chn);
    }
    return 0;
}

int check_attr(const hi_vdec_chn_attr *attr) {
    if (attr == nullptr) return fail(error(HI_ERR_VDEC_NULL_PTR), "attr is NULL");
    if (attr->type != HI_PT_H264 && attr->type != HI_PT_H265) {
        return fail(error(HI_ERR_VDEC_NOT_SUPPORT), "payload type %d: want H.264 or H.265",
                    static_cast<int>(attr->type));
    }
    const uint64_t least = uint64_t{attr->pic_width} * attr->pic_height * 3 / 4;
    if (attr->mode != HI_VDEC_SEND_MODE_FRAME || attr->pic_width == 0 || attr->pic_width > 8192 ||
        attr->pic_height == 0 || attr->pic_height > 8192 || attr->stream_buf_size < least ||
        attr->stream_buf_size > 1u << 30) {
        return fail(error(HI_ERR_VDEC_ILLEGAL_PARAM),
                    "want frame mode, sizes up to 8192 and a stream_buf_size of width * height * "
                    "3/4 to 1 GB");
    }
    return 0;
}

int create(hi_vdec_chn chn, const hi_vdec_chn_attr *attr) {
    SOFTNPU_CHECK(check_id(chn));
    SOFTNPU_CHECK(check_attr(attr));
    ContextRef context;
    if (!himpi_ready() || current_context(context) != 0) {
        return fail(error(HI_ERR_VDEC_SYS_NOT_READY), "set a device and call hi_mpi_sys_init");
    }
    const VideoEngine *engine = video_engine();
    if (engine == nullptr) return error(HI_ERR_VDEC_NOT_SUPPORT);
    auto channel = std::make_shared<VideoChannel>();
    channel->attr = *attr;
    channel->param.type = attr->type;
    const Codec codec = attr->type == HI_PT_H265 ? Codec::h265 : Codec::h264;
    std::string why;
    channel->decoder = engine->create_decoder(codec, config().threads, why);
    if (!channel->decoder) return fail(error(HI_ERR_VDEC_NOT_SUPPORT), "%s", why.c_str());
    if (create_stream(context->device(), context.handle(), {}, channel->stream) != 0) {
        return error(HI_ERR_VDEC_NO_MEM);
    }
    count(counters().live_media_channels);
    const bool added = Channels::all().add(current_device(), chn, channel);
    if (added) return 0;
    channel->close();
    return fail(error(HI_ERR_VDEC_EXIST), "channel %d exists already", chn);
}

int take_target(const hi_vdec_pic_info &info, Picture &picture) {
    picture = {reinterpret_cast<uint8_t *>(info.vir_addr),
               info.buffer_size,
               static_cast<PixelFormat>(info.pixel_format),
               info.width,
               info.height,
               info.width_stride,
               info.height_stride};
    if (format_info(picture.format) == nullptr) {
        return fail(error(HI_ERR_VDEC_NOT_SUPPORT), "pixel format %d", picture.format);
    }
    if (std::string why = check_geometry("the frame", picture); !why.empty()) {
        return fail(error(HI_ERR_VDEC_ILLEGAL_PARAM), "%s", why.c_str());
    }
    Picture probe = picture;
    if (std::string why = check_picture_memory("the frame", probe); !why.empty()) {
        return fail(error(HI_ERR_VDEC_BAD_ADDR), "%s", why.c_str());
    }
    return 0;
}

int take_packet(const VideoChannel &channel, const hi_vdec_stream *stream,
                const hi_vdec_pic_info *info, Packet &packet) {
    if (stream == nullptr || info == nullptr) {
        return fail(error(HI_ERR_VDEC_NULL_PTR), "stream or vdec_pic_info is NULL");
    }
    packet.stream = *stream;
    packet.info = *info;
    if (stream->len == 0) {
        if (stream->end_of_stream != 0) return 0;
        return fail(error(HI_ERR_VDEC_ILLEGAL_PARAM), "an empty packet needs end_of_stream");
    }
    if (stream->len > channel.attr.stream_buf_size) {
        return fail(error(HI_ERR_VDEC_ILLEGAL_PARAM), "%u bytes are more than stream_buf_size",
                    stream->len);
    }
    SOFTNPU_CHECK(
        check_device_memory("stream", stream->addr, stream->len, error(HI_ERR_VDEC_BAD_ADDR)));
    if (stream->need_display == 0) return 0;
    return take_target(*info, packet.target);
}

int send(const ChannelRef &channel, const Packet &packet, hi_s32 milliseconds) {
    uint64_t number = 0;
    {
        std::unique_lock<std::mutex> lock(channel->mutex);
        if (!channel->started) {
            return fail(error(HI_ERR_VDEC_NOT_PERM), "call hi_mpi_vdec_start_recv_stream first");
        }
        const bool room = HimpiWait(milliseconds)(lock, channel->changed, [&] {
            return channel->closed || channel->next - channel->decoded <= kDepth;
        });
        if (channel->closed) return fail(error(HI_ERR_VDEC_UNEXIST), "the channel is destroyed");
        if (!room) return fail(error(HI_ERR_VDEC_BUF_FULL), "%zu packets wait already", kDepth);
        number = channel->next++;
        channel->open[number] = packet;
    }
    const int code = channel->stream->submit("hi_mpi_vdec_send_stream", [channel, number] {
        channel->decode(number);
        return 0;
    });
    return code == 0 ? 0 : error(HI_ERR_VDEC_SYS_NOT_READY);
}

void describe(const Packet &packet, hi_video_frame_info &frame) {
    std::memset(&frame, 0, sizeof frame);
    frame.mod_id = HI_ID_VDEC;
    hi_video_frame &to = frame.v_frame;
    to.width = packet.info.width;
    to.height = packet.info.height;
    to.pixel_format = packet.info.pixel_format;
    to.width_stride[0] = to.width_stride[1] = packet.info.width_stride;
    to.height_stride[0] = to.height_stride[1] = packet.info.height_stride;
    to.virt_addr[0] = reinterpret_cast<void *>(packet.info.vir_addr);
    to.pts = packet.stream.pts;
    to.frame_flag = packet.flag;
}

int get(VideoChannel &channel, Packet &packet, hi_s32 milliseconds) {
    std::unique_lock<std::mutex> lock(channel.mutex);
    const HimpiWait wait(milliseconds);
    wait(lock, channel.changed, [&] { return channel.closed || !channel.ready.empty(); });
    if (channel.closed) return fail(error(HI_ERR_VDEC_UNEXIST), "the channel is destroyed");
    if (channel.ready.empty()) return fail(error(HI_ERR_VDEC_BUF_EMPTY), "no frame is ready");
    packet = channel.ready.front();
    channel.ready.pop_front();
    channel.out.insert(reinterpret_cast<const void *>(packet.info.vir_addr));
    return 0;
}

int set_started(hi_vdec_chn chn, bool started) {
    ChannelRef channel;
    SOFTNPU_CHECK(find_channel(chn, channel));
    std::lock_guard<std::mutex> lock(channel->mutex);
    channel->started = started;
    return HI_SUCCESS;
}

}  // namespace

extern "C" {

hi_s32 hi_mpi_vdec_create_chn(hi_vdec_chn chn, const hi_vdec_chn_attr *attr) {
    return guarded(__func__, [&] { return create(chn, attr); });
}

hi_s32 hi_mpi_vdec_destroy_chn(hi_vdec_chn chn) {
    return guarded(__func__, [&] {
        ChannelRef channel;
        SOFTNPU_CHECK(find_channel(chn, channel, true));
        channel->close();
        return HI_SUCCESS;
    });
}

hi_s32 hi_mpi_vdec_start_recv_stream(hi_vdec_chn chn) {
    return guarded(__func__, [&] { return set_started(chn, true); });
}

hi_s32 hi_mpi_vdec_stop_recv_stream(hi_vdec_chn chn) {
    return guarded(__func__, [&] { return set_started(chn, false); });
}

hi_s32 hi_mpi_vdec_send_stream(hi_vdec_chn chn, const hi_vdec_stream *stream,
                               hi_vdec_pic_info *vdec_pic_info, hi_s32 milli_sec) {
    return guarded(__func__, [&] {
        ChannelRef channel;
        SOFTNPU_CHECK(find_channel(chn, channel));
        if (milli_sec < -1) {
            return fail(error(HI_ERR_VDEC_ILLEGAL_PARAM), "milli_sec %d", milli_sec);
        }
        Packet packet;
        SOFTNPU_CHECK(take_packet(*channel, stream, vdec_pic_info, packet));
        return send(channel, packet, milli_sec);
    });
}

hi_s32 hi_mpi_vdec_get_frame(hi_vdec_chn chn, hi_video_frame_info *frame_info,
                             hi_vdec_supplement_info *supplement, hi_vdec_stream *stream,
                             hi_s32 milli_sec) {
    return guarded(__func__, [&] {
        ChannelRef channel;
        SOFTNPU_CHECK(find_channel(chn, channel));
        if (frame_info == nullptr || stream == nullptr) {
            return fail(error(HI_ERR_VDEC_NULL_PTR), "frame_info or stream is NULL");
        }
        if (milli_sec < -1) {
            return fail(error(HI_ERR_VDEC_ILLEGAL_PARAM), "milli_sec %d", milli_sec);
        }
        Packet packet;
        SOFTNPU_CHECK(get(*channel, packet, milli_sec));
        describe(packet, *frame_info);
        *stream = packet.stream;
        if (supplement != nullptr) {
            std::memset(supplement, 0, sizeof *supplement);
            supplement->type = channel->attr.type;
        }
        return HI_SUCCESS;
    });
}

hi_s32 hi_mpi_vdec_release_frame(hi_vdec_chn chn, const hi_video_frame_info *frame_info) {
    return guarded(__func__, [&] {
        ChannelRef channel;
        SOFTNPU_CHECK(find_channel(chn, channel));
        if (frame_info == nullptr) return fail(error(HI_ERR_VDEC_NULL_PTR), "frame_info is NULL");
        std::lock_guard<std::mutex> lock(channel->mutex);
        const auto found = channel->out.find(frame_info->v_frame.virt_addr[0]);
        if (found == channel->out.end()) {
            return fail(error(HI_ERR_VDEC_ILLEGAL_PARAM), "the frame was not fetched from here");
        }
        channel->out.erase(found);
        return HI_SUCCESS;
    });
}

}  // extern "C"
