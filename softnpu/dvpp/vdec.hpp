// Video decoding of the first media interface: channels and their descriptors.
//
// A channel has a stream of its own, whose tasks decode, another that writes the pictures, and a
// thread of the program that calls back. Frames are numbered as they are sent; each is open from
// SendFrame until its callback has returned. Frames come out of the decoder in display order, some
// sends later.
#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <mutex>

#include "softnpu/core/context.hpp"
#include "softnpu/dvpp/desc.hpp"
#include "softnpu/dvpp/engines.hpp"
#include "softnpu/dvpp/frame_channel.hpp"
#include "softnpu/dvpp/frame_writer.hpp"
#include "softnpu/dvpp/output_line.hpp"

namespace softnpu {

class VdecChannel;

using VdecCallback = void (*)(void *stream, void *picture, void *user);

/// aclvdecChannelDesc.
struct VdecChannelDesc : CountedDesc {
    static constexpr uint32_t kUnset = ~uint32_t{0};

    std::atomic<uint32_t> channel_id{kUnset};
    std::atomic<uint64_t> thread_id{0};
    std::atomic<VdecCallback> callback{nullptr};
    std::atomic<uint32_t> en_type{kUnset};
    std::atomic<uint32_t> out_format{1};
    std::atomic<uint32_t> out_width{0};
    std::atomic<uint32_t> out_height{0};
    std::atomic<uint32_t> out_mode{0};
    std::atomic<uint32_t> ref_frames{0};
    std::atomic<uint32_t> bit_depth{0};
    std::atomic<uint32_t> csc_matrix{0};

    std::mutex mutex;  // outermost: held while the channel is made; guards `channel`
    std::shared_ptr<VdecChannel> channel;
};

using VdecChannelDescTable = HandleTable<VdecChannelDesc, dvpp_handle(10)>;
using VdecFrameConfigTable = HandleTable<FrameConfig, dvpp_handle(11)>;
SOFTNPU_API VdecChannelDescTable &vdec_channel_descs() noexcept;
SOFTNPU_API VdecFrameConfigTable &vdec_frame_configs() noexcept;

/// What acldvppGetPicDescRetCode says in the callback.
inline constexpr uint32_t kVdecFailed = 1;
inline constexpr uint32_t kVdecSecondField = 0x20000;

/// One frame sent.
struct VdecFrame {
    enum class State : uint8_t { queued, decoding, due, over };

    std::shared_ptr<VdecChannel> channel;
    StreamDescRef stream;
    PicDescRef picture;  // empty for a skipped frame
    void *user = nullptr;
    uint64_t number = 0;
    const void *data = nullptr;  // as the program knows it; none where no packet comes
    size_t size = 0;
    // Copied when it is sent: programs write the next packet to the same memory at once, which the
    // stream buffer of a card lets them do.
    std::unique_ptr<CodedPacket> packet;
    Picture target;               // width 0: as large as the frame
    bool is_end = false;          // the sequence ends behind it
    bool silent = false;          // no callback: the end without a frame
    State state = State::queued;  // guarded by the channel
};

using VdecFrameTable = HandleTable<VdecFrame, dvpp_handle(29)>;
using VdecFrameRef = VdecFrameTable::Ref;
SOFTNPU_API VdecFrameTable &vdec_frames() noexcept;

class VdecChannel : public FrameChannel<VdecChannel, VdecFrame, VdecFrameRef> {
  public:
    static constexpr const char *kEntry = "aclvdecSendFrame";
    /// Frames in flight before send() waits.
    static constexpr size_t kDepth = 64;

    /// Makes the channel of a description; fails with a status.
    SOFTNPU_API static int create(VdecChannelDesc &desc);
    /// Waits for the callbacks of what was sent, then ends the channel.
    SOFTNPU_API int destroy();
    /// Ends it without waiting, because its device goes.
    void close();
    /// Takes the frame over. Waits while too many are in flight, and at the end of a sequence until
    /// all callbacks have returned.
    SOFTNPU_API int send(VdecFrameRef frame);

    PixelFormat format() const noexcept { return format_; }

  private:
    VdecChannel() = default;
    friend FrameChannel;

    static std::shared_ptr<VdecChannel> make(VdecChannelDesc &desc, int device);

    int keep_packet(VdecFrame &frame);
    int ensure_decoder_locked();
    void work();
    VdecFrameRef next_queued();
    void decode(const VdecFrameRef &frame);
    void collect();
    void deliver(const DecodedFrame &decoded);
    VdecFrameRef find(uint64_t number);
    void fail_before(uint64_t number);
    void settle_if_starved();
    bool keeps_order() const;
    bool has_queued();
    /// work() starts the line at its end, unless more work follows.
    void add_to_line(OutputLine::Work work) {
        line_.add(shared_from_this(), std::move(work), false);
    }
    bool has_fields() const { return interlaced_ != ~uint64_t{0}; }
    void give_up(const VdecFrameRef &frame, uint32_t code);
    void make_due(VdecFrame &frame);

    // On the line, behind the decoder.
    uint32_t write(VdecFrame &frame, const DecodedFrame &decoded);
    void report(const VdecFrameRef &frame, uint32_t code);

    void end_frame(VdecFrame &frame);
    void drop();
    static void call_back(void *handle);

    int device_ = 0;
    uint32_t id_ = 0;
    Codec codec_ = Codec::h264;
    PixelFormat format_ = 1;
    uint64_t thread_ = 0;
    VdecCallback callback_ = nullptr;

    std::mutex decoder_mutex_;  // held while the decoder is made
    std::unique_ptr<VideoDecoder> decoder_;
    OutputLine line_;
    int matrix_ = 0;
    FrameWriter writer_;                  // on the line only
    uint64_t interlaced_ = ~uint64_t{0};  // the frame that last came out interlaced; tasks only

    // Guarded by mutex_.
    size_t due_ = 0;  // pictures and callbacks on their way
    bool unsettled_ = false;
};

}  // namespace softnpu
