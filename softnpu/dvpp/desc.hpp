// What the first media interface (acldvpp*) passes around: descriptors that only carry values.
//
// They are plain data behind handles. An operation copies what it needs when it is queued; results
// (sizes, return codes) are written back through the reference the task holds.
#pragma once

#include <array>
#include <atomic>
#include <cstdint>
#include <memory>
#include <vector>

#include "softnpu/core/counters.hpp"
#include "softnpu/core/export.hpp"
#include "softnpu/core/handle.hpp"
#include "softnpu/dvpp/picture.hpp"

namespace softnpu {

inline constexpr HandleType dvpp_handle(int number) noexcept {
    return static_cast<HandleType>(static_cast<int>(HandleType::dvpp_first) + number);
}

/// Counts the descriptors that live.
struct CountedDesc {
    CountedDesc() { count(counters().live_dvpp_descs); }
    ~CountedDesc() { uncount(counters().live_dvpp_descs); }
    CountedDesc(const CountedDesc &) = delete;
    CountedDesc &operator=(const CountedDesc &) = delete;
};

/// What a frame config of the codecs says. Both kinds hold it: programs are seen that make their
/// encoder's config with aclvdecCreateFrameConfig, and an encoder takes it.
struct FrameConfig : CountedDesc {
    std::atomic<uint8_t> eos{0};
    std::atomic<uint8_t> force_key{0};
};

/// Values are atomic: device threads write results while the program reads.
struct PicDesc : CountedDesc {
    bool in_batch = false;              // set before the handle is given out
    std::atomic<void *> data{nullptr};  // as the program knows it
    std::atomic<uint32_t> size{0};
    std::atomic<int32_t> format{0};
    std::atomic<uint32_t> width{0};
    std::atomic<uint32_t> height{0};
    std::atomic<uint32_t> stride_w{0};
    std::atomic<uint32_t> stride_h{0};
    std::atomic<uint32_t> ret_code{0};
};

struct StreamDesc : CountedDesc {
    std::atomic<void *> data{nullptr};
    std::atomic<uint32_t> size{0};
    std::atomic<int32_t> format{0};
    std::atomic<uint64_t> timestamp{0};
    std::atomic<uint32_t> ret_code{0};
    std::atomic<uint8_t> eos{0};
};

using PicDescTable = HandleTable<PicDesc, dvpp_handle(0)>;
using PicDescRef = PicDescTable::Ref;

/// Handles of its pictures, which it owns.
struct BatchPicDesc : CountedDesc {
    std::vector<PicDescRef> pictures;
};

/// Inclusive corners, as the interface counts.
struct RoiConfig : CountedDesc {
    std::atomic<uint32_t> left{0};
    std::atomic<uint32_t> right{0};
    std::atomic<uint32_t> top{0};
    std::atomic<uint32_t> bottom{0};
};

struct ResizeConfig : CountedDesc {
    std::atomic<uint32_t> interpolation{0};
};

struct BorderConfig : CountedDesc {
    std::atomic<int32_t> type{0};
    std::atomic<uint32_t> top{0};
    std::atomic<uint32_t> bottom{0};
    std::atomic<uint32_t> left{0};
    std::atomic<uint32_t> right{0};
    std::array<std::atomic<double>, 4> value{};
};

struct JpegeConfig : CountedDesc {
    std::atomic<uint32_t> level{100};
};

/// Three histograms of 256 bins; how many are in use depends on the picture's format.
struct Hist : CountedDesc {
    std::array<std::array<uint32_t, 256>, 3> bins{};
    std::atomic<uint32_t> dims{0};
    std::atomic<uint32_t> ret_code{0};
};

struct LutMap : CountedDesc {
    std::array<std::array<uint8_t, 256>, 3> table{};
};

using BatchPicDescTable = HandleTable<BatchPicDesc, dvpp_handle(1)>;
using StreamDescTable = HandleTable<StreamDesc, dvpp_handle(2)>;
using RoiConfigTable = HandleTable<RoiConfig, dvpp_handle(3)>;
using ResizeConfigTable = HandleTable<ResizeConfig, dvpp_handle(4)>;
using BorderConfigTable = HandleTable<BorderConfig, dvpp_handle(5)>;
using JpegeConfigTable = HandleTable<JpegeConfig, dvpp_handle(6)>;
using HistTable = HandleTable<Hist, dvpp_handle(7)>;
using LutMapTable = HandleTable<LutMap, dvpp_handle(8)>;
// 9: acldvppChannelDesc, 10: aclvdecChannelDesc, 11: aclvdecFrameConfig, 12: aclvencChannelDesc,
// 13: aclvencFrameConfig; beside their engines.

using BatchPicDescRef = BatchPicDescTable::Ref;
using StreamDescRef = StreamDescTable::Ref;

SOFTNPU_API PicDescTable &pic_descs() noexcept;
SOFTNPU_API BatchPicDescTable &batch_pic_descs() noexcept;
SOFTNPU_API StreamDescTable &stream_descs() noexcept;
SOFTNPU_API RoiConfigTable &roi_configs() noexcept;
SOFTNPU_API ResizeConfigTable &resize_configs() noexcept;
SOFTNPU_API BorderConfigTable &border_configs() noexcept;
SOFTNPU_API JpegeConfigTable &jpege_configs() noexcept;
SOFTNPU_API HistTable &hists() noexcept;
SOFTNPU_API LutMapTable &lut_maps() noexcept;

}  // namespace softnpu
