// ROI, resize, border, JPEG, histogram and table descriptors of the first media interface.
#include <algorithm>

#include "acl/ops/acl_dvpp.h"
#include "softnpu/api/dvpp_access.hpp"
#include "softnpu/core/context.hpp"

using namespace softnpu;

namespace {

constexpr uint32_t kLargestCorner = 65535;

int check_corner(const char *name, uint32_t value) {
    if (value <= kLargestCorner) return 0;
    return fail(ACL_ERROR_INVALID_PARAM, "%s %u: want 0 to %u", name, value, kLargestCorner);
}

int check_corners(uint32_t left, uint32_t right, uint32_t top, uint32_t bottom) {
    SOFTNPU_CHECK(check_corner("left", left));
    SOFTNPU_CHECK(check_corner("right", right));
    SOFTNPU_CHECK(check_corner("top", top));
    return check_corner("bottom", bottom);
}

void store_corners(RoiConfig &roi, uint32_t left, uint32_t right, uint32_t top, uint32_t bottom) {
    roi.left = left;
    roi.right = right;
    roi.top = top;
    roi.bottom = bottom;
}

int set_corner(const char *function, acldvppRoiConfig *config,
               std::atomic<uint32_t> RoiConfig::*side, uint32_t value) {
    return guarded(function, [&] {
        SOFTNPU_CHECK(check_corner("the corner", value));
        return set_value(function, roi_configs(), config, side, value);
    });
}

}  // namespace

