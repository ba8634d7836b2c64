#include "softnpu/dvpp/venc.hpp"

#include <cstring>
#include <vector>

#include "acl/acl_base.h"
#include "acl/ops/acl_dvpp.h"
#include "softnpu/core/config.hpp"
#include "softnpu/core/device.hpp"
#include "softnpu/core/log.hpp"
#include "softnpu/core/status.hpp"
#include "softnpu/dvpp/registry.hpp"
#include "softnpu/memory/memory.hpp"
#include "softnpu/stream/callback.hpp"

namespace softnpu {
namespace {

constexpr uint32_t kMostChannels = 128;  // per device
constexpr int kFramesPerTask = 2;        // more than tasks are queued for: what an abort dropped

EncoderOptions options_of(const VencChannelDesc &desc) {
    EncoderOptions options;
    const uint32_t type = desc.en_type;
    options.codec = type == H265_MAIN_LEVEL ? Codec::h265 : Codec::h264;
    options.profile = type == H265_MAIN_LEVEL ? 0 : static_cast<int>(type) - H264_BASELINE_LEVEL;
    options.width = desc.width;
    options.height = desc.height;
    options.format = static_cast<PixelFormat>(desc.format.load());
    options.gop = desc.key_interval;
    if (const uint32_t rate = desc.src_rate) options.frame_rate = rate;
    options.rate_control = static_cast<int>(desc.rc_mode.load());
    options.bitrate_kbps = desc.max_bitrate;
    return options;
}

}  // namespace

VencChannelDescTable &venc_channel_descs() noexcept {
    return only_table<VencChannelDescTable>();
}
VencFrameConfigTable &venc_frame_configs() noexcept {
    return only_table<VencFrameConfigTable>();
}
VencFrameTable &venc_frames() noexcept {
    return only_table<VencFrameTable>();
}

// ---- life of a channel ----

std::shared_ptr<VencChannel> VencChannel::make(VencChannelDesc &desc, int device) {
    std::shared_ptr<VencChannel> channel(new VencChannel);
    channel->device_ = device;
    channel->options_ = options_of(desc);
    channel->stream_format_ = static_cast<int32_t>(desc.en_type.load());
    channel->buffer_ = desc.buffer;
    channel->buffer_size_ = channel->buffer_ != nullptr ? desc.buffer_size.load() : 0;
    channel->thread_ = desc.thread_id;
    channel->callback_ = desc.callback;
    return channel;
}

int VencChannel::create(VencChannelDesc &desc) {
    if (video_engine() == nullptr) return ACL_ERROR_FEATURE_UNSUPPORTED;
    ContextRef context;
    if (int code = current_context(context)) return code;
    auto channel = make(desc, context->device().id());
    auto &all = ChannelRegistry<VencChannel>::all();
    std::lock_guard<std::mutex> lock(desc.mutex);
    if (desc.channel != nullptr) {
        return fail(ACL_ERROR_INVALID_PARAM,
                    "the description has a channel already; aclvencDestroyChannel it first");
    }
    const auto tell = [&](int64_t id) { channel->id_ = static_cast<uint32_t>(id); };
    if (!all.add_at_free_id(channel->device_, kMostChannels, channel, tell)) {
        return fail(ACL_ERROR_STORAGE_OVER_LIMIT,
                    "device %d has %u encoder channels, which is the most; destroy one",
                    channel->device_, kMostChannels);
    }
    if (const int code = channel->open_stream(context, channel->thread_)) {
        all.remove(channel->device_, channel->id_, *channel);
        return code;
    }
    count(counters().live_media_channels);
    desc.channel_id = channel->id_;
    desc.channel = std::move(channel);
    return 0;
}

int VencChannel::destroy() {
    if (in_callback() && is_report_thread(*stream_)) {
        return fail(ACL_ERROR_FAILURE,
                    "the channel cannot be destroyed inside a callback on the thread whose "
                    "callbacks it waits for; do it on another thread");
    }
    uint64_t number = 0;
    if (push_end(number) == 0) wait_until_over(number, true);
    if (!ChannelRegistry<VencChannel>::all().remove(device_, id_, *this)) {
        return fail(ACL_ERROR_INVALID_PARAM, "another thread destroys the channel");
    }
    close_stream();
    drop(false);
    std::lock_guard<std::mutex> lock(encoder_mutex_);
    encoder_.reset();
    uncount(counters().live_media_channels);
    return 0;
}

/// The device goes, with what the program left on it.
void VencChannel::close() {
    drop(true);
    uncount(counters().live_media_channels);
}

/// Forgets the frames in flight. No task of the channel runs any more. When the device goes, so
/// does all its memory, also that of a frame whose callback runs.
void VencChannel::drop(bool device_goes) {
    std::deque<VencFrameRef> left;  // ends outside the lock
    std::vector<void *> memory;
    size_t lost = 0;
    {
        Lock lock(mutex_);
        closed_ = true;
        left.swap(open_);
        for (const VencFrameRef &frame : left) {
            if (frame->state == VencFrame::State::calling) {
                if (device_goes) frame->memory = nullptr;  // else its end frees it
                continue;
            }
            if (frame->memory != nullptr) memory.push_back(std::exchange(frame->memory, nullptr));
            lost += !frame->silent && frame->state != VencFrame::State::over;
        }
        changed_.notify_all();
    }
    for (void *address : memory) release(MemoryKind::dvpp, address);
    for (const VencFrameRef &frame : left) {
        if (frame->state == VencFrame::State::calling) continue;
        if (frame->stream) stream_descs().remove(frame->stream.handle());
        venc_frames().remove(frame.handle());
    }
    stalled_.reset();
    if (lost > 0) {
        log(LogLevel::warning, "encoder channel %u ends without %zu callbacks", id_, lost);
    }
}

// ---- sending ----

int VencChannel::ensure_encoder() {
    std::lock_guard<std::mutex> lock(encoder_mutex_);
    if (encoder_ != nullptr) return 0;
    const VideoEngine *engine = video_engine();
    if (engine == nullptr) return ACL_ERROR_FEATURE_UNSUPPORTED;
    std::string why;
    encoder_ = engine->create_encoder(options_, config().threads, why);
    if (encoder_ != nullptr) return 0;
    return fail(ACL_ERROR_FEATURE_UNSUPPORTED, "no encoder: %s", why.c_str());
}

int VencChannel::send(VencFrameRef frame) {
    if (int code = ensure_encoder()) return code;
    wait_for_room();
    uint64_t number = 0;
    return push(std::move(frame), number);
}

int VencChannel::finish() {
    uint64_t number = 0;
    if (int code = push_end(number)) return code;
    wait_until_over(number, false);
    return 0;
}

int VencChannel::push_end(uint64_t &number) {
    VencFrameRef end = venc_frames().create();
    end->silent = true;
    const void *made = end.handle();
    const int code = push(std::move(end), number);
    if (code != 0) venc_frames().remove(made);
    return code;
}

void VencChannel::let_go(const void *address) {
    const int device = device_of(address);
    if (device < 0) return;
    const auto channels = ChannelRegistry<VencChannel>::all().on(device);
    Allocation memory;
    if (channels.empty() || !find_allocation(address, memory)) return;
    for (const auto &channel : channels) channel->wait_until_read(memory);
}

void VencChannel::wait_until_read(const Allocation &memory) {
    // Where callbacks run, packets that wait for room would wait for this thread.
    if (is_report_thread(*stream_)) return;
    const auto is_read = [&] {
        for (const VencFrameRef &frame : open_) {
            const auto address = reinterpret_cast<uintptr_t>(frame->data);
            const bool waits = frame->state == VencFrame::State::queued ||
                               frame->state == VencFrame::State::encoding;
            if (waits && address >= memory.address && address < memory.address + memory.size)
                return false;
        }
        return true;
    };
    wait_bounded(is_read);
}

// ---- encoding; on the stream ----

void VencChannel::work() {
    const bool was_stalled = static_cast<bool>(stalled_);
    if (was_stalled) {
        if (!place(stalled_)) return;
        stalled_.reset();
    }
    for (int i = 0; i < kFramesPerTask && !stalled_; ++i) {
        const VencFrameRef frame = next_queued();
        if (!frame) return;
        if (!frame->silent) {
            encode(frame);
            continue;
        }
        broken_ = true;  // what comes after the end begins a sequence
        end_frame(*frame);
    }
    // The tasks of these frames found the channel stalled.
    if (was_stalled && !stalled_) schedule();
}

VencFrameRef VencChannel::next_queued() {
    Lock lock(mutex_);
    return take_queued_locked(VencFrame::State::encoding);
}

void VencChannel::encode(const VencFrameRef &frame) {
    Allocation memory;
    const auto address = reinterpret_cast<uintptr_t>(frame->data);
    const bool lives = find_allocation(frame->data, memory) &&
                       memory.address + memory.size - address >= frame->source.size;
    if (!lives) return fail_frame(frame, "the picture's memory was freed");
    frame->source.data = static_cast<uint8_t *>(device_view(frame->data));
    const std::string why =
        encoder_->send(frame->source, frame->number, frame->force_key || broken_);
    if (!why.empty()) return fail_frame(frame, why.c_str());
    if (!encoder_->receive(packet_) || packet_.tag != frame->number) {
        return fail_frame(frame, "the encoder gave no packet of this frame");
    }
    broken_ = false;
    if (!place(frame)) stalled_ = frame;
}

/// Puts the packet where the program will find it; false when that has no room yet.
bool VencChannel::place(const VencFrameRef &frame) {
    const size_t size = packet_.size;
    void *address = nullptr;
    if (buffer_ != nullptr) {
        if (size > buffer_size_) {
            fail_frame(frame, "the packet is larger than the channel's buffer");
            return true;
        }
        if (!place_in_buffer(*frame, size, address)) return false;
        Allocation memory;
        if (!find_allocation(buffer_, memory)) {
            fail_frame(frame, "the channel's buffer was freed");
            return true;
        }
    } else if (allocate(MemoryKind::dvpp, device_, size, padded_size(size), &address) != 0) {
        take_message();
        fail_frame(frame, "no device memory for the packet");
        return true;
    } else {
        Lock lock(mutex_);
        frame->memory = address;
    }
    std::memcpy(device_view(address), packet_.data, size);
    count(counters().frames_encoded);
    report(frame, address, size);
    return true;
}

/// A ring: packets lie in the order of their frames.
bool VencChannel::place_in_buffer(VencFrame &frame, size_t size, void *&address) {
    Lock lock(mutex_);
    const VencFrame *oldest = nullptr, *newest = nullptr;
    for (const VencFrameRef &open : open_) {
        if (open->size == 0) continue;
        if (oldest == nullptr) oldest = open.get();
        newest = open.get();
    }
    size_t offset = 0;
    bool fits = true;
    if (oldest != nullptr) {
        const size_t start = oldest->offset, end = newest->offset + newest->size;
        const bool wrapped = newest->offset < start;
        const bool behind = !wrapped && buffer_size_ - end >= size;
        offset = wrapped || behind ? end : 0;
        fits = behind || start - offset >= size;
    }
    short_of_room_ = !fits;
    if (!fits) return false;
    frame.offset = offset;
    frame.size = size;
    address = static_cast<uint8_t *>(buffer_) + offset;
    return true;
}

void VencChannel::fail_frame(const VencFrameRef &frame, const char *why) {
    log(LogLevel::error, "encoder channel %u, frame %llu: %s", id_,
        static_cast<unsigned long long>(frame->number), why);
    broken_ = true;
    report(frame, nullptr, 0);
}

// ---- calling back ----

/// Without data: the frame failed.
void VencChannel::report(const VencFrameRef &frame, void *data, size_t size) {
    StreamDescRef stream = stream_descs().create();
    stream->data = data;
    stream->size = static_cast<uint32_t>(size);
    stream->format = stream_format_;
    stream->ret_code = data != nullptr ? 0 : kVencFailed;
    frame->picture->ret_code = data != nullptr ? 0 : kVencFailed;
    {
        Lock lock(mutex_);
        frame->stream = std::move(stream);
        frame->state = VencFrame::State::due;
        ++progress_;
    }
    if (post_report(&VencChannel::call_back, frame.handle(), *stream_) != 0) {
        take_message();
        if (venc_frames().remove(frame.handle())) end_frame(*frame);
    }
}

/// On the program's thread, inside aclrtProcessReport.
void VencChannel::call_back(void *handle) {
    VencFrameRef frame = venc_frames().remove(handle);
    if (!frame) return;  // its channel is gone
    const std::shared_ptr<VencChannel> channel = frame->channel;
    {
        Lock lock(channel->mutex_);
        if (channel->closed_) return;
        frame->state = VencFrame::State::calling;
    }
    void *picture = frame->picture.handle();
    frame->picture.reset();  // the program may destroy its description in the callback
    channel->callback_(picture, frame->stream.handle(), frame->user);
    channel->end_frame(*frame);
}

void VencChannel::end_frame(VencFrame &frame) {
    void *memory = nullptr;
    {
        Lock lock(mutex_);
        memory = std::exchange(frame.memory, nullptr);
    }
    // Before anyone hears of the end: who waits for it may count what is left.
    if (memory != nullptr) release(MemoryKind::dvpp, memory);
    if (frame.stream) stream_descs().remove(frame.stream.handle());
    frame.stream.reset();
    frame.picture.reset();
    Lock lock(mutex_);
    frame.size = 0;
    const bool has_room = std::exchange(short_of_room_, false);
    const std::deque<VencFrameRef> over = finish_locked(frame);  // ends outside the lock
    lock.unlock();
    for (const VencFrameRef &gone : over) venc_frames().remove(gone.handle());
    if (has_room) schedule();
}

}  // namespace softnpu
