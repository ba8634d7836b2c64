// Affine and perspective views and free maps of the second media interface, which 310B, A2 and
// later chips have.
#include <cmath>
#include <cstring>

#include "softnpu/api/himpi_vpc.hpp"
#include "softnpu/memory/memory.hpp"
#include "softnpu/vpc/warp.hpp"

using namespace softnpu;

namespace {

constexpr uint32_t kLeastWidth = 10, kLeastHeight = 6, kMostWidth = 4096, kMostHeight = 8192;

int check_pointer(const void *pointer, const char *what) {
    return pointer != nullptr ? 0 : fail(vpc_error(HI_ERR_VPC_NULL_PTR), "%s is NULL", what);
}

int check_sides(const char *what, uint32_t width, uint32_t height) {
    if (width >= kLeastWidth && height >= kLeastHeight && width <= kMostWidth &&
        height <= kMostHeight) {
        return 0;
    }
    return fail(vpc_error(HI_ERR_VPC_ILLEGAL_PARAM), "%s of %ux%u: want %ux%u to %ux%u", what,
                width, height, kLeastWidth, kLeastHeight, kMostWidth, kMostHeight);
}

// ---- tables of places, whose layout is our own: a head, then floats as vpc::Places has them ----

struct TableHead {
    static constexpr uint32_t kMark = 0x4C564D52;  // "RMVL"
    uint32_t mark = kMark;
    uint32_t source_width = 0, source_height = 0, target_width = 0, target_height = 0;
    uint32_t reserved[11] = {};
};
static_assert(sizeof(TableHead) == 64, "the floats stay aligned");

uint64_t table_bytes(uint32_t width, uint32_t height) {
    return sizeof(TableHead) + uint64_t{width} * height * 2 * sizeof(float);
}

/// The table's memory is media memory of at least the size it needs; its view by the engines.
int find_table(const hi_remap_lut &lut, uint8_t *&table) {
    SOFTNPU_CHECK(check_sides("source", lut.src_pic_width, lut.src_pic_height));
    SOFTNPU_CHECK(check_sides("destination", lut.dest_pic_width, lut.dest_pic_height));
    SOFTNPU_CHECK(check_pointer(lut.lut, "lut"));
    const uint64_t bytes = table_bytes(lut.dest_pic_width, lut.dest_pic_height);
    if (lut.lut_size < bytes) {
        return fail(vpc_error(HI_ERR_VPC_ILLEGAL_PARAM),
                    "lut_size %u: want what hi_mpi_vpc_get_lut_mem_size says, %llu", lut.lut_size,
                    static_cast<unsigned long long>(bytes));
    }
    Picture probe;
    probe.data = static_cast<uint8_t *>(lut.lut);
    probe.size = bytes;
    if (std::string why = check_vpc_memory("lut", probe); !why.empty()) {
        return fail(vpc_error(HI_ERR_VPC_BAD_ADDR), "%s", why.c_str());
    }
    table = probe.data;
    return 0;
}

float *floats_of(uint8_t *table) {
    return reinterpret_cast<float *>(table + sizeof(TableHead));
}

void write_head(const hi_remap_lut &lut, uint8_t *table) {
    TableHead head;
    head.source_width = lut.src_pic_width;
    head.source_height = lut.src_pic_height;
    head.target_width = lut.dest_pic_width;
    head.target_height = lut.dest_pic_height;
    std::memcpy(table, &head, sizeof head);
}

/// What a program passes off as a table was made by one of ours, for these sizes.
int check_head(const hi_remap_lut &lut, const uint8_t *table) {
    TableHead head;
    std::memcpy(&head, table, sizeof head);
    if (head.mark == TableHead::kMark && head.source_width == lut.src_pic_width &&
        head.source_height == lut.src_pic_height && head.target_width == lut.dest_pic_width &&
        head.target_height == lut.dest_pic_height) {
        return 0;
    }
    return fail(vpc_error(HI_ERR_VPC_ILLEGAL_PARAM),
                "lut was not made for pictures of these sizes; fill it with "
                "hi_mpi_vpc_get_affine_lut, _get_perspective_lut or _get_remap_lut");
}

// ---- points ----

struct Pairs {
    float from[4][2], to[4][2];
};

int take_pairs(const hi_point_pair_info *info, hi_u32 wanted, Pairs &pairs) {
    SOFTNPU_CHECK(check_pointer(info, "point_pair_info"));
    if (info->src_point_count != wanted || info->dest_point_count != wanted) {
        return fail(vpc_error(HI_ERR_VPC_ILLEGAL_PARAM), "%u and %u points: want %u of each",
                    info->src_point_count, info->dest_point_count, wanted);
    }
    for (hi_u32 i = 0; i < wanted; ++i) {
        const hi_float_point &from = info->src_point[i], &to = info->dest_point[i];
        if (!std::isfinite(from.x) || !std::isfinite(from.y) || !std::isfinite(to.x) ||
            !std::isfinite(to.y)) {
            return wrong_vpc("points: want finite numbers");
        }
        const float values[] = {from.x, from.y, to.x, to.y};
        std::copy(values, values + 2, pairs.from[i]);
        std::copy(values + 2, values + 4, pairs.to[i]);
    }
    return 0;
}

void write_matrix(const double (&rows)[2][3], hi_transform_matrix &matrix) {
    matrix = {};
    matrix.matrix_type = HI_MATRIX_2_PLUS_3;
    for (int i = 0; i < 2; ++i) {
        for (int k = 0; k < 3; ++k) matrix.matrix[i][k] = static_cast<float>(rows[i][k]);
    }
}

constexpr const char *kOnLine = "three of the points lie on a line: want them apart";

/// From the target's pixels to the source's.
int way_back(const hi_point_pair_info *info, hi_u32 count, vpc::Homography &formula) {
    Pairs pairs;
    SOFTNPU_CHECK(take_pairs(info, count, pairs));
    double rows[2][3];
    if (count == 4) {
        return vpc::perspective_of(pairs.to, pairs.from, formula) ? 0 : wrong_vpc(kOnLine);
    }
    if (!vpc::affine_of(pairs.from, pairs.to, rows) || !vpc::invert_affine(rows, formula)) {
        return wrong_vpc(kOnLine);
    }
    return 0;
}

int make_table(const char *function, const hi_point_pair_info *info, hi_u32 points,
               hi_u32 interpolation, const hi_remap_lut *lut) {
    return guarded(function, [&] {
        SOFTNPU_CHECK(check_vpc_newer_chip(function));
        SOFTNPU_CHECK(check_pointer(info, "point_pair_info"));
        SOFTNPU_CHECK(check_pointer(lut, "remap_lut"));
        if (interpolation > 1) return wrong_vpc("interpolation: want 0 (bilinear) or 1 (nearest)");
        vpc::Places places;
        SOFTNPU_CHECK(way_back(info, points, places.formula));
        uint8_t *table = nullptr;
        SOFTNPU_CHECK(find_table(*lut, table));
        places.width = lut->dest_pic_width;
        places.height = lut->dest_pic_height;
        vpc::fill_table(places, floats_of(table));
        write_head(*lut, table);
        return HI_SUCCESS;
    });
}

// ---- warping ----

bool can_be_warped(PixelFormat format, bool as_target) {
    switch (format) {
        case HI_PIXEL_FORMAT_YUV_400:
        case HI_PIXEL_FORMAT_YUV_SEMIPLANAR_420:
        case HI_PIXEL_FORMAT_YVU_SEMIPLANAR_420:
        case HI_PIXEL_FORMAT_RGB_888:
        case HI_PIXEL_FORMAT_BGR_888:
        case HI_PIXEL_FORMAT_YUV_PACKED_444:
        case HI_PIXEL_FORMAT_YVU_PACKED_444:
            return true;
        default:
            return as_target && is_packed_422(format);
    }
}

int take_warped(const char *name, const hi_vpc_pic_info &info, bool as_target, Picture &picture) {
    SOFTNPU_CHECK(take_vpc_picture(name, &info, picture, PictureUse::pixels));
    if (!can_be_warped(picture.format, as_target)) {
        return fail(vpc_error(HI_ERR_VPC_NOT_SUPPORT), "%s: %s cannot be warped", name,
                    format_info(picture.format)->name);
    }
    return check_sides(name, picture.width, picture.height);
}

struct Warp {
    Picture source, target;
    vpc::WarpRule rule;
};

int take_warp(const hi_warp_transform_param *parameters, const VpcChannel &channel, Warp &warp) {
    SOFTNPU_CHECK(check_pointer(parameters, "transform_param"));
    SOFTNPU_CHECK(take_warped("src", parameters->src, false, warp.source));
    SOFTNPU_CHECK(take_warped("dst", parameters->dst, true, warp.target));
    const Picture &from = warp.source, &to = warp.target;
    if (from.data < to.data + to.size && to.data < from.data + from.size) {
        return wrong_vpc("src and dst share memory: a picture cannot be warped where it is");
    }
    const hi_transform_config &config = parameters->transform_config;
    if (config.interpolation > 1) {
        return wrong_vpc("interpolation: want 0 (bilinear) or 1 (nearest)");
    }
    vpc::Margins margins;
    SOFTNPU_CHECK(take_vpc_border(config.border_type, config.scalar_value, margins));
    if (margins.type != vpc::Border::constant && margins.type != vpc::Border::replicate) {
        return fail(vpc_error(HI_ERR_VPC_NOT_SUPPORT),
                    "border_type: want constant (0) or replicate (1)");
    }
    warp.rule.nearest = config.interpolation == 1;
    warp.rule.repeats = margins.type == vpc::Border::replicate;
    std::copy(margins.value, margins.value + 3, warp.rule.constant);
    warp.rule.matrix = channel.csc_matrix;
    return 0;
}

/// The workspace is large enough; `needed`: there must be one.
int check_workspace(VpcChannel &channel, VpcChannel::WorkspaceUse use, const Warp &warp,
                    bool needed) {
    const VpcChannel::Workspace room = channel.workspace(use);
    if (room.source_width == 0) {
        if (!needed) return 0;
        return fail(vpc_error(HI_ERR_VPC_NOT_CFG),
                    "the channel has no workspace for this; call hi_mpi_vpc_set_chn_workspace "
                    "after creating it");
    }
    if (warp.source.width <= room.source_width && warp.source.height <= room.source_height &&
        warp.target.width <= room.target_width && warp.target.height <= room.target_height) {
        return 0;
    }
    return fail(vpc_error(HI_ERR_VPC_ILLEGAL_PARAM),
                "%ux%u to %ux%u is larger than the channel's workspace, %ux%u to %ux%u",
                warp.source.width, warp.source.height, warp.target.width, warp.target.height,
                room.source_width, room.source_height, room.target_width, room.target_height);
}

/// The 310B works without one where source and target are alike and not NV12 or NV21.
bool needs_workspace(const Warp &warp) {
    const bool plain = format_info(warp.source.format)->planes == 1;
    return !chip_is("Ascend310B") || !plain || warp.source.format != warp.target.format;
}

int take_matrix(const hi_transform_matrix *matrix, vpc::Homography &formula) {
    SOFTNPU_CHECK(check_pointer(matrix, "matrix"));
    const int type = static_cast<int>(matrix->matrix_type);
    const float (&rows)[3][4] = matrix->matrix;
    const bool is_affine = rows[2][0] == 0 && rows[2][1] == 0 && rows[2][2] == 1;
    if (type != HI_MATRIX_2_PLUS_3 && !(type == HI_MATRIX_3_PLUS_3 && is_affine)) {
        return wrong_vpc("matrix_type: want 0 (2x3), or 1 (3x3) whose last row is 0 0 1");
    }
    double there[2][3];
    for (int i = 0; i < 2; ++i) {
        for (int k = 0; k < 3; ++k) there[i][k] = static_cast<double>(rows[i][k]);
    }
    if (vpc::invert_affine(there, formula)) return 0;
    return wrong_vpc("the matrix has no inverse");
}

VpcChannel::Workspace workspace_of(const hi_vpc_workspace_param &param) {
    return {param.max_source_pic_width, param.max_source_pic_height, param.max_dest_pic_width,
            param.max_dest_pic_height};
}

}  // namespace

