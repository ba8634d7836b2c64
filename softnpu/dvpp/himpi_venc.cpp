#include "softnpu/dvpp/himpi_venc.hpp"

#include <cerrno>
#include <cstring>

#include "softnpu/core/config.hpp"
#include "softnpu/core/counters.hpp"
#include "softnpu/core/device.hpp"
#include "softnpu/core/log.hpp"
#include "softnpu/core/status.hpp"
#include "softnpu/dvpp/check.hpp"
#include "softnpu/dvpp/himpi_jpege.hpp"
#include "softnpu/dvpp/himpi_venc_extra.hpp"
#include "softnpu/dvpp/registry.hpp"
#include "softnpu/memory/memory.hpp"

namespace softnpu {
namespace {

using Channels = ChannelRegistry<HimpiEncoder>;

int fail_closed() {
    return fail(venc_error(HI_ERR_VENC_UNEXIST), "the channel is destroyed");
}

}  // namespace

std::vector<NalUnit> find_units(Codec codec, const uint8_t *data, size_t size) {
    std::vector<NalUnit> units;
    for (size_t i = 0; i + 3 < size; ++i) {
        if (data[i] != 0 || data[i + 1] != 0 || data[i + 2] != 1) continue;
        const size_t start = i > 0 && data[i - 1] == 0 ? i - 1 : i;
        if (!units.empty()) {
            units.back().length = static_cast<uint32_t>(start) - units.back().offset;
        }
        const int byte = data[i + 3];
        const int type = codec == Codec::h264 ? byte & 0x1F : byte >> 1 & 0x3F;
        units.push_back({type, static_cast<uint32_t>(start), static_cast<uint32_t>(size - start)});
        i += 3;
    }
    return units;
}

// ---- life of a channel ----

int HimpiEncoder::create(int32_t id, const VencPlan &plan, const hi_venc_chn_attr &attr) {
    ContextRef context;
    if (!himpi_ready() || current_context(context) != 0) {
        return fail(venc_error(HI_ERR_VENC_SYS_NOT_READY), "set a device and call hi_mpi_sys_init");
    }
    auto channel = std::make_shared<HimpiEncoder>();
    channel->device_ = context->device().id();
    channel->attr_ = attr;
    channel->plan_ = plan;
    channel->is_jpeg_ = plan.is_jpeg;
    channel->buffer_size_ = attr.venc_attr.buf_size;
    channel->encoder_options_ = plan.options;
    channel->jpeg_ = default_jpeg_param();
    channel->settings_ = default_settings(plan);
    channel->rate_ = default_rate_param(attr.rc_attr.rc_mode);
    channel->slices_.split_mode = kSlicesOfRows;
    channel->slices_.split_size = 1;
    channel->h264_vui_ = default_h264_vui();
    channel->h265_vui_ = default_h265_vui();
    channel->usability_ = plan.options.codec == Codec::h265 ? usability_of(channel->h265_vui_)
                                                            : usability_of(channel->h264_vui_);
    if (int code = channel->make_encoder()) return code;
    if (create_stream(context->device(), context.handle(), {}, channel->stream_) != 0) {
        return venc_error(HI_ERR_VENC_NO_MEM);
    }
    count(counters().live_media_channels);
    const bool added = Channels::all().add(channel->device_, id, channel);
    if (added) return HI_SUCCESS;
    channel->close();
    return fail(venc_error(HI_ERR_VENC_EXIST), "channel %d exists already", id);
}

int HimpiEncoder::make_encoder() {
    if (is_jpeg_) return image_engine() != nullptr ? 0 : venc_error(HI_ERR_VENC_NOT_SUPPORT);
    const VideoEngine *engine = video_engine();
    if (engine == nullptr) return venc_error(HI_ERR_VENC_NOT_SUPPORT);
    std::string why;
    encoder_ = engine->create_encoder(encoder_options_, config().threads, why);
    if (encoder_ != nullptr) return 0;
    return fail(venc_error(HI_ERR_VENC_NOT_SUPPORT), "no encoder: %s", why.c_str());
}

int HimpiEncoder::find(int32_t id, HimpiEncoderRef &channel, bool take) {
    if (current_context_handle() == nullptr) {
        return fail(venc_error(HI_ERR_VENC_SYS_NOT_READY),
                    "this thread has no context; call aclrtSetDevice first");
    }
    Channels &all = Channels::all();
    channel = take ? all.take(current_device(), id) : all.find(current_device(), id);
    if (channel == nullptr) {
        return fail(venc_error(HI_ERR_VENC_UNEXIST), "channel %d does not exist; create it first",
                    id);
    }
    return HI_SUCCESS;
}

bool HimpiEncoder::any() {
    return !Channels::all().on(current_device()).empty();
}

void HimpiEncoder::close() {
    {
        Lock lock(mutex_);
        closed_ = true;
        waiting_.clear();
        changed_.notify_all();
    }
    end_own_stream(stream_);
    encoder_.reset();
    std::vector<void *> memory;
    {
        Lock lock(mutex_);
        const auto keep = [&](const VencOutput &output) {
            if (output.owned) memory.push_back(output.address);
        };
        for (const VencOutput &output : ready_) keep(output);
        for (const auto &[address, output] : out_) keep(output);
        ready_.clear();
        out_.clear();
        signal_.close();
    }
    for (void *address : memory) release(MemoryKind::himpi, address);
    uncount(counters().live_media_channels);
}

int HimpiEncoder::start(int32_t pictures) {
    Lock lock(mutex_);
    started_ = true;
    left_to_receive_ = pictures;
    return HI_SUCCESS;
}

int HimpiEncoder::stop() {
    Lock lock(mutex_);
    started_ = false;
    changed_.notify_all();
    return HI_SUCCESS;
}

// ---- frames in ----

int HimpiEncoder::send(VencInput input, int32_t milliseconds) {
    {
        Lock lock(mutex_);
        const auto may_not = [&] { return !started_ || left_to_receive_ == 0; };
        if (!closed_ && !may_not()) {
            const HimpiWait wait(milliseconds);
            wait(lock, changed_, [&] { return closed_ || may_not() || open_locked() < kDepth; });
        }
        if (closed_) return fail_closed();
        if (may_not()) {
            return fail(venc_error(HI_ERR_VENC_NOT_PERM),
                        "the channel takes no frames: call hi_mpi_venc_start_chn, or it was "
                        "started for fewer");
        }
        if (open_locked() >= kDepth) {
            return fail(venc_error(HI_ERR_VENC_BUF_FULL),
                        "%zu frames wait to be encoded or fetched; call hi_mpi_venc_get_stream",
                        kDepth);
        }
        if (left_to_receive_ > 0) --left_to_receive_;
        if (is_left_out_locked()) return HI_SUCCESS;
        waiting_.push_back(std::move(input));
        waiting_.back().force_key |= std::exchange(key_next_, false);
        waiting_.back().jpeg = jpeg_;
        waiting_.back().settings = settings_;
        waiting_.back().grey = param_.color_to_grey_en != 0;
    }
    const int code = stream_->submit("hi_mpi_venc_send_frame", [channel = shared_from_this()] {
        channel->work();
        return 0;
    });
    return code == 0 ? HI_SUCCESS : venc_error(HI_ERR_VENC_SYS_NOT_READY);
}

/// Fewer frames may come out than go in; the first of each group does.
bool HimpiEncoder::is_left_out_locked() {
    const uint64_t kept = plan_.options.frame_rate, of = plan_.source_rate;
    return of > kept && received_++ * kept % of >= kept;
}

void HimpiEncoder::request_key(bool now) {
    Lock lock(mutex_);
    (now ? key_now_ : key_next_) = true;
}

void HimpiEncoder::change(const VencPlan &plan, const hi_venc_chn_attr &attr) {
    Lock lock(mutex_);
    const bool same_mode = attr.rc_attr.rc_mode == attr_.rc_attr.rc_mode;
    const EncoderOptions old = plan_.options;
    plan_ = plan;
    plan_.options.has_regions = old.has_regions;
    plan_.options.slice_rows = old.slice_rows;
    plan_.options.refresh = old.refresh;
    if (same_mode) {
        plan_.options.least_qp = old.least_qp;
        plan_.options.most_qp = old.most_qp;
    } else {
        rate_ = default_rate_param(attr.rc_attr.rc_mode);
    }
    received_ = 0;
    ++changes_;
    attr_ = attr;
    options_changed_ = true;
}

// ---- encoding; on the stream ----

bool HimpiEncoder::next(VencInput &input, VencWishes &wishes) {
    Lock lock(mutex_);
    if (closed_ || waiting_.empty()) return false;
    input = std::move(waiting_.front());
    waiting_.pop_front();
    input.force_key |= std::exchange(key_now_, false);
    wishes.changed = std::exchange(options_changed_, false);
    wishes.tells = std::exchange(usability_changed_, false);
    wishes.options = plan_.options;
    wishes.usability = usability_;
    wishes.changes = changes_;
    for (const hi_venc_roi_attr &region : regions_) {
        if (region.enable != 0) wishes.regions.push_back(region);
    }
    ++encoding_;
    return true;
}

void HimpiEncoder::work() {
    VencInput input;
    VencWishes wishes;
    if (!next(input, wishes)) return;
    VencOutput output;
    output.pts = input.pts;
    output.changes = wishes.changes;
    std::string why = check_picture_memory("the frame", input.picture);
    if (why.empty()) {
        if (input.grey) input.picture = without_colours(input.picture);
        why = is_jpeg_ ? encode_jpeg(input, output) : encode_video(input, wishes, output);
    }
    broken_ = !why.empty();
    if (broken_) log(LogLevel::error, "an encoder channel loses a frame: %s", why.c_str());
    deliver(std::move(output));
}

/// The reason why there is no packet, else "". The picture's address is the engines' now.
std::string HimpiEncoder::encode_video(const VencInput &input, VencWishes &wishes,
                                       VencOutput &output) {
    std::string why;
    wishes.options.format = input.picture.format;  // each frame says its own
    if (QuantiserMap::says_all(input.map, wishes.options)) {
        // Nothing is left to rate control, whose quantiser nobody knows beforehand.
        wishes.options.rate_control = 3;
        wishes.options.qp_i = wishes.options.qp_p = kMiddle;
    }
    if (wishes.changed || wishes.options.format != encoder_options_.format ||
        wishes.options.rate_control != encoder_options_.rate_control) {
        encoder_ = nullptr;
        encoder_options_ = wishes.options;
    }
    const bool is_new = encoder_ == nullptr;
    if (is_new) {
        encoder_ = video_engine()->create_encoder(encoder_options_, config().threads, why);
    }
    if (encoder_ == nullptr) return why;
    if (is_new || tag_ == 0 || wishes.tells) encoder_->set_usability(wishes.usability);
    encoder_->set_regions(regions_of(input, wishes));
    return encode(input, output);
}

std::string HimpiEncoder::encode(const VencInput &input, VencOutput &output) {
    const uint64_t tag = tag_++;
    const bool key = input.force_key || broken_;
    if (std::string why = encoder_->send(input.picture, tag, key); !why.empty()) return why;
    EncodedPacket packet;
    if (!encoder_->receive(packet) || packet.tag != tag) return "the encoder gave no packet of it";
    if (std::string why = store(packet.data, packet.size, output); !why.empty()) return why;
    output.key = packet.key;
    output.quantiser = packet.quantiser;
    if (packet.quantiser >= 0) quantiser_ = packet.quantiser;
    output.units = find_units(encoder_options_.codec, packet.data, packet.size);
    count(counters().frames_encoded);
    return "";
}

/// A file that fails in the program's memory is delivered too, with no bytes: the program waits
/// for it to know when its memory is free.
std::string HimpiEncoder::encode_jpeg(const VencInput &input, VencOutput &output) {
    output.key = true;
    output.qfactor = input.jpeg.qfactor;
    std::string why;
    if (input.output != nullptr) {
        output.address = input.output;
        output.owned = false;
        if (check_device_memory("the file's memory", input.output, input.room) != 0) {
            return take_message();
        }
        size_t size = input.room;
        auto *room = static_cast<uint8_t *>(device_view(input.output));
        why = encode_jpeg_file(input.picture, input.jpeg, input.settings, room, size);
        if (why.empty()) output.size = size;
    } else {
        size_t size = jpeg_file_room(input.picture);
        file_.resize(size);
        why = encode_jpeg_file(input.picture, input.jpeg, input.settings, file_.data(), size);
        if (why.empty()) why = store(file_.data(), size, output);
    }
    if (why.empty()) count(counters().images_processed);
    return why;
}

/// A copy whose chroma says nothing.
Picture HimpiEncoder::without_colours(const Picture &picture) {
    constexpr uint8_t kNone = 128;
    const size_t size = picture_bytes(picture.format, picture.stride_w, picture.stride_h);
    grey_.assign(size, kNone);
    Picture copy = picture;
    copy.data = grey_.data();
    copy.size = size;
    const Plane plane = plane_of(picture, 0);
    const Components what = components_of(picture.format, 0);
    const size_t bytes = size_t{picture.width} * format_info(picture.format)->luma_bytes;
    for (uint32_t y = 0; y < plane.height; ++y) {
        const uint8_t *in = plane.data + plane.stride * y;
        uint8_t *out = copy.data + plane.stride * y;
        for (size_t x = 0; x < bytes; ++x) {
            if (what.of[x % what.period] == 0) out[x] = in[x];
        }
    }
    return copy;
}

/// Copies a packet to memory of its own.
std::string HimpiEncoder::store(const uint8_t *data, size_t size, VencOutput &output) const {
    if (allocate(MemoryKind::himpi, device_, size, padded_size(size), &output.address) != 0) {
        take_message();
        return "no device memory for the packet";
    }
    std::memcpy(device_view(output.address), data, size);
    output.size = size;
    return "";
}

void HimpiEncoder::deliver(VencOutput output) {
    Lock lock(mutex_);
    --encoding_;
    if (output.address != nullptr) {
        output.number = next_number_++;
        ready_.push_back(std::move(output));
        signal_.add();
    }
    changed_.notify_all();
}

// ---- packets out ----

int HimpiEncoder::fetch(VencOutput &output, uint32_t packs, int32_t milliseconds) {
    Lock lock(mutex_);
    const HimpiWait wait(milliseconds);
    wait(lock, changed_, [&] { return closed_ || !ready_.empty(); });
    if (closed_) return fail_closed();
    if (ready_.empty()) return fail(venc_error(HI_ERR_VENC_BUF_EMPTY), "no packet is ready");
    const uint32_t need = packs_of(ready_.front());
    if (packs < need) {
        return fail(venc_error(HI_ERR_VENC_ILLEGAL_PARAM),
                    "pack_cnt %u: the packet has %u packs; hi_mpi_venc_query_status tells how many",
                    packs, need);
    }
    output = std::move(ready_.front());
    ready_.pop_front();
    out_[output.address] = output;
    signal_.take();
    changed_.notify_all();
    return HI_SUCCESS;
}

int HimpiEncoder::release_output(const void *address) {
    void *memory = nullptr;
    {
        Lock lock(mutex_);
        const auto found = out_.find(address);
        if (found == out_.end()) {
            return fail(venc_error(HI_ERR_VENC_ILLEGAL_PARAM),
                        "the stream was not fetched from this channel, or is released already");
        }
        if (found->second.owned) memory = found->second.address;
        out_.erase(found);
    }
    if (memory != nullptr) release(MemoryKind::himpi, memory);
    return HI_SUCCESS;
}

void HimpiEncoder::fill_status(hi_venc_chn_status &status) {
    std::memset(&status, 0, sizeof status);
    Lock lock(mutex_);
    status.left_pics = static_cast<hi_u32>(waiting_.size() + encoding_);
    status.left_enc_pics = status.left_pics;
    status.left_stream_frames = static_cast<hi_u32>(ready_.size());
    for (const VencOutput &output : ready_) {
        status.left_stream_bytes += static_cast<hi_u32>(output.size);
    }
    status.left_recv_pics = left_to_receive_ > 0 ? static_cast<hi_u32>(left_to_receive_) : 0;
    if (ready_.empty()) return;
    const VencOutput &first = ready_.front();
    status.cur_packs = packs_of(first);
    status.stream_info.pic_bytes = static_cast<hi_u32>(first.size);
    status.stream_info.pic_cnt = 1;
    if (first.quantiser >= 0) {
        status.stream_info.start_qp = static_cast<hi_u32>(first.quantiser);
        status.stream_info.mean_qp = status.stream_info.start_qp;
    }
    status.stream_info.ref_type =
        first.key ? HI_VENC_BASE_IDR_SLICE : HI_VENC_BASE_P_SLICE_REF_BY_BASE;
}

// ---- waiting with poll and select ----

int HimpiEncoder::descriptor() {
    Lock lock(mutex_);
    if (closed_) return fail_closed();
    const int made = signal_.open(ready_.size());
    if (made >= 0) return made;
    return fail(venc_error(HI_ERR_VENC_SYS_ERROR), "eventfd: %s", std::strerror(errno));
}

int HimpiEncoder::close_descriptor() {
    Lock lock(mutex_);
    if (signal_.close()) return HI_SUCCESS;
    return fail(venc_error(HI_ERR_VENC_NOT_PERM),
                "the channel has no descriptor; call hi_mpi_venc_get_fd first");
}

}  // namespace softnpu
