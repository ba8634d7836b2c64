// Regions of the second media interface, which only a 310B has, and only where the program runs on
// the device itself: softnpu's unified mode.
#include "softnpu/dvpp/himpi_region.hpp"

#include "softnpu/api/entry.hpp"
#include "softnpu/core/config.hpp"
#include "softnpu/dvpp/chip.hpp"

using namespace softnpu;

namespace {

constexpr hi_s32 kGroups = 256;

int check_range(const char *what, long long value, long long least, long long most) {
    if (value >= least && value <= most) return 0;
    return fail(region_error(HI_ERR_RGN_ILLEGAL_PARAM), "%s %lld: want %lld to %lld", what, value,
                least, most);
}

/// The same, of multiples of 2.
int check_even(const char *what, long long value, long long least, long long most) {
    if (value % 2 == 0) return check_range(what, value, least, most);
    return fail(region_error(HI_ERR_RGN_ILLEGAL_PARAM), "%s %lld: want a multiple of 2", what,
                value);
}

int check_pointer(const void *pointer, const char *name) {
    if (pointer != nullptr) return 0;
    return fail(region_error(HI_ERR_RGN_NULL_PTR), "%s is NULL", name);
}

int check_handle(hi_rgn_handle handle) {
    if (!chip_is("Ascend310B") || config().mode != Mode::unified) {
        return fail(region_error(HI_ERR_RGN_NOT_SUPPORT),
                    "regions are of a 310B that is no card in a host: SOFTNPU_SOC Ascend310B4, "
                    "SOFTNPU_MODE unified");
    }
    if (handle < HI_RGN_HANDLE_MAX) return 0;
    return fail(region_error(HI_ERR_RGN_INVALID_CHN_ID), "region %u: want 0 to %d", handle,
                HI_RGN_HANDLE_MAX - 1);
}

int find_region(hi_rgn_handle handle, HimpiRegionRef &region, bool take = false) {
    SOFTNPU_CHECK(check_handle(handle));
    return HimpiRegion::find(handle, region, take);
}

/// One that programs paint.
int find_canvas(hi_rgn_handle handle, HimpiRegionRef &region) {
    SOFTNPU_CHECK(find_region(handle, region));
    if (region->type() == HI_RGN_OVERLAYEX) return 0;
    return fail(region_error(HI_ERR_RGN_NOT_SUPPORT), "region %u is no OVERLAYEX: it has no canvas",
                handle);
}

// ---- what a region is ----

int check_overlay(const hi_rgn_overlayex_attr &attr) {
    if (canvas_stride(attr.pixel_format, 2) == 0) {
        return fail(region_error(HI_ERR_RGN_ILLEGAL_PARAM),
                    "pixel_format %d: want ARGB_1555 (33), 4444 (25), 8888 (14), CLUT2 (41) or "
                    "CLUT4 (42)",
                    static_cast<int>(attr.pixel_format));
    }
    SOFTNPU_CHECK(check_range("bg_color", attr.bg_color, 0, canvas_colours(attr.pixel_format)));
    SOFTNPU_CHECK(check_even("width", attr.size.width, 2, 8192));
    SOFTNPU_CHECK(check_even("height", attr.size.height, 2, 8192));
    return check_range("canvas_num", attr.canvas_num, 1, 2);
}

int check_attr(const hi_rgn_attr &attr) {
    switch (attr.type) {
        case HI_RGN_OVERLAYEX:
            return check_overlay(attr.attr.overlayex);
        case HI_RGN_COVER:
        case HI_RGN_MOSAIC:
            return 0;
        default:
            return fail(region_error(HI_ERR_RGN_NOT_SUPPORT),
                        "type %d: want COVER (1), OVERLAYEX (2) or MOSAIC (5)",
                        static_cast<int>(attr.type));
    }
}

// ---- how it is shown ----

int check_cover(const hi_rgn_cover_chn_attr &attr) {
    if (attr.coord != HI_COORD_ABS || attr.cover.type != HI_COVER_RECT) {
        return fail(region_error(HI_ERR_RGN_NOT_SUPPORT),
                    "coord %d, cover.type %d: want absolute rectangles (0, 0)",
                    static_cast<int>(attr.coord), static_cast<int>(attr.cover.type));
    }
    const hi_rect &rect = attr.cover.rect;
    SOFTNPU_CHECK(check_even("rect.x", rect.x, -16384, 16382));
    SOFTNPU_CHECK(check_even("rect.y", rect.y, -16384, 16382));
    SOFTNPU_CHECK(check_even("rect.width", rect.width, 2, 16384));
    SOFTNPU_CHECK(check_even("rect.height", rect.height, 2, 16384));
    return check_range("layer", attr.layer, 0, 7);
}

int check_overlay_shown(const hi_rgn_overlayex_chn_attr &attr) {
    SOFTNPU_CHECK(check_even("point.x", attr.point.x, 0, 16382));
    SOFTNPU_CHECK(check_even("point.y", attr.point.y, 0, 16382));
    SOFTNPU_CHECK(check_range("fg_alpha", attr.fg_alpha, 0, 255));
    SOFTNPU_CHECK(check_range("bg_alpha", attr.bg_alpha, 0, 255));
    return check_range("layer", attr.layer, 0, 7);
}

int check_mosaic(const hi_rgn_mosaic_chn_attr &attr) {
    SOFTNPU_CHECK(check_range("rect.x", attr.rect.x, -16384, 16384));
    SOFTNPU_CHECK(check_range("rect.y", attr.rect.y, -16384, 16384));
    SOFTNPU_CHECK(check_range("rect.width", attr.rect.width, 8, 16384));
    SOFTNPU_CHECK(check_range("rect.height", attr.rect.height, 8, 16384));
    SOFTNPU_CHECK(check_range("blk_size", attr.blk_size, HI_BLK_SIZE_8, HI_BLK_SIZE_32));
    return check_range("layer", attr.layer, 0, 3);
}

int check_shown(hi_rgn_type type, const hi_rgn_chn_attr *attr) {
    SOFTNPU_CHECK(check_pointer(attr, "chn_attr"));
    SOFTNPU_CHECK(check_range("type (the region's)", attr->type, type, type));
    SOFTNPU_CHECK(check_range("is_show", attr->is_show, 0, 1));
    if (type == HI_RGN_COVER) return check_cover(attr->attr.cover_chn);
    if (type == HI_RGN_MOSAIC) return check_mosaic(attr->attr.mosaic_chn);
    return check_overlay_shown(attr->attr.overlayex_chn);
}

/// Covers and mosaics belong to groups, overlays to one of a group's two channels.
int take_place(hi_rgn_type type, const hi_mpp_chn *chn, HimpiRegion::Place &place) {
    SOFTNPU_CHECK(check_pointer(chn, "chn"));
    if (chn->mod_id != HI_ID_VPSS) {
        return fail(region_error(HI_ERR_RGN_NOT_SUPPORT),
                    "mod_id %d: regions are drawn by VPSS (%d)", static_cast<int>(chn->mod_id),
                    static_cast<int>(HI_ID_VPSS));
    }
    SOFTNPU_CHECK(check_range("dev_id (the group)", chn->dev_id, 0, kGroups - 1));
    SOFTNPU_CHECK(check_range("chn_id", chn->chn_id, 0, type == HI_RGN_OVERLAYEX ? 1 : 0));
    place = {chn->mod_id, chn->dev_id, chn->chn_id};
    return 0;
}

/// A region and where it is, or is to be, drawn.
int find_both(hi_rgn_handle handle, const hi_mpp_chn *chn, HimpiRegionRef &region,
              HimpiRegion::Place &place) {
    SOFTNPU_CHECK(find_region(handle, region));
    return take_place(region->type(), chn, place);
}

}  // namespace

