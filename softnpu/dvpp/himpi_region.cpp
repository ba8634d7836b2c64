#include "softnpu/dvpp/himpi_region.hpp"

#include <algorithm>
#include <cstring>
#include <utility>

#include "softnpu/core/device.hpp"
#include "softnpu/core/status.hpp"
#include "softnpu/dvpp/himpi_vpc.hpp"
#include "softnpu/dvpp/overlay.hpp"
#include "softnpu/dvpp/registry.hpp"
#include "softnpu/memory/memory.hpp"

namespace softnpu {
namespace {

using Regions = ChannelRegistry<HimpiRegion>;

/// Every pixel the background's; pixels of less than a byte share it.
void paint(uint8_t *canvas, size_t size, hi_pixel_format format, uint32_t colour) {
    const uint32_t bits = overlay_bits(format);
    for (uint32_t filled = bits; filled < 32; filled *= 2) colour |= colour << filled;
    for (size_t i = 0; i < size; ++i) canvas[i] = static_cast<uint8_t>(colour >> i % 4 * 8);
}

int fail_place() {
    return fail(region_error(HI_ERR_RGN_UNEXIST), "the region is not attached to this channel");
}

}  // namespace

uint32_t canvas_stride(hi_pixel_format format, uint32_t width) {
    return (width * overlay_bits(format) + 127) / 128 * 16;
}

uint32_t canvas_colours(hi_pixel_format format) {
    const uint32_t bits = overlay_bits(format);
    return bits == 32 ? UINT32_MAX : (1u << bits) - 1;
}

int HimpiRegion::create(hi_rgn_handle handle, const hi_rgn_attr &attr) {
    if (!himpi_ready() || current_context_handle() == nullptr) {
        return fail(region_error(HI_ERR_RGN_NOT_READY), "set a device and call hi_mpi_sys_init");
    }
    auto region = std::make_shared<HimpiRegion>();
    region->device_ = current_device();
    region->attr_ = attr;
    if (Regions::all().find(region->device_, handle) == nullptr) {
        if (int code = region->make_canvases()) return code;
        if (Regions::all().add(region->device_, handle, region)) return HI_SUCCESS;
        region->close();
    }
    return fail(region_error(HI_ERR_RGN_EXIST), "region %u exists already", handle);
}

int HimpiRegion::make_canvases() {
    if (attr_.type != HI_RGN_OVERLAYEX) return 0;
    const hi_rgn_overlayex_attr &attr = attr_.attr.overlayex;
    const size_t size =
        size_t{canvas_stride(attr.pixel_format, attr.size.width)} * attr.size.height;
    for (hi_u32 i = 0; i < attr.canvas_num; ++i) {
        if (allocate(MemoryKind::himpi, device_, size, padded_size(size), &canvases_[i]) != 0) {
            close();
            return region_error(HI_ERR_RGN_NO_MEM);
        }
        paint(static_cast<uint8_t *>(device_view(canvases_[i])), size, attr.pixel_format,
              attr.bg_color);
    }
    back_ = attr.canvas_num - 1;
    return 0;
}

int HimpiRegion::find(hi_rgn_handle handle, HimpiRegionRef &region, bool take) {
    if (current_context_handle() == nullptr) {
        return fail(region_error(HI_ERR_RGN_NOT_READY),
                    "this thread has no context; call aclrtSetDevice first");
    }
    Regions &all = Regions::all();
    region = take ? all.take(current_device(), handle) : all.find(current_device(), handle);
    if (region != nullptr) return HI_SUCCESS;
    return fail(region_error(HI_ERR_RGN_UNEXIST), "region %u does not exist; create it first",
                handle);
}

void HimpiRegion::close() {
    void *canvases[2] = {};
    {
        const std::lock_guard<std::mutex> lock(mutex_);
        std::swap(canvases, canvases_);
    }
    for (void *canvas : canvases) {
        if (canvas != nullptr) release(MemoryKind::himpi, canvas);
    }
}

bool HimpiRegion::is_at(const Place &place) {
    const std::lock_guard<std::mutex> lock(mutex_);
    return places_.count(place) != 0;
}

int HimpiRegion::attach(const Place &place, const hi_rgn_chn_attr &shown) {
    const long most = attr_.type == HI_RGN_MOSAIC ? 4 : 8;
    const std::vector<HimpiRegionRef> all = Regions::all().on(device_);
    const auto others = std::count_if(all.begin(), all.end(), [&](const HimpiRegionRef &other) {
        return other.get() != this && other->attr_.type == attr_.type && other->is_at(place);
    });
    if (others >= most) {
        return fail(region_error(HI_ERR_RGN_NOT_PERM),
                    "the channel has %ld regions of this type already: detach one", most);
    }
    const std::lock_guard<std::mutex> lock(mutex_);
    places_.emplace(place, shown);
    return HI_SUCCESS;
}

void HimpiRegion::detach(const Place &place) {
    const std::lock_guard<std::mutex> lock(mutex_);
    places_.erase(place);
}

int HimpiRegion::set_shown(const Place &place, const hi_rgn_chn_attr &shown) {
    const std::lock_guard<std::mutex> lock(mutex_);
    const auto found = places_.find(place);
    if (found == places_.end()) return fail_place();
    found->second = shown;
    return HI_SUCCESS;
}

int HimpiRegion::shown(const Place &place, hi_rgn_chn_attr &shown) {
    const std::lock_guard<std::mutex> lock(mutex_);
    const auto found = places_.find(place);
    if (found == places_.end()) return fail_place();
    shown = found->second;
    return HI_SUCCESS;
}

int HimpiRegion::canvas(hi_rgn_canvas_info &info) {
    const std::lock_guard<std::mutex> lock(mutex_);
    const hi_rgn_overlayex_attr &attr = attr_.attr.overlayex;
    if (canvases_[back_] == nullptr) {
        return fail(region_error(HI_ERR_RGN_UNEXIST), "the region is destroyed");
    }
    std::memset(&info, 0, sizeof info);
    info.phys_addr = reinterpret_cast<uintptr_t>(canvases_[back_]);
    info.virt_addr = canvases_[back_];
    info.size = attr.size;
    info.stride = canvas_stride(attr.pixel_format, attr.size.width);
    info.pixel_format = attr.pixel_format;
    told_ = true;
    return HI_SUCCESS;
}

int HimpiRegion::update() {
    const std::lock_guard<std::mutex> lock(mutex_);
    if (!std::exchange(told_, false)) {
        return fail(region_error(HI_ERR_RGN_NOT_PERM),
                    "call hi_mpi_rgn_get_canvas_info before each update");
    }
    back_ = attr_.attr.overlayex.canvas_num - 1 - back_;
    return HI_SUCCESS;
}

}  // namespace softnpu