extern "C" {

// ---- regions of interest ----

acldvppRoiConfig *acldvppCreateRoiConfig(uint32_t left, uint32_t right, uint32_t top,
                                         uint32_t bottom) {
    return guarded_value<acldvppRoiConfig *>(__func__, nullptr, [&]() -> acldvppRoiConfig * {
        if (require_context() != 0 || check_corners(left, right, top, bottom) != 0) return nullptr;
        const auto roi = roi_configs().create();
        store_corners(*roi, left, right, top, bottom);
        return static_cast<acldvppRoiConfig *>(roi.handle());
    });
}

aclError acldvppDestroyRoiConfig(acldvppRoiConfig *roiConfig) {
    return destroy_in(__func__, roi_configs(), roiConfig);
}

aclError acldvppSetRoiConfig(acldvppRoiConfig *config, uint32_t left, uint32_t right, uint32_t top,
                             uint32_t bottom) {
    return guarded(__func__, [&] {
        RoiConfigTable::Ref roi;
        SOFTNPU_CHECK(find_in(roi_configs(), config, "config", roi));
        SOFTNPU_CHECK(check_corners(left, right, top, bottom));
        store_corners(*roi, left, right, top, bottom);
        return 0;
    });
}

aclError acldvppSetRoiConfigLeft(acldvppRoiConfig *config, uint32_t left) {
    return set_corner(__func__, config, &RoiConfig::left, left);
}

aclError acldvppSetRoiConfigRight(acldvppRoiConfig *config, uint32_t right) {
    return set_corner(__func__, config, &RoiConfig::right, right);
}

aclError acldvppSetRoiConfigTop(acldvppRoiConfig *config, uint32_t top) {
    return set_corner(__func__, config, &RoiConfig::top, top);
}

aclError acldvppSetRoiConfigBottom(acldvppRoiConfig *config, uint32_t bottom) {
    return set_corner(__func__, config, &RoiConfig::bottom, bottom);
}

// ---- resizing ----

acldvppResizeConfig *acldvppCreateResizeConfig() {
    return create_in<acldvppResizeConfig>(__func__, resize_configs());
}

aclError acldvppDestroyResizeConfig(acldvppResizeConfig *resizeConfig) {
    return destroy_in(__func__, resize_configs(), resizeConfig);
}

uint32_t acldvppGetResizeConfigInterpolation(const acldvppResizeConfig *resizeConfig) {
    return get_value(__func__, resize_configs(), resizeConfig, &ResizeConfig::interpolation);
}

aclError acldvppSetResizeConfigInterpolation(acldvppResizeConfig *resizeConfig,
                                             uint32_t interpolation) {
    return guarded(__func__, [&] {
        if (interpolation > 4) {
            return fail(ACL_ERROR_INVALID_PARAM,
                        "interpolation %u: want 0 (default), 1 or 3 (bilinear), 2 or 4 (nearest)",
                        interpolation);
        }
        return set_value(__func__, resize_configs(), resizeConfig, &ResizeConfig::interpolation,
                         interpolation);
    });
}

// ---- borders ----

acldvppBorderConfig *acldvppCreateBorderConfig() {
    return create_in<acldvppBorderConfig>(__func__, border_configs());
}

aclError acldvppDestroyBorderConfig(acldvppBorderConfig *borderConfig) {
    return destroy_in(__func__, border_configs(), borderConfig);
}

acldvppBorderType acldvppGetBorderConfigBorderType(const acldvppBorderConfig *borderConfig) {
    return static_cast<acldvppBorderType>(
        get_value(__func__, border_configs(), borderConfig, &BorderConfig::type));
}

aclError acldvppSetBorderConfigBorderType(acldvppBorderConfig *borderConfig,
                                          acldvppBorderType borderType) {
    return guarded(__func__, [&] {
        if (borderType < BORDER_CONSTANT || borderType > BORDER_REFLECT_101) {
            return fail(ACL_ERROR_INVALID_PARAM, "borderType %d: want 0 to 3",
                        static_cast<int>(borderType));
        }
        return set_value(__func__, border_configs(), borderConfig, &BorderConfig::type,
                         static_cast<int32_t>(borderType));
    });
}

uint32_t acldvppGetBorderConfigTop(const acldvppBorderConfig *borderConfig) {
    return get_value(__func__, border_configs(), borderConfig, &BorderConfig::top);
}

aclError acldvppSetBorderConfigTop(acldvppBorderConfig *borderConfig, uint32_t top) {
    return set_value(__func__, border_configs(), borderConfig, &BorderConfig::top, top);
}

uint32_t acldvppGetBorderConfigBottom(const acldvppBorderConfig *borderConfig) {
    return get_value(__func__, border_configs(), borderConfig, &BorderConfig::bottom);
}

aclError acldvppSetBorderConfigBottom(acldvppBorderConfig *borderConfig, uint32_t bottom) {
    return set_value(__func__, border_configs(), borderConfig, &BorderConfig::bottom, bottom);
}

uint32_t acldvppGetBorderConfigLeft(const acldvppBorderConfig *borderConfig) {
    return get_value(__func__, border_configs(), borderConfig, &BorderConfig::left);
}

aclError acldvppSetBorderConfigLeft(acldvppBorderConfig *borderConfig, uint32_t left) {
    return set_value(__func__, border_configs(), borderConfig, &BorderConfig::left, left);
}

uint32_t acldvppGetBorderConfigRight(const acldvppBorderConfig *borderConfig) {
    return get_value(__func__, border_configs(), borderConfig, &BorderConfig::right);
}

aclError acldvppSetBorderConfigRight(acldvppBorderConfig *borderConfig, uint32_t right) {
    return set_value(__func__, border_configs(), borderConfig, &BorderConfig::right, right);
}

double acldvppGetBorderConfigValue(const acldvppBorderConfig *borderConfig, uint32_t index) {
    return guarded_value(__func__, 0.0, [&] {
        const auto border = border_configs().find(borderConfig);
        if (!border) return fail_handle(borderConfig, "borderConfig"), 0.0;
        if (index >= border->value.size()) {
            fail(ACL_ERROR_INVALID_PARAM, "index %u: want 0 to 3", index);
            return 0.0;
        }
        return border->value[index].load();
    });
}

aclError acldvppSetBorderConfigValue(acldvppBorderConfig *borderConfig, uint32_t index,
                                     double value) {
    return guarded(__func__, [&] {
        BorderConfigTable::Ref border;
        SOFTNPU_CHECK(find_in(border_configs(), borderConfig, "borderConfig", border));
        if (index >= border->value.size()) {
            return fail(ACL_ERROR_INVALID_PARAM, "index %u: want 0 to 3", index);
        }
        border->value[index] = value;
        return 0;
    });
}

// ---- JPEG ----

acldvppJpegeConfig *acldvppCreateJpegeConfig() {
    return create_in<acldvppJpegeConfig>(__func__, jpege_configs());
}

aclError acldvppDestroyJpegeConfig(acldvppJpegeConfig *jpegeConfig) {
    return destroy_in(__func__, jpege_configs(), jpegeConfig);
}

uint32_t acldvppGetJpegeConfigLevel(const acldvppJpegeConfig *jpegeConfig) {
    return get_value(__func__, jpege_configs(), jpegeConfig, &JpegeConfig::level);
}

aclError acldvppSetJpegeConfigLevel(acldvppJpegeConfig *jpegeConfig, uint32_t level) {
    return guarded(__func__, [&] {
        if (level > 100) {
            return fail(ACL_ERROR_INVALID_PARAM, "level %u: want 0 to 100 (0 means 100)", level);
        }
        return set_value(__func__, jpege_configs(), jpegeConfig, &JpegeConfig::level, level);
    });
}

// ---- histograms ----

acldvppHist *acldvppCreateHist() {
    return create_in<acldvppHist>(__func__, hists());
}

aclError acldvppDestroyHist(acldvppHist *hist) {
    return destroy_in(__func__, hists(), hist);
}

uint32_t acldvppGetHistDims(acldvppHist *hist) {
    return get_value(__func__, hists(), hist, &Hist::dims);
}

uint32_t acldvppGetHistRetCode(acldvppHist *hist) {
    return get_value(__func__, hists(), hist, &Hist::ret_code);
}

/// The bins stay where they are until the descriptor is destroyed.
aclError acldvppGetHistData(acldvppHist *hist, uint32_t dim, uint32_t **data, uint16_t *len) {
    return guarded(__func__, [&] {
        SOFTNPU_CHECK(require_pointer(data, "data"));
        SOFTNPU_CHECK(require_pointer(len, "len"));
        HistTable::Ref found;
        SOFTNPU_CHECK(find_in(hists(), hist, "hist", found));
        if (dim >= found->dims) {
            return fail(ACL_ERROR_INVALID_PARAM, "dim %u: the histogram has %u", dim,
                        found->dims.load());
        }
        *data = found->bins[dim].data();
        *len = static_cast<uint16_t>(found->bins[dim].size());
        return 0;
    });
}

aclError acldvppClearHist(acldvppHist *hist) {
    return guarded(__func__, [&] {
        HistTable::Ref found;
        SOFTNPU_CHECK(find_in(hists(), hist, "hist", found));
        for (auto &bins : found->bins) bins.fill(0);
        found->ret_code = 0;
        return 0;
    });
}

// ---- tables ----

acldvppLutMap *acldvppCreateLutMap() {
    return create_in<acldvppLutMap>(__func__, lut_maps());
}

aclError acldvppDestroyLutMap(acldvppLutMap *lutMap) {
    return destroy_in(__func__, lut_maps(), lutMap);
}

uint32_t acldvppGetLutMapDims(const acldvppLutMap *lutMap) {
    return guarded_value(__func__, 0u, [&] {
        const auto found = lut_maps().find(lutMap);
        if (!found) return fail_handle(lutMap, "lutMap"), 0u;
        return static_cast<uint32_t>(found->table.size());
    });
}

/// The program fills the table through this pointer.
aclError acldvppGetLutMapData(const acldvppLutMap *lutMap, uint32_t dim, uint8_t **data,
                              uint32_t *len) {
    return guarded(__func__, [&] {
        SOFTNPU_CHECK(require_pointer(data, "data"));
        SOFTNPU_CHECK(require_pointer(len, "len"));
        LutMapTable::Ref found;
        SOFTNPU_CHECK(find_in(lut_maps(), lutMap, "lutMap", found));
        if (dim >= found->table.size()) {
            return fail(ACL_ERROR_INVALID_PARAM, "dim %u: the table has %zu", dim,
                        found->table.size());
        }
        *data = found->table[dim].data();
        *len = static_cast<uint32_t>(found->table[dim].size());
        return 0;
    });
}

}  // extern "C"
