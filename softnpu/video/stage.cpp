#include "softnpu/video/stage.hpp"

#include <array>
#include <cstring>

#include "softnpu/video/damage.hpp"

namespace softnpu {
namespace {

constexpr int64_t kMostPixels = int64_t{8192} * 8192;

std::string describe(const char *what, int error) {
    char text[AV_ERROR_MAX_STRING_SIZE] = "";
    av_strerror(error, text, sizeof text);
    return std::string(what) + ": " + text;
}

BlockMarks &blocks_of(const AVCodecContext &context) {
    return static_cast<DamageList *>(context.opaque)->blocks();
}

template <bool kGrey>
int get_marked(AVCodecContext *context, AVFrame *frame, int flags) {
    const int error = avcodec_default_get_buffer2(context, frame, flags);
    const int64_t mark = context->reordered_opaque;
    if (error == 0 && mark >= 0) {
        blocks_of(*context).add(static_cast<uint64_t>(mark), *frame, kGrey);
    }
    return error;
}

void mark_pictures(AVCodecContext &context, bool grey) {
    context.get_buffer2 = grey ? get_marked<true> : get_marked<false>;
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wdeprecated-declarations"
    context.thread_safe_callbacks = 1;  // newer versions take it for granted
#pragma GCC diagnostic pop
}

}  // namespace

AvPacket PacketPool::make(const uint8_t *data, size_t size) {
    const size_t room = size + AV_INPUT_BUFFER_PADDING_SIZE;
    int power = kLeast;
    while (size_t{1} << power < room) ++power;
    AvPacket packet(av_packet_alloc());
    if (packet == nullptr) return {};
    {
        const std::lock_guard<std::mutex> lock(mutex_);
        auto &pool = pools_[power - kLeast];
        if (pool == nullptr) pool.reset(av_buffer_pool_init(size_t{1} << power, nullptr));
        if (pool != nullptr) packet->buf = av_buffer_pool_get(pool.get());
    }
    if (packet->buf == nullptr) return {};
    packet->data = packet->buf->data;
    packet->size = static_cast<int>(size);
    std::memcpy(packet->data, data, size);
    std::memset(packet->data + size, 0, AV_INPUT_BUFFER_PADDING_SIZE);
    return packet;
}

std::string Stage::open(const AVCodec *codec, int threads, bool grey, DamageList &damage) {
    std::unique_ptr<AVCodecContext, FreeContext> made(avcodec_alloc_context3(codec));
    if (made == nullptr) return "out of memory";
    made->thread_count = threads;
    made->thread_type = FF_THREAD_FRAME | FF_THREAD_SLICE;
    // A damaged frame comes out marked, instead of not at all.
    made->flags |= AV_CODEC_FLAG_OUTPUT_CORRUPT;
    // Pictures of streams that carry their checksums are checked.
    made->err_recognition |= AV_EF_CRCCHECK;
    made->max_pixels = kMostPixels;  // what damaged headers can ask for
    // Display order even where the stream does not say how far frames are reordered.
    made->strict_std_compliance = FF_COMPLIANCE_STRICT;
    made->pkt_timebase = AVRational{1, 1};
    made->opaque = &damage;
    if (codec->id == AV_CODEC_ID_HEVC) mark_pictures(*made, grey);
    const int error = avcodec_open2(made.get(), codec, nullptr);
    if (error < 0) return describe("libavcodec refuses the decoder", error);
    context_ = std::move(made);
    return "";
}

void Stage::send_sets(const std::vector<uint8_t> &sets, uint64_t next, std::deque<Frame> &ready) {
    if (sets.empty()) return;
    const AvPacket packet = packets_.make(sets.data(), sets.size());
    if (packet != nullptr) send(packet.get(), DamageList::mark(next, false), ready);
}

int Stage::send(const AVPacket *packet, int64_t mark, std::deque<Frame> &ready) {
    // For the list of damage; the thread that decodes the packet copies it.
    context_->reordered_opaque = mark;
    for (int tries = 0; tries < kFailures; ++tries) {
        const int error = avcodec_send_packet(context_.get(), packet);
        if (error != AVERROR(EAGAIN)) return error;
        // Nobody has taken what is ready: hold it so that this packet fits.
        Frame frame;
        if (receive(frame) == 0) ready.push_back(std::move(frame));
    }
    return AVERROR(EAGAIN);
}

int Stage::receive(Frame &frame) {
    Frame next(av_frame_alloc());
    if (next == nullptr) return AVERROR(EAGAIN);
    const int error = avcodec_receive_frame(context_.get(), next.get());
    if (error == 0) frame = std::move(next);
    return error;
}

void Stage::take(std::deque<Frame> &ready) {
    for (int failures = 0; failures < kFailures;) {
        Frame frame;
        const int error = receive(frame);
        if (error == AVERROR(EAGAIN) || error == AVERROR_EOF) return;
        if (error == 0) ready.push_back(std::move(frame));
        failures += error != 0;
    }
}

/// Each packet in pushes one frame out of the frame threads. Access unit delimiters alone are
/// packets without a picture.
void Stage::settle(uint64_t next, std::deque<Frame> &ready) {
    if ((context_->active_thread_type & FF_THREAD_FRAME) == 0) return;
    static constexpr uint8_t kH264[] = {0, 0, 0, 1, 0x09, 0xF0};
    static constexpr uint8_t kH265[] = {0, 0, 0, 1, 0x46, 0x01, 0x50};
    const AvPacket packet = context_->codec_id == AV_CODEC_ID_HEVC
                                ? packets_.make(kH265, sizeof kH265)
                                : packets_.make(kH264, sizeof kH264);
    if (packet != nullptr) packet->dts = static_cast<int64_t>(next) - 1;
    for (int i = 1; packet != nullptr && i < context_->thread_count; ++i) {
        send(packet.get(), DamageList::mark(next, false), ready);
    }
}

}  // namespace softnpu
