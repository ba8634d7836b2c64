// Scaling, cropping and pasting of the second media interface, one picture or many.
#include <algorithm>
#include <cmath>

#include "softnpu/api/himpi_vpc.hpp"

using namespace softnpu;

namespace {

constexpr uint32_t kMost = 256;

Rect area(const hi_vpc_crop_region &region) {
    return {region.left_offset, region.top_offset, region.crop_width, region.crop_height};
}

int fill(const hi_vpc_crop_region_info &region, HimpiPiece &piece) {
    piece.crop = area(region.crop_region);
    piece.paste = vpc_whole(piece.target);
    if (piece.crop.width == piece.paste.width && piece.crop.height == piece.paste.height) return 0;
    return wrong_vpc("the destination must have the size of the crop area");
}

int fill(const hi_vpc_crop_resize_region &region, HimpiPiece &piece) {
    piece.crop = area(region.crop_region);
    piece.paste = vpc_whole(piece.target);
    const hi_vpc_resize_info &size = region.resize_info;
    if (size.resize_width != piece.paste.width || size.resize_height != piece.paste.height) {
        return wrong_vpc("the resize size must equal the size of the destination");
    }
    return take_vpc_interpolation(size.interpolation, piece.how);
}

int fill(const hi_vpc_crop_resize_paste_region &region, HimpiPiece &piece) {
    piece.crop = area(region.crop_region);
    piece.pastes = true;
    piece.paste = {region.dest_left_offset, region.dest_top_offset, region.resize_info.resize_width,
                   region.resize_info.resize_height};
    return take_vpc_interpolation(region.resize_info.interpolation, piece.how);
}

/// Scaled twice, the second time to what is pasted.
int fill(const hi_vpc_crop_resize_resize_paste_region &region, HimpiPiece &piece) {
    const hi_vpc_resize_info &first = region.resize_info1, &second = region.resize_info2;
    piece.crop = area(region.crop_region);
    piece.between = {0, 0, first.resize_width, first.resize_height};
    piece.pastes = true;
    piece.paste = {region.dest_left_offset, region.dest_top_offset, second.resize_width,
                   second.resize_height};
    Picture middle = piece.target;
    middle.width = first.resize_width;
    middle.height = first.resize_height;
    middle.stride_w = row_bytes(middle.format, std::min(middle.width, 8192u), 32);
    middle.stride_h = (std::min(middle.height, 8192u) + 1) / 2 * 2;
    middle.size = SIZE_MAX;
    if (std::string why = check_geometry("resize_info1", middle); !why.empty()) {
        return wrong_vpc(why.c_str());
    }
    SOFTNPU_CHECK(take_vpc_interpolation(first.interpolation, piece.how));
    return take_vpc_interpolation(second.interpolation, piece.how_then);
}

int fill(const hi_vpc_crop_resize_border_region &region, HimpiPiece &piece) {
    const hi_vpc_resize_info &size = region.resize_info;
    const uint64_t right = uint64_t{region.dest_left_offset} + size.resize_width;
    const uint64_t bottom = uint64_t{region.dest_top_offset} + size.resize_height;
    if (right > piece.target.width || bottom > piece.target.height) {
        return wrong_vpc("the resized area does not fit into the destination at its offset");
    }
    piece.crop = area(region.crop_region);
    piece.paste = {region.dest_left_offset, region.dest_top_offset, size.resize_width,
                   size.resize_height};
    // The paste's rules but the multiple of 16, as in the first interface.
    if (std::string why = check_crop(piece.target, piece.paste); !why.empty()) {
        return wrong_vpc(why.c_str());
    }
    piece.borders = true;
    piece.margins.top = region.dest_top_offset;
    piece.margins.left = region.dest_left_offset;
    piece.margins.bottom = piece.target.height - static_cast<uint32_t>(bottom);
    piece.margins.right = piece.target.width - static_cast<uint32_t>(right);
    SOFTNPU_CHECK(take_vpc_border(region.border_type, region.scalar_value, piece.margins));
    vpc::convert_margin_colour(piece.source.format, piece.target.format, piece.margins);
    return take_vpc_interpolation(size.interpolation, piece.how);
}

template <class Region>
int add_piece(const hi_vpc_pic_info *source, const Region &region,
              std::vector<HimpiPiece> &pieces) {
    HimpiPiece piece;
    SOFTNPU_CHECK(take_vpc_picture("source_pic", source, piece.source));
    SOFTNPU_CHECK(take_vpc_picture("dest_pic_info", &region.dest_pic_info, piece.target));
    SOFTNPU_CHECK(fill(region, piece));
    SOFTNPU_CHECK(check_vpc_piece(piece));
    pieces.push_back(piece);
    return 0;
}

/// `counts` regions of each of `number` sources, laid out one after the other.
template <class Region>
int submit(const char *function, hi_vpc_chn chn, const hi_vpc_pic_info *const *sources,
           hi_u32 number, const Region *regions, const hi_u32 *counts, hi_u32 *task,
           hi_s32 milliseconds) {
    return guarded(function, [&] {
        std::shared_ptr<VpcChannel> channel;
        SOFTNPU_CHECK(find_vpc(chn, channel));
        SOFTNPU_CHECK(check_vpc_call(task, milliseconds));
        if (sources == nullptr || regions == nullptr || counts == nullptr) {
            return fail(vpc_error(HI_ERR_VPC_NULL_PTR), "an array of the arguments is NULL");
        }
        if (number == 0 || number > kMost)
            return wrong_vpc("the number of pictures: want 1 to 256");
        uint64_t total = 0;
        for (hi_u32 i = 0; i < number; ++i) {
            if (counts[i] == 0 || counts[i] > kMost) return wrong_vpc("a count: want 1 to 256");
            total += counts[i];
        }
        if (total > kMost) return wrong_vpc("the counts add up to more than 256");
        std::vector<HimpiPiece> pieces;
        pieces.reserve(total);
        for (hi_u32 i = 0; i < number; ++i) {
            for (hi_u32 k = 0; k < counts[i]; ++k) {
                SOFTNPU_CHECK(add_piece(sources[i], regions[pieces.size()], pieces));
            }
        }
        return submit_vpc_pieces(function, *channel, std::move(pieces), task, milliseconds);
    });
}

/// fx and fy are 0, or what the sizes say.
bool factor_fits(double factor, uint32_t from, uint32_t to) {
    return factor == 0 || (std::isfinite(factor) && std::fabs(factor * from - to) <= 1.0);
}

}  // namespace

