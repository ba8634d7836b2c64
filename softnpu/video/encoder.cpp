// H.264 and H.265 through libavcodec's libx264 and libx265.
//
// No frame is held back: no B frames and no look-ahead, so the packet of a frame is there when
// send() returns. Parameter sets precede every key frame in the stream itself.
extern "C" {
#include <libavcodec/avcodec.h>
#include <libavcodec/bsf.h>
#include <libavutil/opt.h>
}

#include <libyuv.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <utility>
#include <vector>

#include "acl/ops/acl_dvpp.h"
#include "softnpu/video/video.hpp"

namespace softnpu {
namespace {

struct FreeContext {
    void operator()(AVCodecContext *context) const noexcept { avcodec_free_context(&context); }
};
struct FreePacket {
    void operator()(AVPacket *packet) const noexcept { av_packet_free(&packet); }
};
struct FreeFrame {
    void operator()(AVFrame *frame) const noexcept { av_frame_free(&frame); }
};

struct FreeFilter {
    void operator()(AVBSFContext *context) const noexcept { av_bsf_free(&context); }
};

constexpr int kMostThreads = 8;         // more slices cost bits and gain little
constexpr double kQuality = 22.0;       // libx264's and libx265's scale, where no bit rate rules
constexpr double kBitsPerPixel = 0.15;  // of a constant bit rate that nobody chose

std::string describe(const char *what, int error) {
    char text[AV_ERROR_MAX_STRING_SIZE] = "";
    av_strerror(error, text, sizeof text);
    return std::string(what) + ": " + text;
}

void keep_memory(void *, uint8_t *) {}  // the program's, not ours

class LibavEncoder final : public VideoEncoder {
  public:
    std::string open(const EncoderOptions &options, int threads) {
        options_ = options;
        threads_ = std::clamp(threads, 1, kMostThreads);
        packet_.reset(av_packet_alloc());
        frame_.reset(av_frame_alloc());
        planar_.reset(av_frame_alloc());
        if (packet_ == nullptr || frame_ == nullptr || planar_ == nullptr) return "out of memory";
        if (options.format != PIXEL_FORMAT_YUV_SEMIPLANAR_420 &&
            options.format != PIXEL_FORMAT_YVU_SEMIPLANAR_420) {
            return "the encoder takes NV12 and NV21";
        }
        return open_context();
    }

    std::string send(const Picture &picture, uint64_t tag, bool force_key) override {
        if (finished_) {
            if (std::string why = open_context(); !why.empty()) return why;
        }
        AVFrame *frame = nullptr;
        if (std::string why = is_hevc() ? to_planar(picture, frame) : wrap(picture, frame);
            !why.empty()) {
            return why;
        }
        tags_[next_ % kTags] = tag;
        frame->pts = static_cast<int64_t>(next_++);
        const bool key = force_key || is_due();
        since_key_ = key ? 1 : since_key_ + 1;
        frame->pict_type = key ? AV_PICTURE_TYPE_I : AV_PICTURE_TYPE_NONE;
        attach_regions(*frame);
        const int error = avcodec_send_frame(context_.get(), frame);
        if (frame == frame_.get()) av_frame_unref(frame);
        return error < 0 ? describe("the encoder refuses the frame", error) : "";
    }

    std::string finish() override {
        if (!finished_) avcodec_send_frame(context_.get(), nullptr);
        finished_ = true;
        return "";
    }

    bool receive(EncodedPacket &packet) override {
        av_packet_unref(packet_.get());
        if (avcodec_receive_packet(context_.get(), packet_.get()) < 0) return false;
        packet.quantiser = quantiser();
        // Parameter sets are there, too, where a wave of refreshing begins.
        const bool key = (packet_->flags & AV_PKT_FLAG_KEY) != 0;
        const bool entry = key || has_parameter_sets();
        if (entry && std::exchange(usability_changed_, false)) open_filter();
        if (entry && filter_ != nullptr && !filter()) return false;
        packet.data = packet_->data;
        packet.size = static_cast<size_t>(packet_->size);
        packet.tag = tags_[static_cast<uint64_t>(packet_->pts) % kTags];
        packet.key = key && (options_.refresh == 0 || since_key_ == 1);
        return true;
    }

