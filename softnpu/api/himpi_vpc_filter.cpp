// Borders, pyramids, histograms and tables of the second media interface.
#include <algorithm>

#include "softnpu/api/himpi_vpc.hpp"
#include "softnpu/memory/memory.hpp"

using namespace softnpu;

namespace {

int same_format(const Picture &source, const Picture &target) {
    if (source.format == target.format) return 0;
    return fail(vpc_error(HI_ERR_VPC_NOT_SUPPORT), "source is %s, destination %s: want the same",
                format_info(source.format)->name, format_info(target.format)->name);
}

constexpr hi_u32 kMostLevels = 4;
constexpr uint32_t kMostSide = 2048, kLeastWidth = 20, kLeastHeight = 12;

/// The source of a pyramid: grey, and not so small that a level has less than 10x6.
int check_pyramid_source(const Picture &source, hi_u32 levels) {
    if (levels < 1 || levels > kMostLevels) {
        return fail(vpc_error(HI_ERR_VPC_ILLEGAL_PARAM), "filter_level %u: want 1 to 4", levels);
    }
    if (source.format != HI_PIXEL_FORMAT_YUV_400) {
        return fail(vpc_error(HI_ERR_VPC_NOT_SUPPORT), "a pyramid of %s: want YUV_400",
                    format_info(source.format)->name);
    }
    const uint32_t width = kLeastWidth << (levels - 1), height = kLeastHeight << (levels - 1);
    if (source.width >= width && source.height >= height && source.width <= kMostSide &&
        source.height <= kMostSide) {
        return 0;
    }
    return fail(vpc_error(HI_ERR_VPC_ILLEGAL_PARAM),
                "source_pic is %ux%u: %u levels want %ux%u to %ux%u", source.width, source.height,
                levels, width, height, kMostSide, kMostSide);
}

/// The weights, whose default is the Gaussian, and what lies beyond the edge.
int take_filter(const hi_s8 (*weights)[5], hi_u16 divisor, const hi_vpc_make_border_info &border,
                vpc::PyramidFilter &filter) {
    if (divisor == 0 || (divisor & (divisor - 1)) != 0) {
        return fail(vpc_error(HI_ERR_VPC_ILLEGAL_PARAM), "divisor %u: want a power of 2", divisor);
    }
    vpc::Margins margins;
    SOFTNPU_CHECK(take_vpc_border(border.border_type, border.scalar_value, margins));
    if (margins.type == vpc::Border::reflect_101) {
        return fail(vpc_error(HI_ERR_VPC_NOT_SUPPORT),
                    "border type 3: pyramids have constant (0), replicate (1) and reflect (2)");
    }
    for (size_t i = 0; weights != nullptr && i < 5; ++i) {
        std::copy(weights[i], weights[i] + 5, filter.weights[i]);
    }
    filter.shift = __builtin_ctz(divisor);
    filter.border = margins.type;
    filter.constant = static_cast<uint8_t>(margins.value[0]);
    return 0;
}

/// Every level has half the size of the one before.
int take_levels(const hi_vpc_pic_info *infos, hi_u32 levels, std::vector<Picture> &pictures) {
    if (infos == nullptr) return fail(vpc_error(HI_ERR_VPC_NULL_PTR), "dest_pic is NULL");
    for (hi_u32 i = 0; i < levels; ++i) {
        const Picture from = pictures.back();
        Picture to;
        SOFTNPU_CHECK(take_vpc_picture("dest_pic", &infos[i], to));
        SOFTNPU_CHECK(same_format(from, to));
        const auto halves = [](uint32_t a, uint32_t b) { return b == a / 2 || b == (a + 1) / 2; };
        if (!halves(from.width, to.width) || !halves(from.height, to.height)) {
            return fail(vpc_error(HI_ERR_VPC_ILLEGAL_PARAM),
                        "dest_pic[%u] is %ux%u: want half of %ux%u", i, to.width, to.height,
                        from.width, from.height);
        }
        pictures.push_back(to);
    }
    return 0;
}

}  // namespace