extern "C" {

hi_s32 hi_mpi_vpc_resize(hi_vpc_chn chn, const hi_vpc_pic_info *source_pic,
                         hi_vpc_pic_info *dest_pic, hi_double fx, hi_double fy,
                         hi_u32 interpolation, hi_u32 *task_id, hi_s32 milli_sec) {
    return guarded(__func__, [&] {
        std::shared_ptr<VpcChannel> channel;
        SOFTNPU_CHECK(find_vpc(chn, channel));
        SOFTNPU_CHECK(check_vpc_call(task_id, milli_sec));
        HimpiPiece piece;
        SOFTNPU_CHECK(take_vpc_picture("source_pic", source_pic, piece.source));
        SOFTNPU_CHECK(take_vpc_picture("dest_pic", dest_pic, piece.target));
        if (!factor_fits(fx, piece.source.width, piece.target.width) ||
            !factor_fits(fy, piece.source.height, piece.target.height)) {
            return wrong_vpc("fx and fy must be 0 or the ratio of the sizes");
        }
        SOFTNPU_CHECK(take_vpc_interpolation(interpolation, piece.how));
        piece.crop = vpc_whole(piece.source);
        piece.paste = vpc_whole(piece.target);
        SOFTNPU_CHECK(check_vpc_piece(piece));
        return submit_vpc_pieces("hi_mpi_vpc_resize", *channel, {piece}, task_id, milli_sec);
    });
}

hi_s32 hi_mpi_vpc_crop(hi_vpc_chn chn, const hi_vpc_pic_info *source_pic,
                       hi_vpc_crop_region_info crop_info[], hi_u32 count, hi_u32 *task_id,
                       hi_s32 milli_sec) {
    return submit(__func__, chn, &source_pic, 1, crop_info, &count, task_id, milli_sec);
}

hi_s32 hi_mpi_vpc_crop_resize(hi_vpc_chn chn, const hi_vpc_pic_info *source_pic,
                              hi_vpc_crop_resize_region crop_resize_info[], hi_u32 count,
                              hi_u32 *task_id, hi_s32 milli_sec) {
    return submit(__func__, chn, &source_pic, 1, crop_resize_info, &count, task_id, milli_sec);
}

hi_s32 hi_mpi_vpc_crop_resize_paste(hi_vpc_chn chn, const hi_vpc_pic_info *source_pic,
                                    hi_vpc_crop_resize_paste_region crop_resize_paste_info[],
                                    hi_u32 count, hi_u32 *task_id, hi_s32 milli_sec) {
    return submit(__func__, chn, &source_pic, 1, crop_resize_paste_info, &count, task_id,
                  milli_sec);
}

hi_s32 hi_mpi_vpc_crop_resize_resize_paste(
    hi_vpc_chn chn, const hi_vpc_pic_info *source_pic,
    hi_vpc_crop_resize_resize_paste_region crop_resize_resize_paste_info[], hi_u32 count,
    hi_u32 *task_id, hi_s32 milli_sec) {
    return submit(__func__, chn, &source_pic, 1, crop_resize_resize_paste_info, &count, task_id,
                  milli_sec);
}

hi_s32 hi_mpi_vpc_crop_resize_make_border(
    hi_vpc_chn chn, const hi_vpc_pic_info *source_pic,
    hi_vpc_crop_resize_border_region crop_resize_make_border_info[], hi_u32 count, hi_u32 *task_id,
    hi_s32 milli_sec) {
    return submit(__func__, chn, &source_pic, 1, crop_resize_make_border_info, &count, task_id,
                  milli_sec);
}

hi_s32 hi_mpi_vpc_batch_crop_resize_paste(hi_vpc_chn chn, const hi_vpc_pic_info *source_pic[],
                                          hi_u32 pic_num,
                                          hi_vpc_crop_resize_paste_region crop_resize_paste_info[],
                                          hi_u32 count[], hi_u32 *task_id, hi_s32 milli_sec) {
    return submit(__func__, chn, source_pic, pic_num, crop_resize_paste_info, count, task_id,
                  milli_sec);
}

hi_s32 hi_mpi_vpc_batch_crop_resize_make_border(
    hi_vpc_chn chn, const hi_vpc_pic_info *source_pic[], hi_u32 pic_num,
    hi_vpc_crop_resize_border_region crop_resize_make_border_info[], hi_u32 count[],
    hi_u32 *task_id, hi_s32 milli_sec) {
    return submit(__func__, chn, source_pic, pic_num, crop_resize_make_border_info, count, task_id,
                  milli_sec);
}

}  // extern "C"
