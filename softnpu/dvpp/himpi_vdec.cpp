#include "softnpu/dvpp/himpi_vdec.hpp"

#include <cerrno>
#include <cstring>

#include "softnpu/core/config.hpp"
#include "softnpu/core/counters.hpp"
#include "softnpu/core/device.hpp"
#include "softnpu/core/status.hpp"
#include "softnpu/dvpp/registry.hpp"

namespace softnpu {
namespace {

using Channels = ChannelRegistry<HimpiDecoder>;

int fail_closed() {
    return fail(vdec_error(HI_ERR_VDEC_UNEXIST), "the channel is destroyed");
}

}  // namespace

// ---- life of a channel ----

int HimpiDecoder::create(int32_t id, const hi_vdec_chn_attr &attr) {
    ContextRef context;
    if (!himpi_ready() || current_context(context) != 0) {
        return fail(vdec_error(HI_ERR_VDEC_SYS_NOT_READY), "set a device and call hi_mpi_sys_init");
    }
    auto channel = std::make_shared<HimpiDecoder>();
    channel->type_ = attr.type;
    channel->attr_ = attr;
    channel->param_.type = attr.type;
    channel->protocol_.type = attr.type;
    if (int code = channel->make_decoder()) return code;
    if (create_stream(context->device(), context.handle(), {}, channel->stream_) != 0) {
        return vdec_error(HI_ERR_VDEC_NO_MEM);
    }
    if (channel->line_.open(context) != 0) {
        end_own_stream(channel->stream_);
        return vdec_error(HI_ERR_VDEC_NO_MEM);
    }
    count(counters().live_media_channels);
    if (Channels::all().add(context->device().id(), id, channel)) return HI_SUCCESS;
    channel->close();
    return fail(vdec_error(HI_ERR_VDEC_EXIST), "channel %d exists already", id);
}

int HimpiDecoder::make_decoder() {
    if (is_jpeg()) {
        return image_engine() != nullptr ? 0 : vdec_error(HI_ERR_VDEC_NOT_SUPPORT);
    }
    const VideoEngine *engine = video_engine();
    if (engine == nullptr) return vdec_error(HI_ERR_VDEC_NOT_SUPPORT);
    const Codec codec = type_ == HI_PT_H265 ? Codec::h265 : Codec::h264;
    std::string why;
    decoder_ = engine->create_decoder(codec, config().threads, why);
    if (decoder_ != nullptr) return 0;
    return fail(vdec_error(HI_ERR_VDEC_NOT_SUPPORT), "%s", why.c_str());
}

int HimpiDecoder::find(int32_t id, HimpiDecoderRef &channel, bool take) {
    if (require_context() != 0) return vdec_error(HI_ERR_VDEC_SYS_NOT_READY);
    Channels &all = Channels::all();
    channel = take ? all.take(current_device(), id) : all.find(current_device(), id);
    if (channel != nullptr) return HI_SUCCESS;
    return fail(vdec_error(HI_ERR_VDEC_UNEXIST), "channel %d does not exist; create it first", id);
}

void HimpiDecoder::close() {
    {
        const Lock lock(mutex_);
        closed_ = true;
        open_.clear();
        changed_.notify_all();
    }
    end_own_stream(stream_);
    line_.close();
    uncount(counters().live_media_channels);
    const Lock lock(mutex_);
    signal_.close();
}

int HimpiDecoder::set_started(bool started) {
    const Lock lock(mutex_);
    started_ = started;
    changed_.notify_all();
    return HI_SUCCESS;
}

int HimpiDecoder::check_stopped_locked(const char *what) const {
    if (!started_) return 0;
    return fail(vdec_error(HI_ERR_VDEC_NOT_PERM), "%s: call hi_mpi_vdec_stop_recv_stream first",
                what);
}

int HimpiDecoder::reset() {
    Lock lock(mutex_);
    if (int code = check_stopped_locked("a channel that receives is not reset")) return code;
    open_.clear();
    ready_.clear();
    out_.clear();
    signal_.clear();
    reset_ = true;
    received_ = decoded_count_ = 0;
    errors_ = {};
    // What is being decoded still writes into memory that the program may free after this.
    changed_.wait(lock, [&] { return closed_ || decoded_ + 1 == next_; });
    if (closed_) return fail_closed();
    lock.unlock();
    line_.wait(shared_from_this());
    return HI_SUCCESS;
}

// ---- packets in ----

int HimpiDecoder::send(const VdecPacket &packet, int32_t milliseconds) {
    uint64_t number = 0;
    {
        Lock lock(mutex_);
        const auto full = [&] { return next_ - decoded_ > kDepth; };
        if (!closed_ && started_ && full()) {
            const HimpiWait wait(milliseconds);
            wait(lock, changed_, [&] { return closed_ || !started_ || !full(); });
        }
        if (closed_) return fail_closed();
        if (!started_) {
            return fail(vdec_error(HI_ERR_VDEC_NOT_PERM),
                        "call hi_mpi_vdec_start_recv_stream first");
        }
        if (full()) {
            return fail(vdec_error(HI_ERR_VDEC_BUF_FULL), "%zu packets wait already", kDepth);
        }
        number = next_++;
        ++received_;
        open_[number] = packet;
    }
    const int code =
        stream_->submit("hi_mpi_vdec_send_stream", [self = shared_from_this(), number] {
            self->work(number);
            return 0;
        });
    if (code == 0) return HI_SUCCESS;
    // The context is gone, and with it all packets: nothing waits for them.
    const Lock lock(mutex_);
    open_.erase(number);
    decoded_ = number;
    changed_.notify_all();
    return vdec_error(HI_ERR_VDEC_SYS_NOT_READY);
}

// ---- pictures out ----

int HimpiDecoder::fetch(VdecPacket &packet, int32_t milliseconds) {
    Lock lock(mutex_);
    const HimpiWait wait(milliseconds);
    wait(lock, changed_, [&] { return closed_ || !ready_.empty(); });
    if (closed_) return fail_closed();
    if (ready_.empty()) return fail(vdec_error(HI_ERR_VDEC_BUF_EMPTY), "no frame is ready");
    packet = ready_.front();
    ready_.pop_front();
    signal_.take();
    out_.insert(reinterpret_cast<const void *>(packet.info.vir_addr));
    return HI_SUCCESS;
}

int HimpiDecoder::release_picture(const void *address) {
    const Lock lock(mutex_);
    const auto found = out_.find(address);
    if (found == out_.end()) {
        return fail(vdec_error(HI_ERR_VDEC_ILLEGAL_PARAM),
                    "the frame was not fetched from this channel, or is released already");
    }
    out_.erase(found);
    return HI_SUCCESS;
}

/// The packet is done: `picture` tells what size and format it has.
void HimpiDecoder::report(uint64_t number, hi_u32 flag, const Picture *picture) {
    const Lock lock(mutex_);
    const auto found = open_.find(number);
    if (found == open_.end()) return;
    VdecPacket &packet = found->second;
    packet.flag = flag;
    if (flag == VdecPacket::failed) ++errors_.format_err;
    if (picture != nullptr) {
        packet.info.width = width_ = picture->width;
        packet.info.height = height_ = picture->height;
        packet.info.width_stride = picture->stride_w;
        packet.info.height_stride = picture->stride_h;
        packet.info.pixel_format = static_cast<hi_pixel_format>(picture->format);
        pts_ = packet.stream.pts;
    }
    ready_.push_back(packet);
    open_.erase(found);
    signal_.add();
    changed_.notify_all();
}

bool HimpiDecoder::look_up(uint64_t number, VdecPacket &packet) {
    const Lock lock(mutex_);
    const auto found = open_.find(number);
    if (found != open_.end()) packet = found->second;
    return found != open_.end();
}

// ---- values ----

void HimpiDecoder::fill_status(hi_vdec_chn_status &status) {
    std::memset(&status, 0, sizeof status);
    const Lock lock(mutex_);
    status.type = type_;
    for (auto packet = open_.upper_bound(decoded_); packet != open_.end(); ++packet) {
        status.left_stream_bytes += packet->second.stream.len;
        if (packet->first > working_) ++status.left_stream_frames;  // without the current one
    }
    status.left_decoded_frames = static_cast<hi_u32>(ready_.size());
    status.is_started = started_ ? HI_TRUE : HI_FALSE;
    status.recv_stream_frames = static_cast<hi_u32>(received_);
    status.dec_stream_frames = static_cast<hi_u32>(decoded_count_);
    status.dec_err = errors_;
    status.width = width_;
    status.height = height_;
    status.latest_frame_pts = pts_;
}

int HimpiDecoder::descriptor() {
    const Lock lock(mutex_);
    if (closed_) return fail_closed();
    const int made = signal_.open(ready_.size());
    if (made >= 0) return made;
    return fail(vdec_error(HI_ERR_VDEC_SYS_ERROR), "eventfd: %s", std::strerror(errno));
}

int HimpiDecoder::close_descriptor() {
    const Lock lock(mutex_);
    if (signal_.close()) return HI_SUCCESS;
    return fail(vdec_error(HI_ERR_VDEC_NOT_PERM),
                "the channel has no descriptor; call hi_mpi_vdec_get_fd first");
}

hi_vdec_chn_attr HimpiDecoder::attr() {
    const Lock lock(mutex_);
    return attr_;
}
int HimpiDecoder::set_attr(const hi_vdec_chn_attr &attr) {
    const Lock lock(mutex_);
    if (int code = check_stopped_locked("attributes of a channel that receives do not change"))
        return code;
    if (attr.type != type_) {
        return fail(vdec_error(HI_ERR_VDEC_NOT_PERM), "the payload type is fixed: want %d",
                    static_cast<int>(type_));
    }
    attr_ = attr;
    return HI_SUCCESS;
}
hi_vdec_chn_param HimpiDecoder::param() {
    const Lock lock(mutex_);
    return param_;
}
int HimpiDecoder::set_param(const hi_vdec_chn_param &param) {
    const Lock lock(mutex_);
    param_ = param;
    return HI_SUCCESS;
}
hi_video_display_mode HimpiDecoder::display_mode() {
    const Lock lock(mutex_);
    return display_;
}
void HimpiDecoder::set_display_mode(hi_video_display_mode mode) {
    const Lock lock(mutex_);
    display_ = mode;
}
hi_jpegd_precision_mode HimpiDecoder::precision_mode() {
    const Lock lock(mutex_);
    return precision_;
}
int HimpiDecoder::set_precision_mode(hi_jpegd_precision_mode mode) {
    const Lock lock(mutex_);
    if (int code = check_stopped_locked("sizes of a channel that receives are fixed")) return code;
    precision_ = mode;
    return HI_SUCCESS;
}
hi_vdec_protocol_param HimpiDecoder::protocol_param() {
    const Lock lock(mutex_);
    return protocol_;
}
int HimpiDecoder::set_protocol_param(const hi_vdec_protocol_param &param) {
    const Lock lock(mutex_);
    if (int code = check_stopped_locked("protocol parameters of a channel that receives are fixed"))
        return code;
    protocol_ = param;
    return HI_SUCCESS;
}

}  // namespace softnpu
