#include "softnpu/dvpp/vdec.hpp"

#include "acl/acl_base.h"
#include "acl/ops/acl_dvpp.h"
#include "softnpu/core/config.hpp"
#include "softnpu/core/device.hpp"
#include "softnpu/core/log.hpp"
#include "softnpu/core/status.hpp"
#include "softnpu/dvpp/check.hpp"
#include "softnpu/dvpp/registry.hpp"
#include "softnpu/memory/memory.hpp"
#include "softnpu/stream/callback.hpp"

namespace softnpu {
namespace {

/// A frame that has not come out when one sent this much later does was lost: no decoder holds back
/// more for their display order.
constexpr uint64_t kDeepestReorder = 17;
constexpr uint32_t kLargestSize = 4096;
constexpr int kFramesPerTask = 2;  // more than tasks are queued for: what an abort dropped heals

}  // namespace

VdecChannelDescTable &vdec_channel_descs() noexcept {
    return only_table<VdecChannelDescTable>();
}
VdecFrameConfigTable &vdec_frame_configs() noexcept {
    return only_table<VdecFrameConfigTable>();
}
VdecFrameTable &vdec_frames() noexcept {
    return only_table<VdecFrameTable>();
}

// ---- life of a channel ----

std::shared_ptr<VdecChannel> VdecChannel::make(VdecChannelDesc &desc, int device) {
    std::shared_ptr<VdecChannel> channel(new VdecChannel);
    channel->device_ = device;
    channel->id_ = desc.channel_id;
    channel->codec_ = desc.en_type == H265_MAIN_LEVEL ? Codec::h265 : Codec::h264;
    channel->format_ = static_cast<PixelFormat>(desc.out_format.load());
    channel->thread_ = desc.thread_id;
    channel->callback_ = desc.callback;
    channel->matrix_ = static_cast<int>(desc.csc_matrix.load());
    return channel;
}

int VdecChannel::create(VdecChannelDesc &desc) {
    if (video_engine() == nullptr) return ACL_ERROR_FEATURE_UNSUPPORTED;
    ContextRef context;
    if (int code = current_context(context)) return code;
    auto channel = make(desc, context->device().id());
    auto &all = ChannelRegistry<VdecChannel>::all();
    std::lock_guard<std::mutex> lock(desc.mutex);
    if (desc.channel != nullptr) {
        return fail(ACL_ERROR_INVALID_PARAM,
                    "the description has a channel already; aclvdecDestroyChannel it first");
    }
    if (!all.add(channel->device_, channel->id_, channel)) {
        return fail(ACL_ERROR_INVALID_PARAM, "channel id %u is in use on device %d; take another",
                    channel->id_, channel->device_);
    }
    int code = channel->open_stream(context, channel->thread_);
    if (code == 0) {
        code = channel->line_.open(context);
        if (code != 0) channel->close_stream();
    }
    if (code != 0) {
        all.remove(channel->device_, channel->id_, *channel);
        return code;
    }
    count(counters().live_media_channels);
    desc.channel = std::move(channel);
    return 0;
}

int VdecChannel::destroy() {
    if (in_callback() && is_report_thread(*stream_)) {
        return fail(ACL_ERROR_FAILURE,
                    "the channel cannot be destroyed inside a callback on the thread whose "
                    "callbacks it waits for; do it on another thread");
    }
    VdecFrameRef end = vdec_frames().create();
    end->is_end = true;
    end->silent = true;
    const void *made = end.handle();
    uint64_t number = 0;
    if (push(std::move(end), number) == 0) {
        wait_until_over(number, true);
    } else {
        vdec_frames().remove(made);
    }
    if (!ChannelRegistry<VdecChannel>::all().remove(device_, id_, *this)) {
        return fail(ACL_ERROR_INVALID_PARAM, "another thread destroys the channel");
    }
    drop();
    close_stream();
    line_.close();
    {
        std::lock_guard<std::mutex> lock(decoder_mutex_);
        decoder_.reset();
    }
    uncount(counters().live_media_channels);
    return 0;
}

/// The device goes, with what the program left on it.
void VdecChannel::close() {
    drop();
    line_.close();
    uncount(counters().live_media_channels);
}

/// Forgets the frames in flight.
void VdecChannel::drop() {
    std::deque<VdecFrameRef> left;  // ends outside the lock
    size_t lost = 0;
    {
        Lock lock(mutex_);
        closed_ = true;
        left.swap(open_);
        for (const VdecFrameRef &frame : left) {
            lost += !frame->silent && frame->state != VdecFrame::State::over;
        }
        changed_.notify_all();
    }
    for (const VdecFrameRef &frame : left) vdec_frames().remove(frame.handle());
    if (lost > 0) {
        log(LogLevel::warning, "decoder channel %u ends without %zu callbacks", id_, lost);
    }
}

// ---- sending ----

int VdecChannel::keep_packet(VdecFrame &frame) {
    std::lock_guard<std::mutex> lock(decoder_mutex_);
    if (const int code = ensure_decoder_locked()) return code;
    if (frame.data == nullptr) return 0;
    const auto *data = static_cast<const uint8_t *>(device_view(frame.data));
    frame.packet = decoder_->keep(data, frame.size);
    return 0;
}

int VdecChannel::ensure_decoder_locked() {
    if (decoder_ != nullptr) return 0;
    const VideoEngine *engine = video_engine();
    if (engine == nullptr) return ACL_ERROR_FEATURE_UNSUPPORTED;
    std::string why;
    decoder_ = engine->create_decoder(codec_, config().threads, why);
    if (decoder_ != nullptr) return 0;
    return fail(ACL_ERROR_FEATURE_UNSUPPORTED, "no decoder: %s", why.c_str());
}

int VdecChannel::send(VdecFrameRef frame) {
    if (int code = keep_packet(*frame)) return code;
    const bool is_end = frame->is_end;
    wait_for_room();
    uint64_t number = 0;
    if (int code = push(std::move(frame), number)) return code;
    if (is_end) wait_until_over(number, false);
    return 0;
}

// ---- decoding; on the stream ----

void VdecChannel::work() {
    for (int i = 0; i < kFramesPerTask; ++i) {
        const VdecFrameRef frame = next_queued();
        if (!frame) break;
        decode(frame);
    }
    settle_if_starved();
    if (!has_queued()) line_.start(shared_from_this());
}

bool VdecChannel::has_queued() {
    const Lock lock(mutex_);
    return has_queued_locked();
}

VdecFrameRef VdecChannel::next_queued() {
    Lock lock(mutex_);
    VdecFrameRef frame = take_queued_locked(VdecFrame::State::decoding);
    if (frame) unsettled_ = true;
    return frame;
}

void VdecChannel::decode(const VdecFrameRef &frame) {
    if (!frame->silent) {
        if (!decoder_->send(std::move(frame->packet), frame->number).empty()) {
            give_up(find(frame->number), kVdecFailed);
        }
        collect();
    }
    if (!frame->is_end) return;
    if (decoder_ != nullptr) {  // a channel may end before its first frame
        decoder_->finish();
        collect();
    }
    fail_before(frame->number + 1);
    if (frame->silent) line_.add(shared_from_this(), [this, frame] { end_frame(*frame); });
}

void VdecChannel::collect() {
    DecodedFrame decoded;
    while (decoder_->receive(decoded)) deliver(decoded);
}

void VdecChannel::deliver(const DecodedFrame &decoded) {
    if (decoded.tag > kDeepestReorder) fail_before(decoded.tag - kDeepestReorder);
    if (decoded.interlaced) interlaced_ = decoded.tag;
    // As where the program waits for each callback, or their order would depend on that.
    if (keeps_order() || (decoded.begins && !has_fields())) fail_before(decoded.tag);
    const VdecFrameRef frame = find(decoded.tag);
    if (!frame) return;  // a second picture of one packet, or given up
    count(counters().frames_decoded);
    make_due(*frame);
    add_to_line([this, frame, decoded] { report(frame, write(*frame, decoded)); });
}

/// A frame that is in the decoder; empty for others.
VdecFrameRef VdecChannel::find(uint64_t number) {
    Lock lock(mutex_);
    if (number < first_ || number >= first_ + open_.size()) return {};
    const VdecFrameRef &frame = open_[number - first_];
    return frame->state == VdecFrame::State::decoding && !frame->silent ? frame : VdecFrameRef{};
}

/// Calls back for frames that do not come any more.
void VdecChannel::fail_before(uint64_t number) {
    uint64_t first = 0;
    {
        Lock lock(mutex_);
        first = first_;
    }
    for (; first < number; ++first) {
        const VdecFrameRef frame = find(first);
        // The second field of a picture is in the frame of the first.
        const bool field = has_fields() && first == interlaced_ + 1;
        give_up(frame, field ? kVdecSecondField : kVdecFailed);
    }
}

/// When the program waits for callbacks before it sends more, nothing else would push the frames
/// out of the decoder's threads.
void VdecChannel::settle_if_starved() {
    uint64_t next = 0;
    {
        Lock lock(mutex_);
        if (closed_ || !unsettled_ || due_ > 0 || has_queued_locked()) return;
        unsettled_ = false;
        next = next_;
    }
    if (decoder_ == nullptr) return;
    decoder_->settle();
    collect();
    if (keeps_order()) fail_before(next);
}

/// Frames come out in the order of their packets, each from one.
bool VdecChannel::keeps_order() const {
    return decoder_->reorder_depth() == 0 && !has_fields();
}

/// The frame, if there is one, is called back without a picture.
void VdecChannel::give_up(const VdecFrameRef &frame, uint32_t code) {
    if (!frame) return;
    make_due(*frame);
    add_to_line([this, frame, code] { report(frame, code); });
}

void VdecChannel::make_due(VdecFrame &frame) {
    Lock lock(mutex_);
    frame.state = VdecFrame::State::due;
    ++due_;
    ++progress_;
}

// ---- writing and calling back; on the line ----

uint32_t VdecChannel::write(VdecFrame &frame, const DecodedFrame &decoded) {
    std::string why = check_stream_size(decoded.width, decoded.height, kLargestSize);
    const uint32_t code = decoded.damaged || !why.empty() ? kVdecFailed : 0;
    if (!frame.picture) return code;
    Picture target = frame.target;
    if (target.width == 0) {
        target.width = decoded.width;
        target.height = decoded.height;
        target.stride_w = row_bytes(target.format, decoded.width, 16);
        target.stride_h = (decoded.height + 1) / 2 * 2;
    }
    if (why.empty()) why = writer_.write(*decoded.picture, target, matrix_);
    if (!why.empty()) {
        log(LogLevel::error, "decoder channel %u, frame %llu: %s", id_,
            static_cast<unsigned long long>(frame.number), why.c_str());
        return kVdecFailed;
    }
    PicDesc &picture = *frame.picture;
    picture.format = target.format;
    picture.width = target.width;
    picture.height = target.height;
    picture.stride_w = target.stride_w;
    picture.stride_h = target.stride_h;
    return code;
}

void VdecChannel::report(const VdecFrameRef &frame, uint32_t code) {
    if (frame->picture) frame->picture->ret_code = code;
    frame->stream->ret_code = code;
    if (post_report(&VdecChannel::call_back, frame.handle(), *stream_) != 0) {
        take_message();
        Lock lock(mutex_);
        --due_;
        lock.unlock();
        if (vdec_frames().remove(frame.handle())) end_frame(*frame);
    }
}

/// On the program's thread, inside aclrtProcessReport.
void VdecChannel::call_back(void *handle) {
    VdecFrameRef frame = vdec_frames().remove(handle);
    if (!frame) return;  // its channel is gone
    const std::shared_ptr<VdecChannel> channel = frame->channel;
    void *stream = frame->stream.handle();
    void *picture = frame->picture ? frame->picture.handle() : nullptr;
    void *user = frame->user;
    // The program may destroy its descriptions in the callback.
    frame->stream.reset();
    frame->picture.reset();
    channel->callback_(stream, picture, user);
    bool starved = false;
    {
        Lock lock(channel->mutex_);
        --channel->due_;
        starved = channel->due_ == 0 && channel->unsettled_ && !channel->closed_ &&
                  !channel->has_queued_locked();
    }
    channel->end_frame(*frame);
    if (starved) channel->schedule();
}

void VdecChannel::end_frame(VdecFrame &frame) {
    Lock lock(mutex_);
    const std::deque<VdecFrameRef> over = finish_locked(frame);  // ends outside the lock
    lock.unlock();
    for (const VdecFrameRef &gone : over) vdec_frames().remove(gone.handle());
}

}  // namespace softnpu