extern "C" {

/// Pictures are warped without memory set aside: the sizes are kept for checks.
hi_s32 hi_mpi_vpc_set_chn_workspace(hi_vpc_chn chn, hi_vpc_workspace_param *workspace_param,
                                    hi_u32 param_cnt) {
    return guarded(__func__, [&] {
        std::shared_ptr<VpcChannel> channel;
        SOFTNPU_CHECK(find_vpc(chn, channel));
        SOFTNPU_CHECK(check_vpc_newer_chip("hi_mpi_vpc_set_chn_workspace"));
        SOFTNPU_CHECK(check_pointer(workspace_param, "workspace_param"));
        if (param_cnt < 1 || param_cnt > VpcChannel::kUses) {
            return wrong_vpc("param_cnt: want 1 or 2");
        }
        VpcChannel::Workspaces workspaces;
        for (hi_u32 i = 0; i < param_cnt; ++i) {
            const hi_vpc_workspace_param &param = workspace_param[i];
            const int func = static_cast<int>(param.func);
            if (func != REMAP && func != AFFINE) {
                return wrong_vpc("func: want 0 (REMAP) or 1 (AFFINE)");
            }
            SOFTNPU_CHECK(check_sides("the largest source", param.max_source_pic_width,
                                      param.max_source_pic_height));
            SOFTNPU_CHECK(check_sides("the largest destination", param.max_dest_pic_width,
                                      param.max_dest_pic_height));
            auto &mine = workspaces[func == REMAP ? VpcChannel::kRemap : VpcChannel::kAffine];
            if (mine.source_width != 0) return wrong_vpc("func: want a different one each");
            mine = workspace_of(param);
        }
        if (channel->set_workspaces(workspaces)) return HI_SUCCESS;
        return fail(vpc_error(HI_ERR_VPC_NOT_PERM),
                    "the channel has a workspace; it can be set once only");
    });
}

hi_s32 hi_mpi_vpc_get_lut_mem_size(hi_u32 width, hi_u32 height, hi_u32 *lut_size) {
    return guarded(__func__, [&] {
        SOFTNPU_CHECK(check_vpc_newer_chip("hi_mpi_vpc_get_lut_mem_size"));
        SOFTNPU_CHECK(check_pointer(lut_size, "lut_size"));
        SOFTNPU_CHECK(check_sides("the destination", width, height));
        *lut_size = static_cast<hi_u32>(table_bytes(width, height));
        return HI_SUCCESS;
    });
}

hi_s32 hi_mpi_vpc_get_affine_lut(hi_point_pair_info *point_pair_info, hi_u32 interpolation,
                                 hi_remap_lut *remap_lut) {
    return make_table(__func__, point_pair_info, 3, interpolation, remap_lut);
}

hi_s32 hi_mpi_vpc_get_perspective_lut(hi_point_pair_info *point_pair_info, hi_u32 interpolation,
                                      hi_remap_lut *remap_lut) {
    return make_table(__func__, point_pair_info, 4, interpolation, remap_lut);
}

/// The maps may be host or device memory.
hi_s32 hi_mpi_vpc_get_remap_lut(hi_map_param *map_param, hi_remap_lut *remap_lut) {
    return guarded(__func__, [&] {
        SOFTNPU_CHECK(check_vpc_newer_chip("hi_mpi_vpc_get_remap_lut"));
        SOFTNPU_CHECK(check_pointer(map_param, "map_param"));
        SOFTNPU_CHECK(check_pointer(remap_lut, "remap_lut"));
        const hi_map_param &map = *map_param;
        const hi_remap_lut &lut = *remap_lut;
        if (map.src_pic_width != lut.src_pic_width || map.src_pic_height != lut.src_pic_height ||
            map.dest_pic_width != lut.dest_pic_width ||
            map.dest_pic_height != lut.dest_pic_height) {
            return wrong_vpc("map_param and remap_lut differ in the sizes of the pictures");
        }
        uint8_t *table = nullptr;
        SOFTNPU_CHECK(find_table(lut, table));
        const uint64_t bytes =
            uint64_t{map.dest_pic_width} * map.dest_pic_height * sizeof(hi_float);
        if (map.map_size != bytes) {
            return fail(vpc_error(HI_ERR_VPC_ILLEGAL_PARAM), "map_size %u: want %llu", map.map_size,
                        static_cast<unsigned long long>(bytes));
        }
        for (const void *one : {map.map1, map.map2}) {
            SOFTNPU_CHECK(check_pointer(one, "map1 or map2"));
            SOFTNPU_CHECK(check_memory("map1 or map2", one, bytes, vpc_error(HI_ERR_VPC_BAD_ADDR)));
        }
        vpc::join_maps(static_cast<const float *>(device_view(map.map1)),
                       static_cast<const float *>(device_view(map.map2)), map.dest_pic_width,
                       map.dest_pic_height, floats_of(table));
        write_head(lut, table);
        return HI_SUCCESS;
    });
}

hi_s32 hi_mpi_vpc_get_affine_transform(hi_point_pair_info *point_pair_info,
                                       hi_transform_matrix *matrix) {
    return guarded(__func__, [&] {
        SOFTNPU_CHECK(check_vpc_newer_chip("hi_mpi_vpc_get_affine_transform"));
        SOFTNPU_CHECK(check_pointer(matrix, "matrix"));
        Pairs pairs;
        SOFTNPU_CHECK(take_pairs(point_pair_info, 3, pairs));
        double rows[2][3];
        if (!vpc::affine_of(pairs.from, pairs.to, rows)) return wrong_vpc(kOnLine);
        write_matrix(rows, *matrix);
        return HI_SUCCESS;
    });
}

hi_s32 hi_mpi_vpc_get_rotation_matrix(hi_float_point center_point, hi_double angle, hi_double scale,
                                      hi_transform_matrix *matrix) {
    return guarded(__func__, [&] {
        SOFTNPU_CHECK(check_vpc_newer_chip("hi_mpi_vpc_get_rotation_matrix"));
        SOFTNPU_CHECK(check_pointer(matrix, "matrix"));
        if (!std::isfinite(center_point.x) || !std::isfinite(center_point.y) ||
            !std::isfinite(angle) || !std::isfinite(scale) || !(scale > 0)) {
            return wrong_vpc("center_point, angle, scale: want finite numbers, scale over 0");
        }
        double rows[2][3];
        vpc::rotation_of(center_point.x, center_point.y, angle, scale, rows);
        write_matrix(rows, *matrix);
        return HI_SUCCESS;
    });
}

hi_s32 hi_mpi_vpc_warp_affine(hi_vpc_chn chn, hi_transform_matrix *matrix,
                              hi_warp_transform_param *transform_param, hi_u32 *task_id,
                              hi_s32 milli_sec) {
    return guarded(__func__, [&] {
        std::shared_ptr<VpcChannel> channel;
        SOFTNPU_CHECK(find_vpc(chn, channel));
        SOFTNPU_CHECK(check_vpc_newer_chip("hi_mpi_vpc_warp_affine"));
        SOFTNPU_CHECK(check_vpc_call(task_id, milli_sec));
        vpc::Places places;
        SOFTNPU_CHECK(take_matrix(matrix, places.formula));
        Warp warp;
        SOFTNPU_CHECK(take_warp(transform_param, *channel, warp));
        SOFTNPU_CHECK(check_workspace(*channel, VpcChannel::kAffine, warp, false));
        places.width = warp.target.width;
        places.height = warp.target.height;
        return submit_vpc_operation(
            "hi_mpi_vpc_warp_affine", *channel, {warp.source, warp.target},
            [places, rule = warp.rule](const std::vector<Picture> &seen) {
                return vpc::warp(seen[0], seen[1], places, rule);
            },
            task_id, milli_sec);
    });
}

hi_s32 hi_mpi_vpc_lut_remap(hi_vpc_chn chn, hi_warp_transform_param *transform_param,
                            hi_remap_lut *remap_lut, hi_u32 *task_id, hi_s32 milli_sec) {
    return guarded(__func__, [&] {
        std::shared_ptr<VpcChannel> channel;
        SOFTNPU_CHECK(find_vpc(chn, channel));
        SOFTNPU_CHECK(check_vpc_newer_chip("hi_mpi_vpc_lut_remap"));
        SOFTNPU_CHECK(check_vpc_call(task_id, milli_sec));
        Warp warp;
        SOFTNPU_CHECK(take_warp(transform_param, *channel, warp));
        SOFTNPU_CHECK(check_pointer(remap_lut, "remap_lut"));
        const hi_remap_lut lut = *remap_lut;
        uint8_t *table = nullptr;
        SOFTNPU_CHECK(find_table(lut, table));
        if (lut.src_pic_width != warp.source.width || lut.src_pic_height != warp.source.height ||
            lut.dest_pic_width != warp.target.width || lut.dest_pic_height != warp.target.height) {
            return wrong_vpc("remap_lut was made for pictures of other sizes");
        }
        SOFTNPU_CHECK(check_head(lut, table));
        SOFTNPU_CHECK(check_workspace(*channel, VpcChannel::kRemap, warp, needs_workspace(warp)));
        return submit_vpc_operation(
            "hi_mpi_vpc_lut_remap", *channel, {warp.source, warp.target},
            [lut, rule = warp.rule](const std::vector<Picture> &seen) -> std::string {
                uint8_t *seen_table = nullptr;
                // Looked at again: the program may have freed or filled it since.
                if (find_table(lut, seen_table) != 0 || check_head(lut, seen_table) != 0) {
                    return pending_message();
                }
                vpc::Places places;
                places.table = floats_of(seen_table);
                places.width = lut.dest_pic_width;
                places.height = lut.dest_pic_height;
                return vpc::warp(seen[0], seen[1], places, rule);
            },
            task_id, milli_sec);
    });
}

}  // extern "C"
