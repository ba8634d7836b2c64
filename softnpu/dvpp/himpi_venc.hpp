// Encoder channels of the second media interface: frames go in, packets of video or JPEG files in
// the library's device memory, or in the program's, are fetched and given back.
#pragma once

#include <condition_variable>
#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "acl/dvpp/hi_dvpp.h"
#include "softnpu/core/export.hpp"
#include "softnpu/dvpp/engines.hpp"
#include "softnpu/dvpp/himpi_vpc.hpp"
#include "softnpu/dvpp/ready_signal.hpp"
#include "softnpu/stream/stream.hpp"

namespace softnpu {

/// One unit of a packet, with the start code before it.
struct NalUnit {
    int type = 0;
    uint32_t offset = 0;
    uint32_t length = 0;
};
/// The units of an Annex-B packet; what is before the first start code belongs to none.
SOFTNPU_API std::vector<NalUnit> find_units(Codec codec, const uint8_t *data, size_t size);

/// What a channel is told besides attributes and rates.
struct VencSettings {
    hi_venc_intra_refresh refresh{};
    hi_venc_ref_param reference{};
    hi_venc_scene_mode scene = HI_VENC_SCENE_0;
    hi_venc_cu_prediction prediction{};
    hi_venc_streamcopy_param copy{};
    hi_venc_jpeg_huffman_param huffman{};
    bool compact = false;
};

/// A frame as it was sent; `picture.data` is the program's address.
struct VencInput {
    Picture picture;
    uint64_t pts = 0;
    bool force_key = false;
    uint8_t *output = nullptr;  // where the program wants the file, if it does
    uint32_t room = 0;
    hi_venc_jpeg_param jpeg{};  // of JPEG channels
    VencSettings settings;      // the same
    bool grey = false;          // encoded without its colours
    std::vector<uint8_t> map;   // quantisers of its blocks, see QuantiserMap
};

/// What a program wishes for the quantisers of a picture's blocks of 16x16: a byte for each.
///
/// The interface does not say what is in the bytes and how far apart rows are; these are the
/// numbers of encoders of the same make: bit 6 set: the other six are the quantiser; else they are
/// a signed difference from the picture's. Bit 7, which asks to skip the block, is not heeded.
struct QuantiserMap {
    static constexpr uint8_t kAbsolute = 0x40;
    static constexpr uint32_t stride(uint32_t width) { return (width + 511) / 512 * 32; }
    static constexpr uint32_t rows(uint32_t height) { return (height + 15) / 16; }
    static constexpr uint32_t size(uint32_t width, uint32_t height) {
        return stride(width) * rows(height);
    }
    /// No block's wish depends on the picture's quantiser.
    SOFTNPU_API static bool says_all(const std::vector<uint8_t> &map,
                                     const EncoderOptions &options);
    /// Regions with the same wish, for a picture whose quantiser is `base`.
    SOFTNPU_API static std::vector<QualityRegion> regions(const std::vector<uint8_t> &map,
                                                          uint32_t width, uint32_t height,
                                                          int base);
};

/// The packet of a frame, in memory that lives until it is released or the channel ends.
struct VencOutput {
    void *address = nullptr;
    bool owned = true;  // the channel's memory, not the program's
    size_t size = 0;
    uint64_t pts = 0;
    uint32_t qfactor = 0;
    uint32_t number = 0;
    int quantiser = -1;    // negative: not told
    uint32_t changes = 0;  // of the channel's attributes and parameters before it
    bool key = false;
    std::vector<NalUnit> units;
};

/// What a channel's attributes ask for.
struct VencPlan {
    EncoderOptions options;    // its frame rate is the one that comes out
    uint32_t source_rate = 0;  // at least that one: frames are left out
    bool is_jpeg = false;      // of the options only the size matters then
};

/// What a frame is encoded with.
struct VencWishes {
    EncoderOptions options;
    bool changed = false;  // since the frame before
    VideoUsability usability;
    bool tells = false;                     // the usability is new
    std::vector<hi_venc_roi_attr> regions;  // those that count
    uint32_t changes = 0;
};

class HimpiEncoder : public std::enable_shared_from_this<HimpiEncoder> {
  public:
    /// Frames whose packets were not fetched, before send() waits.
    static constexpr size_t kDepth = 64;

    /// Codes of the interface, after fail().
    SOFTNPU_API static int create(int32_t id, const VencPlan &plan, const hi_venc_chn_attr &attr);
    SOFTNPU_API static int find(int32_t id, std::shared_ptr<HimpiEncoder> &channel,
                                bool take = false);

    /// A channel lives on the current device.
    SOFTNPU_API static bool any();

    SOFTNPU_API int start(int32_t pictures);
    SOFTNPU_API int stop();
    SOFTNPU_API int send(VencInput input, int32_t milliseconds);
    /// The next packet; one of more than `packs` packs stays where it is.
    SOFTNPU_API int fetch(VencOutput &output, uint32_t packs, int32_t milliseconds);
    SOFTNPU_API int release_output(const void *address);
    /// `now`: also a frame that waits already may become the key frame.
    SOFTNPU_API void request_key(bool now);
    /// From the next encoded frame on, which begins a sequence.
    SOFTNPU_API void change(const VencPlan &plan, const hi_venc_chn_attr &attr);
    SOFTNPU_API void fill_status(hi_venc_chn_status &status);
    /// A descriptor that is readable while packets wait; negative: a code of the interface.
    SOFTNPU_API int descriptor();
    SOFTNPU_API int close_descriptor();
    /// Ends the channel with all its packets.
    SOFTNPU_API void close();

