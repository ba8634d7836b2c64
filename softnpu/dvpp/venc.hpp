// Video encoding of the first media interface: channels and their descriptors.
//
// As with decoding, a channel has a stream of its own, whose tasks encode, and a thread of the
// program that calls back. The encoder holds no frame back, so frames are over in the order they
// were sent. The bytes of a packet are the library's, in device memory, and go when the callback
// returns.
#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <mutex>

#include "softnpu/core/context.hpp"
#include "softnpu/dvpp/desc.hpp"
#include "softnpu/dvpp/engines.hpp"
#include "softnpu/dvpp/frame_channel.hpp"
#include "softnpu/memory/memory.hpp"

namespace softnpu {

class VencChannel;

using VencCallback = void (*)(void *picture, void *stream, void *user);

/// aclvencChannelDesc.
struct VencChannelDesc : CountedDesc {
    static constexpr uint32_t kUnset = ~uint32_t{0};

    std::atomic<uint32_t> channel_id{0};  // the library's choice
    std::atomic<uint64_t> thread_id{0};
    std::atomic<VencCallback> callback{nullptr};
    std::atomic<uint32_t> en_type{kUnset};
    std::atomic<uint32_t> format{kUnset};
    std::atomic<uint32_t> width{0};
    std::atomic<uint32_t> height{0};
    std::atomic<uint32_t> key_interval{0};
    std::atomic<void *> buffer{nullptr};
    std::atomic<uint32_t> buffer_size{0};
    std::atomic<uint32_t> rc_mode{0};
    std::atomic<uint32_t> src_rate{0};
    std::atomic<uint32_t> max_bitrate{0};
    std::atomic<uint32_t> max_ip_prop{0};

    std::mutex mutex;  // outermost: held while the channel is made; guards `channel`
    std::shared_ptr<VencChannel> channel;
};

using VencChannelDescTable = HandleTable<VencChannelDesc, dvpp_handle(12)>;
using VencFrameConfigTable = HandleTable<FrameConfig, dvpp_handle(13)>;
SOFTNPU_API VencChannelDescTable &venc_channel_descs() noexcept;
SOFTNPU_API VencFrameConfigTable &venc_frame_configs() noexcept;

/// What the descriptions' return codes say in the callback of a frame that was not encoded.
inline constexpr uint32_t kVencFailed = 1;

/// One frame sent.
struct VencFrame {
    enum class State : uint8_t { queued, encoding, due, calling, over };

    std::shared_ptr<VencChannel> channel;
    PicDescRef picture;
    StreamDescRef stream;  // made when the packet is there
    void *user = nullptr;
    uint64_t number = 0;
    const void *data = nullptr;  // as the program knows it
    Picture source;              // its `data` is found when the work runs
    bool force_key = false;
    bool silent = false;          // the end without a frame: no callback
    void *memory = nullptr;       // of the packet; guarded by the channel, as is what follows
    size_t offset = 0, size = 0;  // of the packet in the program's buffer
    State state = State::queued;
};

using VencFrameTable = HandleTable<VencFrame, dvpp_handle(28)>;
using VencFrameRef = VencFrameTable::Ref;
SOFTNPU_API VencFrameTable &venc_frames() noexcept;

class VencChannel : public FrameChannel<VencChannel, VencFrame, VencFrameRef> {
  public:
    static constexpr const char *kEntry = "aclvencSendFrame";
    /// Frames in flight before send() waits.
    static constexpr size_t kDepth = 32;

    /// Makes the channel of a description; fails with a status.
    SOFTNPU_API static int create(VencChannelDesc &desc);
    /// Waits for the callbacks of what was sent, then ends the channel.
    SOFTNPU_API int destroy();
    /// Ends it without waiting, because its device goes.
    void close();
    /// Takes the frame over; waits while too many are in flight.
    SOFTNPU_API int send(VencFrameRef frame);
    /// Waits until all callbacks have returned; the next frame begins a sequence.
    SOFTNPU_API int finish();

    /// Waits until no channel reads a picture in the allocation at `address` any more: programs
    /// free it as soon as they have sent it.
    SOFTNPU_API static void let_go(const void *address);

    const EncoderOptions &options() const noexcept { return options_; }

  private:
    VencChannel() = default;
    friend FrameChannel;

    static std::shared_ptr<VencChannel> make(VencChannelDesc &desc, int device);

    void wait_until_read(const Allocation &memory);
    int ensure_encoder();
    int push_end(uint64_t &number);
    void work();
    VencFrameRef next_queued();
    void encode(const VencFrameRef &frame);
    bool place(const VencFrameRef &frame);
    bool place_in_buffer(VencFrame &frame, size_t size, void *&address);
    void report(const VencFrameRef &frame, void *data, size_t size);
    void fail_frame(const VencFrameRef &frame, const char *why);
    void end_frame(VencFrame &frame);
    void drop(bool device_goes);
    static void call_back(void *handle);

    int device_ = 0;
    uint32_t id_ = 0;
    EncoderOptions options_;
    int32_t stream_format_ = 0;
    void *buffer_ = nullptr;  // the program's, for packets; may be nullptr
    size_t buffer_size_ = 0;
    uint64_t thread_ = 0;
    VencCallback callback_ = nullptr;

    std::mutex encoder_mutex_;  // held while the encoder is made
    std::unique_ptr<VideoEncoder> encoder_;
    EncodedPacket packet_;  // the encoder's last; tasks only, as is what follows
    VencFrameRef stalled_;  // packet_ waits for room in the program's buffer
    bool broken_ = true;    // the receiver lacks what the next frame would refer to

    // Guarded by mutex_.
    bool short_of_room_ = false;  // stalled_ holds a frame
};

}  // namespace softnpu
