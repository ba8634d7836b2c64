// One decoder of libavcodec.
#pragma once

extern "C" {
#include <libavcodec/avcodec.h>
}

#include <cstddef>
#include <cstdint>
#include <deque>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

namespace softnpu {

class DamageList;

struct FreeFrame {
    void operator()(AVFrame *frame) const noexcept { av_frame_free(&frame); }
};
struct FreePacket {
    void operator()(AVPacket *packet) const noexcept { av_packet_free(&packet); }
};
using Frame = std::unique_ptr<AVFrame, FreeFrame>;
using AvPacket = std::unique_ptr<AVPacket, FreePacket>;

/// Copies of packets, in memory that is used again. Any thread.
class PacketPool {
  public:
    /// nullptr when there is no memory.
    AvPacket make(const uint8_t *data, size_t size);

  private:
    struct FreePool {
        void operator()(AVBufferPool *pool) const noexcept { av_buffer_pool_uninit(&pool); }
    };
    static constexpr int kLeast = 12;  // logarithm of the size of the smallest

    std::mutex mutex_;  // guards the pools' making; libavutil guards their buffers
    std::unique_ptr<AVBufferPool, FreePool> pools_[32 - kLeast];
};

class Stage {
  public:
    /// Opens a new decoder, and ends the old one if that succeeds. It tells `damage` what it finds.
    /// `grey`: what no slice of an H.265 picture writes is grey, and not what was there before.
    std::string open(const AVCodec *codec, int threads, bool grey, DamageList &damage);
    /// Parameter sets before packet `next`.
    void send_sets(const std::vector<uint8_t> &sets, uint64_t next, std::deque<Frame> &ready);
    /// What the program sent, with its DamageList::mark(). Frames that are in the way go to
    /// `ready`.
    int send(const AVPacket *packet, int64_t mark, std::deque<Frame> &ready);
    /// No more packets.
    void finish(std::deque<Frame> &ready) { send(nullptr, 0, ready); }
    /// The next frame, or an error of libavcodec.
    int receive(Frame &frame);
    /// All frames that are ready.
    void take(std::deque<Frame> &ready);
    /// Lets the frames out that are in the threads, before packet `next` comes.
    void settle(uint64_t next, std::deque<Frame> &ready);
    void flush() { avcodec_flush_buffers(context_.get()); }
    int reorder_depth() const { return context_->has_b_frames; }

    static constexpr int kFailures = 64;  // of one damaged packet

  private:
    struct FreeContext {
        void operator()(AVCodecContext *context) const noexcept { avcodec_free_context(&context); }
    };

    std::unique_ptr<AVCodecContext, FreeContext> context_;
    PacketPool packets_;
};

}  // namespace softnpu