    SOFTNPU_API hi_venc_chn_attr attr();
    SOFTNPU_API hi_venc_chn_param param();
    SOFTNPU_API void set_param(const hi_venc_chn_param &param);
    SOFTNPU_API EncoderOptions options();
    SOFTNPU_API hi_venc_rc_param rate_param();
    SOFTNPU_API void set_rate_param(const hi_venc_rc_param &param);
    SOFTNPU_API hi_venc_h264_vui h264_vui();
    SOFTNPU_API hi_venc_h265_vui h265_vui();
    SOFTNPU_API void set_vui(const hi_venc_h264_vui &vui);
    SOFTNPU_API void set_vui(const hi_venc_h265_vui &vui);
    SOFTNPU_API hi_venc_slice_split slices();
    SOFTNPU_API void set_slices(const hi_venc_slice_split &split);
    static constexpr uint32_t kRegions = 8;
    SOFTNPU_API hi_venc_roi_attr region(uint32_t index);
    SOFTNPU_API void set_region(const hi_venc_roi_attr &region);
    SOFTNPU_API VencSettings settings();
    /// `change` runs under the channel's lock; of the frames that are encoded from now on.
    SOFTNPU_API void change_settings(const std::function<void(VencSettings &)> &change);
    /// Maps count: qpmap_en of the rate control's parameters.
    SOFTNPU_API bool takes_maps();
    bool is_jpeg() const noexcept { return is_jpeg_; }
    /// The program gives memory for each file.
    bool wants_memory() const noexcept { return is_jpeg_ && buffer_size_ == 0; }
    SOFTNPU_API hi_venc_jpeg_param jpeg_param();
    /// Of the frames that are sent from now on.
    SOFTNPU_API void set_jpeg_param(const hi_venc_jpeg_param &param);

  private:
    static constexpr int kMiddle = 26;  // stands for a quantiser that nobody knows yet
    using Lock = std::unique_lock<std::mutex>;

    uint32_t packs_of(const VencOutput &output) const noexcept {
        const bool is_one = is_jpeg_ || attr_.venc_attr.is_by_frame != 0;
        return is_one ? 1 : static_cast<uint32_t>(output.units.size());
    }
    size_t open_locked() const noexcept { return waiting_.size() + encoding_ + ready_.size(); }
    bool is_left_out_locked();
    void work();
    bool next(VencInput &input, VencWishes &wishes);
    std::vector<QualityRegion> regions_of(const VencInput &input, const VencWishes &wishes) const;
    Picture without_colours(const Picture &picture);
    std::string encode(const VencInput &input, VencOutput &output);
    std::string encode_video(const VencInput &input, VencWishes &wishes, VencOutput &output);
    std::string encode_jpeg(const VencInput &input, VencOutput &output);
    std::string store(const uint8_t *data, size_t size, VencOutput &output) const;
    int make_encoder();
    void deliver(VencOutput output);

    int device_ = 0;
    bool is_jpeg_ = false;
    uint32_t buffer_size_ = 0;
    StreamRef stream_;
    std::unique_ptr<VideoEncoder> encoder_;  // tasks only, as is what follows
    EncoderOptions encoder_options_;
    std::vector<uint8_t> file_;  // room for a JPEG file
    std::vector<uint8_t> grey_;  // and for a picture without colours
    int quantiser_ = kMiddle;    // of the picture before
    bool broken_ = false;        // the receiver lacks what the next frame would refer to
    uint64_t tag_ = 0;

    std::mutex mutex_;  // leaf lock, guards what follows
    std::condition_variable changed_;
    hi_venc_chn_attr attr_{};
    hi_venc_chn_param param_{};
    hi_venc_jpeg_param jpeg_{};
    VencSettings settings_;
    uint32_t changes_ = 0;
    hi_venc_rc_param rate_{};
    hi_venc_h264_vui h264_vui_{};
    hi_venc_h265_vui h265_vui_{};
    VideoUsability usability_;
    hi_venc_slice_split slices_{};
    hi_venc_roi_attr regions_[kRegions] = {};
    VencPlan plan_;
    uint64_t received_ = 0;  // frames, with those left out
    std::deque<VencInput> waiting_;
    std::deque<VencOutput> ready_;
    std::map<const void *, VencOutput> out_;  // fetched, not released
    size_t encoding_ = 0;
    uint32_t next_number_ = 0;
    int64_t left_to_receive_ = 0;  // negative: no limit
    ReadySignal signal_;
    bool started_ = false, closed_ = false;
    bool key_now_ = false, key_next_ = false, options_changed_ = false;
    bool usability_changed_ = false;
};

using HimpiEncoderRef = std::shared_ptr<HimpiEncoder>;

inline int venc_error(unsigned code) noexcept {
    return static_cast<int>(code);
}

}  // namespace softnpu
