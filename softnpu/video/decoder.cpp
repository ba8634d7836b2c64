// H.264 and H.265 through libavcodec.
//
// Frames are decoded by libavcodec's frame threads, so a frame comes out some packets after its own
// went in. Each packet gets a running number as its time stamp, which libavcodec carries to the
// frame; a ring maps the number back to the caller's tag.
extern "C" {
#include <libavcodec/avcodec.h>
#include <libavutil/pixdesc.h>
}

#include <algorithm>
#include <array>
#include <cstring>
#include <deque>
#include <vector>

#include "softnpu/video/annexb.hpp"
#include "softnpu/video/damage.hpp"
#include "softnpu/video/pixels.hpp"
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

std::string describe(const char *what, int error) {
    char text[AV_ERROR_MAX_STRING_SIZE] = "";
    av_strerror(error, text, sizeof text);
    return std::string(what) + ": " + text;
}

using Frame = std::unique_ptr<AVFrame, FreeFrame>;

class LibavPicture final : public DecodedPicture {
  public:
    LibavPicture(Frame frame, std::shared_ptr<PixelWriter> pixels)
        : frame_(std::move(frame)), pixels_(std::move(pixels)) {}

    std::string write(const Picture &picture) const override {
        return pixels_->write(*frame_, picture);
    }

  private:
    const Frame frame_;
    const std::shared_ptr<PixelWriter> pixels_;  // of the decoder
};

class LibavDecoder final : public VideoDecoder {
  public:
    std::string open(Codec codec, int threads) {
        reader_ = PacketReader(codec);
        codec_ = avcodec_find_decoder(codec == Codec::h264 ? AV_CODEC_ID_H264 : AV_CODEC_ID_HEVC);
        threads_ = std::clamp(threads, 1, 16);
        packet_.reset(av_packet_alloc());
        if (codec_ == nullptr) return "this libavcodec has no decoder for the codec";
        if (packet_ == nullptr) return "out of memory";
        return open_context();
    }

    std::string send(const uint8_t *data, size_t size, uint64_t tag) override {
        if (size == 0 || size > kLargestPacket) return "the packet is empty or larger than 1 GB";
        if (finished_) reset();
        const PacketFacts facts = reader_.read(data, size);
        if (facts.is_key) renew_at_key();
        if (buffer_.size() < size + AV_INPUT_BUFFER_PADDING_SIZE) {
            buffer_.resize(size + size / 2 + AV_INPUT_BUFFER_PADDING_SIZE);
        }
        std::memcpy(buffer_.data(), data, size);
        std::memset(buffer_.data() + size, 0, AV_INPUT_BUFFER_PADDING_SIZE);
        tags_[next_ % kTags] = tag;
        settled_ = false;
        ++unsettled_;
        packet_->data = buffer_.data();
        packet_->size = static_cast<int>(size);
        packet_->pts = static_cast<int64_t>(next_++);
        damage_.allow_gaps(reader_.gaps_allowed());
        if (facts.lost) damage_.add_gap(next_ - 1);
        // For the list of damage; the thread that decodes the packet copies it.
        context_->reordered_opaque = facts.has_picture ? packet_->pts : -1;
        packet_->dts = packet_->pts;
        const int error = feed(packet_.get());
        if (error == AVERROR(ENOMEM)) return "out of memory";
        return "";  // what libavcodec does not like about the bytes shows in the missing frame
    }

    std::string finish() override {
        if (!finished_) feed(nullptr);
        finished_ = true;
        return "";
    }

    bool receive(DecodedFrame &out) override {
        if (next_ == first_) return false;  // nothing was sent
        for (int failures = 0; failures < kFailures;) {
            if (!waiting_.empty()) {
                hand_out(std::move(waiting_.front()), out);
                waiting_.pop_front();
                return true;
            }
            Frame frame(av_frame_alloc());
            if (frame == nullptr) return false;
            const int error = avcodec_receive_frame(context_.get(), frame.get());
            if (error == 0) {
                hand_out(std::move(frame), out);
                return true;
            }
            if (error == AVERROR(EAGAIN) || error == AVERROR_EOF) return false;
            ++failures;  // of one damaged packet; the next call goes on behind it
        }
        return false;
    }

    void settle() override {
        if (settled_ || finished_ || (context_->active_thread_type & FF_THREAD_FRAME) == 0) return;
        context_->reordered_opaque = -1;
        // Each packet in pushes one frame out of the frame threads. Access unit delimiters alone
        // are packets without a picture.
        for (int i = 1; i < context_->thread_count; ++i) {
            std::array<uint8_t, 8 + AV_INPUT_BUFFER_PADDING_SIZE> room{0, 0, 0, 1, 0x09, 0xF0};
            packet_->size = 6;
            if (context_->codec_id == AV_CODEC_ID_HEVC) {
                room[4] = 0x46;
                room[5] = 0x01;
                room[6] = 0x50;
                packet_->size = 7;
            }
            packet_->data = room.data();
            packet_->pts = AV_NOPTS_VALUE;
            packet_->dts = AV_NOPTS_VALUE;
            feed(packet_.get());
        }
        settled_ = true;
        unsettled_ = 0;
    }

    int reorder_depth() const override { return context_->has_b_frames; }

    void reset() override {
        if (damage_.stays()) {
            replace_context();
        } else {
            avcodec_flush_buffers(context_.get());
        }
        waiting_.clear();
        first_ = next_;
        finished_ = false;
        damage_.clear();
        reader_.restart();
    }