    void set_regions(const std::vector<QualityRegion> &regions) override { regions_ = regions; }

    void set_usability(const VideoUsability &usability) override {
        usability_ = usability;
        usability_changed_ = true;
    }

  private:
    static constexpr size_t kTags = 64;  // more than any encoder without delay holds back

    bool is_hevc() const noexcept { return options_.codec == Codec::h265; }
    /// Where blocks are refreshed the encoder itself makes no key frame but the first.
    bool is_due() const noexcept { return options_.refresh != 0 && since_key_ >= options_.gop; }

    /// They come first; libx265 does not call such a packet a key frame's.
    bool has_parameter_sets() const {
        constexpr int kVideo = 32, kSequence = 7;
        const uint8_t *data = packet_->data;
        if (packet_->size < 5 || data[0] != 0 || data[1] != 0) return false;
        const int header = data[2] == 1 ? data[3] : data[4];
        return is_hevc() ? header >> 1 == kVideo : (header & 0x1F) == kSequence;
    }

    int quantiser() const {
        size_t size = 0;
        const uint8_t *told =
            av_packet_get_side_data(packet_.get(), AV_PKT_DATA_QUALITY_STATS, &size);
        if (told == nullptr || size < 4) return -1;
        const uint32_t scaled = told[0] | told[1] << 8 | told[2] << 16 | uint32_t{told[3]} << 24;
        return static_cast<int>(scaled / FF_QP2LAMBDA);
    }

    std::string open_context() {
        const char *name = is_hevc() ? "libx265" : "libx264";
        const AVCodec *codec = avcodec_find_encoder_by_name(name);
        if (codec == nullptr) {
            return std::string("this libavcodec was built without ") + name +
                   "; install a libavcodec that has it (Debian: libavcodec-extra)";
        }
        context_.reset(avcodec_alloc_context3(codec));
        if (context_ == nullptr) return "out of memory";
        AVCodecContext &context = *context_;
        const int rate = static_cast<int>(std::max(options_.frame_rate, 1u));
        context.width = static_cast<int>(options_.width);
        context.height = static_cast<int>(options_.height);
        context.time_base = {1, rate};
        context.framerate = {rate, 1};
        // A wave begins when as many frames have passed as it takes; 1 would mean key frames only.
        const bool waves = options_.refresh != 0;
        context.gop_size =
            static_cast<int>(waves ? std::max(options_.refresh, 2u) : std::max(options_.gop, 1u));
        context.keyint_min = 1;
        context.max_b_frames = 0;
        // Threads divide a picture into slices, too.
        context.thread_count = options_.slice_rows != 0 ? 1 : threads_;
        context.flags |= AV_CODEC_FLAG_CLOSED_GOP;
        context.pix_fmt = AV_PIX_FMT_YUV420P;
        if (!is_hevc()) {
            const bool swapped = options_.format == PIXEL_FORMAT_YVU_SEMIPLANAR_420;
            context.pix_fmt = swapped ? AV_PIX_FMT_NV21 : AV_PIX_FMT_NV12;
        }
        set_options();
        const int error = avcodec_open2(&context, codec, nullptr);
        finished_ = false;
        since_key_ = options_.gop;
        return error < 0 ? describe("the encoder refuses its options", error) : "";
    }

    void set_options() {
        static constexpr const char *kProfiles[] = {"baseline", "main", "high"};
        void *own = context_->priv_data;
        av_opt_set(own, "preset", "superfast", 0);
        av_opt_set(own, "tune", "zerolatency", 0);
        av_opt_set(own, "forced-idr", "1", 0);
        av_opt_set(own, "profile",
                   is_hevc() ? "main" : kProfiles[std::clamp(options_.profile, 0, 2)], 0);
        std::string more = "scenecut=0:open-gop=0";  // key frames where the program wants them
        // Regions are heeded only where the quantiser is adapted anyway, be it by a trifle.
        if (options_.has_regions) more += ":aq-mode=1:aq-strength=0.01";
        if (options_.refresh != 0) more += ":intra-refresh=1";
        if (is_hevc()) more += ":log-level=none:frame-threads=1:pools=" + std::to_string(threads_);
        set_rate(more);
        set_limits(more);
        set_slices(more);
        av_opt_set(own, is_hevc() ? "x265-params" : "x264-params", more.c_str(), 0);
    }

