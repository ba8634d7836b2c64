#include "softnpu/dvpp/himpi_pngd.hpp"

#include "softnpu/core/counters.hpp"
#include "softnpu/core/device.hpp"
#include "softnpu/core/status.hpp"
#include "softnpu/dvpp/check.hpp"
#include "softnpu/dvpp/registry.hpp"
#include "softnpu/memory/memory.hpp"

namespace softnpu {
namespace {

using Channels = ChannelRegistry<PngChannel>;

constexpr uint32_t kLeast = 32, kMost = 4096;
constexpr uint32_t kStep = 128, kRowStep = 16;
constexpr int kPalette = 3, kAlpha = 4;  // colour types of PNG

uint32_t align(uint32_t value, uint32_t step) {
    return (value + step - 1) / step * step;
}

int fail_closed() {
    return fail(pngd_error(HI_ERR_PNGD_UNEXIST), "the channel is destroyed");
}

/// Decodes into the program's picture and tells in `info` what it is.
std::string decode(const hi_img_stream &stream, hi_pic_info &info) {
    if (check_device_memory("the file", stream.addr, stream.len) != 0) return take_message();
    const auto *data = static_cast<const uint8_t *>(device_view(stream.addr));
    PngOutput output;
    if (std::string why = png_output(data, stream.len, info.picture_format, output); !why.empty()) {
        return why;
    }
    Picture picture;
    picture.data = static_cast<uint8_t *>(info.picture_address);
    picture.size = info.picture_buffer_size;
    picture.format = output.format;
    picture.stride_w = info.picture_width_stride != 0 ? info.picture_width_stride : output.stride_w;
    picture.stride_h =
        info.picture_height_stride != 0 ? info.picture_height_stride : output.stride_h;
    if (std::string why = check_picture_memory("the picture", picture); !why.empty()) return why;
    const ImageEngine *engine = image_engine();
    if (engine == nullptr) return take_message();
    if (std::string why = engine->png_decode(data, stream.len, picture); !why.empty()) return why;
    info.picture_format = static_cast<hi_pixel_format>(picture.format);
    info.picture_width = picture.width;
    info.picture_height = picture.height;
    info.picture_width_stride = picture.stride_w;
    info.picture_height_stride = picture.stride_h;
    return "";
}

}  // namespace

std::string png_output(const uint8_t *data, size_t size, PixelFormat wanted, PngOutput &output) {
    const ImageEngine *engine = image_engine();
    if (engine == nullptr) return take_message();
    ImageInfo info;
    if (std::string why = engine->png_info(data, size, info); !why.empty()) return why;
    if (info.color_type == kPalette) return "PNG files with a palette are not decoded";
    if (info.width < kLeast || info.height < kLeast || info.width > kMost || info.height > kMost) {
        return "the picture is " + std::to_string(info.width) + "x" + std::to_string(info.height) +
               ": want 32 to 4096 on each side";
    }
    const bool has_alpha = (info.color_type & kAlpha) != 0;
    const PixelFormat kept = has_alpha ? HI_PIXEL_FORMAT_RGBA_8888 : HI_PIXEL_FORMAT_RGB_888;
    output.format = wanted == HI_PIXEL_FORMAT_UNKNOWN ? kept : wanted;
    output.color_type = info.color_type;
    output.width = info.width;
    output.height = info.height;
    output.stride_w = row_bytes(output.format, info.width, kStep);
    output.stride_h = align(info.height, kRowStep);
    return "";
}

int PngChannel::create(int32_t id, uint32_t depth) {
    if (id < 0 || id >= kChannels) {
        return fail(pngd_error(HI_ERR_PNGD_INVALID_CHN_ID), "channel %d: want 0 to %d", id,
                    kChannels - 1);
    }
    if (depth > kMostDepth) {
        return fail(pngd_error(HI_ERR_PNGD_ILLEGAL_PARAM), "stream_que_cnt %u: want 0 to %u", depth,
                    kMostDepth);
    }
    ContextRef context;
    if (!himpi_ready() || current_context(context) != 0) {
        return fail(pngd_error(HI_ERR_PNGD_SYS_NOT_READY), "set a device and call hi_mpi_sys_init");
    }
    if (image_engine() == nullptr) return pngd_error(HI_ERR_PNGD_NOT_SUPPORT);
    auto channel = std::make_shared<PngChannel>();
    if (depth != 0) channel->depth_ = depth;
    if (create_stream(context->device(), context.handle(), {}, channel->stream_) != 0) {
        return pngd_error(HI_ERR_PNGD_NO_MEM);
    }
    count(counters().live_media_channels);
    if (Channels::all().add(context->device().id(), id, channel)) return HI_SUCCESS;
    channel->close();
    return fail(pngd_error(HI_ERR_PNGD_EXIST), "channel %d exists already", id);
}

int PngChannel::find(int32_t id, PngChannelRef &channel, bool take) {
    if (id < 0 || id >= kChannels) {
        return fail(pngd_error(HI_ERR_PNGD_INVALID_CHN_ID), "channel %d: want 0 to %d", id,
                    kChannels - 1);
    }
    if (require_context() != 0) return pngd_error(HI_ERR_PNGD_SYS_NOT_READY);
    Channels &all = Channels::all();
    channel = take ? all.take(current_device(), id) : all.find(current_device(), id);
    if (channel != nullptr) return HI_SUCCESS;
    return fail(pngd_error(HI_ERR_PNGD_UNEXIST), "channel %d does not exist; create it first", id);
}

void PngChannel::close() {
    {
        const Lock lock(mutex_);
        closed_ = true;
        ready_.clear();
        changed_.notify_all();
    }
    end_own_stream(stream_);
    uncount(counters().live_media_channels);
}

int PngChannel::send(const PngJob &job, int32_t milliseconds) {
    {
        Lock lock(mutex_);
        const auto full = [&] { return ready_.size() + working_ >= depth_; };
        const HimpiWait wait(milliseconds);
        wait(lock, changed_, [&] { return closed_ || !full(); });
        if (closed_) return fail_closed();
        if (full()) {
            return fail(pngd_error(HI_ERR_PNGD_BUF_FULL),
                        "%zu files wait to be decoded or fetched; call hi_mpi_pngd_get_image_data",
                        depth_);
        }
        ++working_;
    }
    auto kept = std::make_unique<PngJob>(job);
    const int code = stream_->submit("hi_mpi_pngd_send_stream",
                                     [self = shared_from_this(), kept = std::move(kept)] {
                                         self->work(std::move(*kept));
                                         return 0;
                                     });
    if (code == 0) return HI_SUCCESS;
    const Lock lock(mutex_);
    --working_;
    changed_.notify_all();
    return pngd_error(HI_ERR_PNGD_SYS_NOT_READY);
}

void PngChannel::work(PngJob job) {
    {
        const Lock lock(mutex_);
        if (closed_) return;
    }
    job.why = decode(job.stream, job.info);
    if (job.why.empty()) count(counters().images_processed);
    const Lock lock(mutex_);
    --working_;
    if (!closed_) ready_.push_back(std::move(job));
    changed_.notify_all();
}

int PngChannel::fetch(PngJob &job, int32_t milliseconds) {
    Lock lock(mutex_);
    const HimpiWait wait(milliseconds);
    wait(lock, changed_, [&] { return closed_ || !ready_.empty(); });
    if (closed_) return fail_closed();
    if (ready_.empty()) return fail(pngd_error(HI_ERR_PNGD_BUF_EMPTY), "no picture is ready");
    job = std::move(ready_.front());
    ready_.pop_front();
    changed_.notify_all();
    return HI_SUCCESS;
}

}  // namespace softnpu