extern "C" {

hi_s32 hi_mpi_vpc_copy_make_border(hi_vpc_chn chn, const hi_vpc_pic_info *source_pic,
                                   hi_vpc_pic_info *dest_pic,
                                   hi_vpc_make_border_info make_border_info, hi_u32 *task_id,
                                   hi_s32 milli_sec) {
    return guarded(__func__, [&] {
        std::shared_ptr<VpcChannel> channel;
        SOFTNPU_CHECK(find_vpc(chn, channel));
        SOFTNPU_CHECK(check_vpc_call(task_id, milli_sec));
        Picture source, target;
        SOFTNPU_CHECK(take_vpc_picture("source_pic", source_pic, source));
        SOFTNPU_CHECK(take_vpc_picture("dest_pic", dest_pic, target));
        const hi_vpc_make_border_info &info = make_border_info;
        vpc::Margins margins;
        SOFTNPU_CHECK(take_vpc_border(info.border_type, info.scalar_value, margins));
        if (uint64_t{info.left} + info.right + source.width != target.width ||
            uint64_t{info.top} + info.bottom + source.height != target.height) {
            return wrong_vpc("the destination must be the source plus its borders");
        }
        vpc::convert_margin_colour(source.format, target.format, margins);
        margins.top = info.top;
        margins.bottom = info.bottom;
        margins.left = info.left;
        margins.right = info.right;
        return submit_vpc_operation(
            "hi_mpi_vpc_copy_make_border", *channel, {source, target},
            [margins, matrix = channel->csc_matrix.load()](const std::vector<Picture> &seen) {
                std::string why = vpc::make_border(seen[0], seen[1], margins, matrix);
                if (why.empty()) vpc::set_alpha(seen[1], vpc_whole(seen[1]), 0);
                return why;
            },
            task_id, milli_sec);
    });
}

/// `hist_config` may be host or device memory; it must live until the result is fetched.
hi_s32 hi_mpi_vpc_calc_hist(hi_vpc_chn chn, const hi_vpc_pic_info *source_pic,
                            hi_vpc_histogram_config *hist_config, hi_u32 *task_id,
                            hi_s32 milli_sec) {
    return guarded(__func__, [&] {
        std::shared_ptr<VpcChannel> channel;
        SOFTNPU_CHECK(find_vpc(chn, channel));
        SOFTNPU_CHECK(check_vpc_call(task_id, milli_sec));
        Picture source;
        SOFTNPU_CHECK(take_vpc_picture("source_pic", source_pic, source, PictureUse::statistic));
        if (hist_config == nullptr) {
            return fail(vpc_error(HI_ERR_VPC_NULL_PTR), "hist_config is NULL");
        }
        const auto check = [hist_config] {
            return check_memory("hist_config", hist_config, sizeof *hist_config,
                                vpc_error(HI_ERR_VPC_BAD_ADDR));
        };
        SOFTNPU_CHECK(check());
        return submit_vpc_operation(
            "hi_mpi_vpc_calc_hist", *channel, {source},
            [check, hist_config](const std::vector<Picture> &seen) -> std::string {
                if (check() != 0) return pending_message();  // freed meanwhile
                uint32_t bins[3][256], dims = 0;
                std::string why = vpc::histogram(seen[0], bins, dims);
                auto *to = static_cast<hi_vpc_histogram_config *>(device_view(hist_config));
                std::copy(std::begin(bins[0]), std::end(bins[0]), to->histogram_y_or_r);
                std::copy(std::begin(bins[1]), std::end(bins[1]), to->histogram_u_or_g);
                std::copy(std::begin(bins[2]), std::end(bins[2]), to->histogram_v_or_b);
                return why;
            },
            task_id, milli_sec);
    });
}

hi_s32 hi_mpi_vpc_pyrdown(hi_vpc_chn chn, const hi_vpc_pic_info *source_pic,
                          hi_vpc_pic_info dest_pic[], hi_u32 filter_level,
                          hi_s8 gaussian_filter[][5], hi_u16 divisor,
                          hi_vpc_make_border_info make_border_info, hi_u32 *task_id,
                          hi_s32 milli_sec) {
    return guarded(__func__, [&] {
        std::shared_ptr<VpcChannel> channel;
        SOFTNPU_CHECK(find_vpc(chn, channel));
        SOFTNPU_CHECK(check_vpc_call(task_id, milli_sec));
        std::vector<Picture> pictures(1);
        SOFTNPU_CHECK(take_vpc_picture("source_pic", source_pic, pictures[0]));
        SOFTNPU_CHECK(check_pyramid_source(pictures[0], filter_level));
        vpc::PyramidFilter filter;
        SOFTNPU_CHECK(take_filter(gaussian_filter, divisor, make_border_info, filter));
        SOFTNPU_CHECK(take_levels(dest_pic, filter_level, pictures));
        return submit_vpc_operation(
            "hi_mpi_vpc_pyrdown", *channel, std::move(pictures),
            [filter](const std::vector<Picture> &seen) {
                std::string why;
                for (size_t i = 1; why.empty() && i < seen.size(); ++i) {
                    why = vpc::pyramid_down(seen[i - 1], seen[i], filter);
                }
                return why;
            },
            task_id, milli_sec);
    });
}

hi_s32 hi_mpi_vpc_equalize_hist(hi_vpc_chn chn, const hi_vpc_pic_info *source_pic,
                                hi_vpc_pic_info *dest_pic, const hi_vpc_lut_remap *lut_remap,
                                hi_u32 *task_id, hi_s32 milli_sec) {
    return guarded(__func__, [&] {
        std::shared_ptr<VpcChannel> channel;
        SOFTNPU_CHECK(find_vpc(chn, channel));
        SOFTNPU_CHECK(check_vpc_call(task_id, milli_sec));
        Picture source, target;
        SOFTNPU_CHECK(take_vpc_picture("source_pic", source_pic, source, PictureUse::statistic));
        SOFTNPU_CHECK(take_vpc_picture("dest_pic", dest_pic, target, PictureUse::statistic));
        if (lut_remap == nullptr) {
            return fail(vpc_error(HI_ERR_VPC_NULL_PTR), "lut_remap is NULL");
        }
        if (source.width != target.width || source.height != target.height) {
            return wrong_vpc("source and destination differ in size");
        }
        SOFTNPU_CHECK(same_format(source, target));
        return submit_vpc_operation(
            "hi_mpi_vpc_equalize_hist", *channel, {source, target},
            [map = *lut_remap](const std::vector<Picture> &seen) {
                uint8_t table[3][256];
                std::copy(std::begin(map.map_value_y_or_r), std::end(map.map_value_y_or_r),
                          table[0]);
                std::copy(std::begin(map.map_value_u_or_g), std::end(map.map_value_u_or_g),
                          table[1]);
                std::copy(std::begin(map.map_value_v_or_b), std::end(map.map_value_v_or_b),
                          table[2]);
                return vpc::apply_lut(seen[0], seen[1], table);
            },
            task_id, milli_sec);
    });
}

}  // extern "C"