    void set_rate(std::string &more) {
        void *own = context_->priv_data;
        if (options_.rate_control == 3) {
            // A quality without look at the picture is a fixed quantiser that regions may change.
            av_opt_set_double(own, options_.has_regions ? "crf" : "qp", options_.qp_p, 0);
            if (options_.has_regions) more += ":qcomp=1";
            set_key_steps(options_.qp_p - options_.qp_i, more);
            return;
        }
        if (options_.key_steps) set_key_steps(*options_.key_steps, more);
        int64_t rate = int64_t{options_.bitrate_kbps} * 1000;
        if (options_.rate_control == 2) {
            if (rate == 0) {
                rate = static_cast<int64_t>(kBitsPerPixel * options_.width * options_.height *
                                            std::max(options_.frame_rate, 1u));
            }
            context_->bit_rate = rate;
            context_->rc_max_rate = rate;
            context_->rc_buffer_size = static_cast<int>(std::min<int64_t>(rate, INT32_MAX));
            return;
        }
        av_opt_set_double(own, "crf", kQuality, 0);
        if (rate == 0) return;
        context_->rc_max_rate = rate;
        context_->rc_buffer_size = static_cast<int>(std::min<int64_t>(rate, INT32_MAX));
    }

    /// A step is the sixth part of a doubling.
    static void set_key_steps(int steps, std::string &more) {
        more += ":ipratio=" + std::to_string(std::exp2(steps / 6.0));
    }

    void set_limits(std::string &more) {
        if (options_.rate_control == 3) return;
        if (options_.least_qp >= 0) {
            context_->qmin = options_.least_qp;
            if (is_hevc()) more += ":qpmin=" + std::to_string(options_.least_qp);
        }
        if (options_.most_qp >= 0) {
            context_->qmax = options_.most_qp;
            if (is_hevc()) more += ":qpmax=" + std::to_string(options_.most_qp);
        }
    }

    /// libx265 holds frames back when it splits them.
    void set_slices(std::string &more) const {
        if (options_.slice_rows == 0 || is_hevc()) return;
        more += ":slice-max-mbs=" +
                std::to_string(uint64_t{(options_.width + 15) / 16} * options_.slice_rows);
    }

    /// libavcodec takes the first region that covers a block, and offsets as parts of all steps.
    void attach_regions(AVFrame &frame) const {
        av_frame_remove_side_data(&frame, AV_FRAME_DATA_REGIONS_OF_INTEREST);
        if (regions_.empty()) return;
        AVFrameSideData *data =
            av_frame_new_side_data(&frame, AV_FRAME_DATA_REGIONS_OF_INTEREST,
                                   regions_.size() * sizeof(AVRegionOfInterest));
        if (data == nullptr) return;
        auto *out = reinterpret_cast<AVRegionOfInterest *>(data->data);
        for (auto region = regions_.rbegin(); region != regions_.rend(); ++region, ++out) {
            const Rect &area = region->area;
            *out = {};
            out->self_size = sizeof *out;
            out->top = static_cast<int>(area.top);
            out->bottom = static_cast<int>(area.top + area.height);
            out->left = static_cast<int>(area.left);
            out->right = static_cast<int>(area.left + area.width);
            out->qoffset = {region->offset, 51};
        }
    }

    /// Rewrites parameter sets, which only key frames have; without it they stay as they are.
    void open_filter() {
        filter_.reset();
        AVBSFContext *made = nullptr;
        const AVBitStreamFilter *kind =
            av_bsf_get_by_name(is_hevc() ? "hevc_metadata" : "h264_metadata");
        if (kind == nullptr || av_bsf_alloc(kind, &made) < 0) return;
        std::unique_ptr<AVBSFContext, FreeFilter> filter(made);
        avcodec_parameters_from_context(filter->par_in, context_.get());
        filter->time_base_in = context_->time_base;
        const VideoUsability &told = usability_;
        const auto set = [&](const char *name, int64_t value) {
            av_opt_set_int(filter->priv_data, name, value, 0);
        };
        if (told.signal) {
            set("video_format", told.format);
            set("video_full_range_flag", told.full_range ? 1 : 0);
        }
        if (told.signal && told.colours) {
            set("colour_primaries", told.primaries);
            set("transfer_characteristics", told.transfer);
            set("matrix_coefficients", told.matrix);
        }
        if (told.timing) {
            const AVRational rate = {static_cast<int>(told.time_scale),
                                     static_cast<int>(told.tick_units)};
            av_opt_set_q(filter->priv_data, "tick_rate", rate, 0);
            if (!is_hevc()) set("fixed_frame_rate_flag", told.fixed_rate ? 1 : 0);
        }
        if (av_bsf_init(filter.get()) >= 0) filter_ = std::move(filter);
    }