extern "C" {

hi_s32 hi_mpi_rgn_create(hi_rgn_handle handle, const hi_rgn_attr *rgn_attr) {
    return guarded(__func__, [&] {
        SOFTNPU_CHECK(check_handle(handle));
        SOFTNPU_CHECK(check_pointer(rgn_attr, "rgn_attr"));
        SOFTNPU_CHECK(check_attr(*rgn_attr));
        return HimpiRegion::create(handle, *rgn_attr);
    });
}

hi_s32 hi_mpi_rgn_destroy(hi_rgn_handle handle) {
    return guarded(__func__, [&] {
        HimpiRegionRef region;
        SOFTNPU_CHECK(find_region(handle, region, true));
        region->close();
        return HI_SUCCESS;
    });
}

hi_s32 hi_mpi_rgn_attach_to_chn(hi_rgn_handle handle, const hi_mpp_chn *chn,
                                const hi_rgn_chn_attr *chn_attr) {
    return guarded(__func__, [&] {
        HimpiRegionRef region;
        HimpiRegion::Place place;
        SOFTNPU_CHECK(find_both(handle, chn, region, place));
        SOFTNPU_CHECK(check_shown(region->type(), chn_attr));
        return region->attach(place, *chn_attr);
    });
}

hi_s32 hi_mpi_rgn_detach_from_chn(hi_rgn_handle handle, const hi_mpp_chn *chn) {
    return guarded(__func__, [&] {
        HimpiRegionRef region;
        HimpiRegion::Place place;
        SOFTNPU_CHECK(find_both(handle, chn, region, place));
        region->detach(place);
        return HI_SUCCESS;
    });
}

hi_s32 hi_mpi_rgn_set_display_attr(hi_rgn_handle handle, const hi_mpp_chn *chn,
                                   const hi_rgn_chn_attr *chn_attr) {
    return guarded(__func__, [&] {
        HimpiRegionRef region;
        HimpiRegion::Place place;
        SOFTNPU_CHECK(find_both(handle, chn, region, place));
        SOFTNPU_CHECK(check_shown(region->type(), chn_attr));
        return region->set_shown(place, *chn_attr);
    });
}

hi_s32 hi_mpi_rgn_get_display_attr(hi_rgn_handle handle, const hi_mpp_chn *chn,
                                   hi_rgn_chn_attr *chn_attr) {
    return guarded(__func__, [&] {
        HimpiRegionRef region;
        HimpiRegion::Place place;
        SOFTNPU_CHECK(find_both(handle, chn, region, place));
        SOFTNPU_CHECK(check_pointer(chn_attr, "chn_attr"));
        return region->shown(place, *chn_attr);
    });
}

hi_s32 hi_mpi_rgn_get_canvas_info(hi_rgn_handle handle, hi_rgn_canvas_info *canvas_info) {
    return guarded(__func__, [&] {
        HimpiRegionRef region;
        SOFTNPU_CHECK(find_canvas(handle, region));
        SOFTNPU_CHECK(check_pointer(canvas_info, "canvas_info"));
        return region->canvas(*canvas_info);
    });
}

hi_s32 hi_mpi_rgn_update_canvas(hi_rgn_handle handle) {
    return guarded(__func__, [&] {
        HimpiRegionRef region;
        SOFTNPU_CHECK(find_canvas(handle, region));
        return region->update();
    });
}

}  // extern "C"
