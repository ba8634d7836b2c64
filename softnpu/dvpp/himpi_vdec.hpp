// Decoder channels of the second media interface: packets of video or JPEG files go in, the
// program's own buffers come out.
#pragma once

#include <atomic>
#include <condition_variable>
#include <cstdint>
#include <deque>
#include <map>
#include <memory>
#include <mutex>
#include <set>
#include <string>

#include "acl/dvpp/hi_dvpp.h"
#include "softnpu/core/export.hpp"
#include "softnpu/dvpp/engines.hpp"
#include "softnpu/dvpp/frame_writer.hpp"
#include "softnpu/dvpp/himpi_vpc.hpp"
#include "softnpu/dvpp/output_line.hpp"
#include "softnpu/dvpp/ready_signal.hpp"
#include "softnpu/stream/stream.hpp"

namespace softnpu {

/// A packet as it was sent, and what became of it. `target.data` is the program's address; sizes
/// and strides of 0 are those of the picture.
struct VdecPacket {
    enum Flag : hi_u32 { ok = 0, failed = 1, none = 2 };  // hi_video_frame::frame_flag

    hi_vdec_stream stream{};
    hi_vdec_pic_info info{};
    Picture target;
    hi_u32 flag = ok;
};

class HimpiDecoder : public std::enable_shared_from_this<HimpiDecoder> {
  public:
    static constexpr int32_t kChannels = 256;
    static constexpr size_t kDepth = 32;  // packets that wait to be decoded

    /// Codes of the interface, after fail().
    SOFTNPU_API static int create(int32_t id, const hi_vdec_chn_attr &attr);
    SOFTNPU_API static int find(int32_t id, std::shared_ptr<HimpiDecoder> &channel,
                                bool take = false);

    SOFTNPU_API int set_started(bool started);
    /// Forgets all packets and pictures; only of a stopped channel.
    SOFTNPU_API int reset();
    SOFTNPU_API int send(const VdecPacket &packet, int32_t milliseconds);
    SOFTNPU_API int fetch(VdecPacket &packet, int32_t milliseconds);
    SOFTNPU_API int release_picture(const void *address);
    SOFTNPU_API void fill_status(hi_vdec_chn_status &status);
    /// A descriptor that is readable while pictures wait; negative: a code of the interface.
    SOFTNPU_API int descriptor();
    SOFTNPU_API int close_descriptor();
    /// Ends the channel with all its packets.
    SOFTNPU_API void close();

    std::atomic<int> csc_matrix{0};  // of pictures that are written as RGB

    bool is_jpeg() const noexcept { return type_ == HI_PT_JPEG; }
    SOFTNPU_API hi_vdec_chn_attr attr();
    SOFTNPU_API int set_attr(const hi_vdec_chn_attr &attr);
    SOFTNPU_API hi_vdec_chn_param param();
    SOFTNPU_API int set_param(const hi_vdec_chn_param &param);
    SOFTNPU_API hi_video_display_mode display_mode();
    SOFTNPU_API void set_display_mode(hi_video_display_mode mode);
    SOFTNPU_API hi_jpegd_precision_mode precision_mode();
    SOFTNPU_API int set_precision_mode(hi_jpegd_precision_mode mode);
    SOFTNPU_API hi_vdec_protocol_param protocol_param();
    SOFTNPU_API int set_protocol_param(const hi_vdec_protocol_param &param);

  private:
    using Lock = std::unique_lock<std::mutex>;

    int make_decoder();
    int check_stopped_locked(const char *what) const;
    void report(uint64_t number, hi_u32 flag, const Picture *picture = nullptr);
    bool look_up(uint64_t number, VdecPacket &packet);

    // On the stream.
    void work(uint64_t number);
    void decode_picture(uint64_t number, VdecPacket &packet);
    void decode_video(uint64_t number, const VdecPacket &packet);
    bool is_last(uint64_t number);
    void collect();

    // On the line, behind the decoder.
    void put_out(const DecodedFrame &frame);
    void give_up(uint64_t number);

    hi_payload_type type_ = HI_PT_BUTT;
    StreamRef stream_;
    std::unique_ptr<VideoDecoder> decoder_;  // tasks only; none for JPEG
    OutputLine line_;                        // writes and reports pictures of video
    FrameWriter writer_;                     // on the line only

    std::mutex mutex_;  // leaf lock, guards what follows
    std::condition_variable changed_;
    hi_vdec_chn_attr attr_{};
    hi_vdec_chn_param param_{};
    hi_vdec_protocol_param protocol_{};
    hi_video_display_mode display_ = HI_VIDEO_DISPLAY_MODE_PREVIEW;
    hi_jpegd_precision_mode precision_ = YUVOUT_ALIGN_DOWN;
    std::map<uint64_t, VdecPacket> open_;  // sent, their pictures not there yet
    std::deque<VdecPacket> ready_;
    std::multiset<const void *> out_;  // fetched, not released
    ReadySignal signal_;
    uint64_t next_ = 1;
    uint64_t working_ = 0;        // number of the packet that is worked on
    uint64_t decoded_ = 0;        // number of the last packet that is worked off
    uint64_t received_ = 0;       // packets since the start of the channel or its reset
    uint64_t decoded_count_ = 0;  // of them, worked off
    hi_vdec_dec_err errors_{};
    uint32_t width_ = 0, height_ = 0;  // of the last picture
    uint64_t pts_ = 0;
    bool started_ = false, closed_ = false, reset_ = false;
};

using HimpiDecoderRef = std::shared_ptr<HimpiDecoder>;

inline int vdec_error(unsigned code) noexcept {
    return static_cast<int>(code);
}

}  // namespace softnpu