    bool filter() {
        return av_bsf_send_packet(filter_.get(), packet_.get()) >= 0 &&
               av_bsf_receive_packet(filter_.get(), packet_.get()) >= 0;
    }

    std::string check(const Picture &picture) const {
        if (picture.width != options_.width || picture.height != options_.height ||
            picture.format != options_.format) {
            return "the picture's size or format is not the encoder's";
        }
        if (picture.stride_w < picture.width || picture.stride_h < picture.height ||
            picture_bytes(picture.format, picture.stride_w, picture.stride_h) > picture.size) {
            return "the picture's memory is smaller than its strides ask for";
        }
        return "";
    }

    /// The program's memory as a frame: the encoder reads it in place.
    std::string wrap(const Picture &picture, AVFrame *&frame) {
        if (std::string why = check(picture); !why.empty()) return why;
        frame = frame_.get();
        frame->buf[0] = av_buffer_create(picture.data, picture.size, keep_memory, nullptr,
                                         AV_BUFFER_FLAG_READONLY);
        if (frame->buf[0] == nullptr) return "out of memory";
        frame->width = context_->width;
        frame->height = context_->height;
        frame->format = context_->pix_fmt;
        for (int i = 0; i < 2; ++i) {
            const Plane plane = plane_of(picture, i);
            frame->data[i] = plane.data;
            frame->linesize[i] = static_cast<int>(plane.stride);
        }
        return "";
    }

    /// libx265 takes no interleaved chroma: split it into a frame that is used again.
    std::string to_planar(const Picture &picture, AVFrame *&frame) {
        if (std::string why = check(picture); !why.empty()) return why;
        frame = planar_.get();
        int error = 0;
        if (frame->buf[0] == nullptr) {
            frame->width = context_->width;
            frame->height = context_->height;
            frame->format = AV_PIX_FMT_YUV420P;
            error = av_frame_get_buffer(frame, 0);
        } else {
            error = av_frame_make_writable(frame);
        }
        if (error < 0) return "out of memory";
        const Plane luma = plane_of(picture, 0), chroma = plane_of(picture, 1);
        const bool swapped = options_.format == PIXEL_FORMAT_YVU_SEMIPLANAR_420;
        const int u = swapped ? 2 : 1, v = swapped ? 1 : 2;
        libyuv::NV12ToI420(luma.data, static_cast<int>(luma.stride), chroma.data,
                           static_cast<int>(chroma.stride), frame->data[0], frame->linesize[0],
                           frame->data[u], frame->linesize[u], frame->data[v], frame->linesize[v],
                           context_->width, context_->height);
        return "";
    }

    EncoderOptions options_;
    int threads_ = 1;
    std::unique_ptr<AVCodecContext, FreeContext> context_;
    std::unique_ptr<AVPacket, FreePacket> packet_;
    std::unique_ptr<AVFrame, FreeFrame> frame_;
    std::unique_ptr<AVFrame, FreeFrame> planar_;
    std::unique_ptr<AVBSFContext, FreeFilter> filter_;
    std::vector<QualityRegion> regions_;
    VideoUsability usability_;
    bool usability_changed_ = false;
    std::array<uint64_t, kTags> tags_{};
    uint64_t next_ = 0;
    uint32_t since_key_ = 0;  // frames, the key frame included
    bool finished_ = false;
};

}  // namespace

std::unique_ptr<VideoEncoder> make_encoder(const EncoderOptions &options, int threads,
                                           std::string &why) {
    auto encoder = std::make_unique<LibavEncoder>();
    why = encoder->open(options, threads);
    if (!why.empty()) return nullptr;
    return encoder;
}

}  // namespace softnpu