  private:
    static constexpr size_t kLargestPacket = size_t{1} << 30;
    static constexpr int64_t kMostPixels = int64_t{8192} * 8192;
    static constexpr uint64_t kTags = 4096;  // more packets than libavcodec ever holds back
    static constexpr int kFailures = 64;
    static constexpr uint64_t kSettleAfter = 32;  // packets per thread: the pause hardly shows

    std::string open_context() {
        std::unique_ptr<AVCodecContext, FreeContext> made(avcodec_alloc_context3(codec_));
        if (made == nullptr) return "out of memory";
        made->thread_count = threads_;
        made->thread_type = FF_THREAD_FRAME | FF_THREAD_SLICE;
        // A damaged frame comes out marked, instead of not at all.
        made->flags |= AV_CODEC_FLAG_OUTPUT_CORRUPT;
        // Pictures of streams that carry their checksums are checked.
        made->err_recognition |= AV_EF_CRCCHECK;
        made->max_pixels = kMostPixels;  // what damaged headers can ask for
        // Display order even where the stream does not say how far frames are reordered.
        made->strict_std_compliance = FF_COMPLIANCE_STRICT;
        made->pkt_timebase = AVRational{1, 1};
        made->opaque = &damage_;
        const int error = avcodec_open2(made.get(), codec_, nullptr);
        if (error < 0) return describe("libavcodec refuses the decoder", error);
        context_ = std::move(made);
        return "";
    }

    /// A new decoder that knows the parameter sets of the old one.
    void replace_context() {
        if (!open_context().empty()) {  // out of memory: the old one has to do
            avcodec_flush_buffers(context_.get());
            return;
        }
        damage_.replaced(next_);
        std::vector<uint8_t> sets = reader_.parameter_sets();
        if (sets.empty()) return;
        packet_->size = static_cast<int>(sets.size());
        sets.resize(sets.size() + AV_INPUT_BUFFER_PADDING_SIZE);
        packet_->data = sets.data();
        packet_->pts = packet_->dts = AV_NOPTS_VALUE;
        context_->reordered_opaque = -1;
        feed(packet_.get());
    }

    /// Where decoding may begin a damaged decoder is replaced. It must be known to be damaged: what
    /// its threads still work on is waited for, unless that happened a short time ago.
    void renew_at_key() {
        if (unsettled_ >= kSettleAfter * static_cast<uint64_t>(threads_)) settle();
        if (!damage_.stays()) return;
        avcodec_send_packet(context_.get(), nullptr);
        take_ready();
        replace_context();
    }

    /// Hold the frames that are ready.
    void take_ready() {
        for (int failures = 0; failures < kFailures;) {
            Frame ready(av_frame_alloc());
            if (ready == nullptr) return;
            const int error = avcodec_receive_frame(context_.get(), ready.get());
            if (error == AVERROR(EAGAIN) || error == AVERROR_EOF) return;
            if (error == 0) waiting_.push_back(std::move(ready));
            failures += error != 0;
        }
    }

    int feed(const AVPacket *packet) {
        for (int tries = 0; tries < kFailures; ++tries) {
            const int error = avcodec_send_packet(context_.get(), packet);
            if (error != AVERROR(EAGAIN)) return error;
            // The caller has not taken what is ready: hold it so that this packet fits.
            Frame ready(av_frame_alloc());
            if (ready == nullptr) return AVERROR(ENOMEM);
            if (avcodec_receive_frame(context_.get(), ready.get()) == 0) {
                waiting_.push_back(std::move(ready));
            }
        }
        return AVERROR(EAGAIN);
    }

    void hand_out(Frame ready, DecodedFrame &out) {
        const AVFrame &frame = *ready;
        const auto stamp = static_cast<uint64_t>(frame.pts);
        const bool known = frame.pts != AV_NOPTS_VALUE && stamp < next_ && next_ - stamp < kTags;
        const uint64_t number = known ? stamp : next_ - 1;
        out.tag = tags_[number % kTags];
        out.width = static_cast<uint32_t>(frame.width);
        out.height = static_cast<uint32_t>(frame.height);
        out.interlaced = frame.interlaced_frame != 0;
        const AVPixFmtDescriptor *format =
            av_pix_fmt_desc_get(static_cast<AVPixelFormat>(frame.format));
        out.bit_depth = format != nullptr ? format->comp[0].depth : 8;
        const bool hurt =
            (frame.flags & AV_FRAME_FLAG_CORRUPT) != 0 || frame.decode_error_flags != 0;
        if (hurt) damage_.add(number);
        out.damaged = damage_.covers(number, frame.key_frame != 0);
        out.picture = std::make_shared<LibavPicture>(std::move(ready), pixels_);
    }

    const AVCodec *codec_ = nullptr;
    int threads_ = 1;
    PacketReader reader_;
    DamageList damage_;  // before the context, whose threads use it
    std::unique_ptr<AVCodecContext, FreeContext> context_;
    std::unique_ptr<AVPacket, FreePacket> packet_;
    std::deque<Frame> waiting_;  // decoded, not asked for yet
    std::vector<uint8_t> buffer_;
    std::array<uint64_t, kTags> tags_{};
    uint64_t first_ = 0;  // number of the first packet since the last reset
    uint64_t next_ = 0;
    bool finished_ = false;
    bool settled_ = false;
    uint64_t unsettled_ = 0;  // packets since all were decoded
    std::shared_ptr<PixelWriter> pixels_ = std::make_shared<PixelWriter>();
};

}  // namespace

std::unique_ptr<VideoDecoder> make_decoder(Codec codec, int threads, std::string &why) {
    auto decoder = std::make_unique<LibavDecoder>();
    why = decoder->open(codec, threads);
    if (!why.empty()) return nullptr;
    return decoder;
}

}  // namespace softnpu
