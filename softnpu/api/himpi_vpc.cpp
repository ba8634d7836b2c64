#include "softnpu/api/himpi_vpc.hpp"

#include "softnpu/core/config.hpp"
#include "softnpu/core/counters.hpp"
#include "softnpu/dvpp/parallel.hpp"

namespace softnpu {

namespace {

int32_t channel_ids() {
    return chip_is("Ascend310B") ? 128 : 256;
}

int check_chip() {
    if (himpi_on_chip()) return 0;
    return fail(vpc_error(HI_ERR_VPC_NOT_SUPPORT),
                "%s has no hi_mpi interface; use acldvppVpc*, or choose another SOFTNPU_SOC",
                config().soc_name.c_str());
}

int create(hi_vpc_chn &chn, const hi_vpc_chn_attr *attr) {
    SOFTNPU_CHECK(check_chip());
    if (attr == nullptr) return fail(vpc_error(HI_ERR_VPC_NULL_PTR), "attr is NULL");
    if (!himpi_ready() || require_context() != 0) {
        return fail(vpc_error(HI_ERR_VPC_SYS_NOT_READY), "set a device and call hi_mpi_sys_init");
    }
    const hi_s32 depth = attr->attr;
    if (depth != 0 && (depth < static_cast<hi_s32>(VpcChannel::kLeastDepth) ||
                       depth > static_cast<hi_s32>(VpcChannel::kMostDepth))) {
        return fail(vpc_error(HI_ERR_VPC_ILLEGAL_PARAM),
                    "attr %d: want a queue of 10 to 350 operations, or 0", depth);
    }
    return VpcChannel::create(
        chn, channel_ids(), depth == 0 ? VpcChannel::kDefaultDepth : static_cast<uint32_t>(depth));
}

std::string engine_addresses(Picture &picture) {
    return check_vpc_memory("a picture", picture);
}

std::string scale_piece(const HimpiPiece &piece, const Picture &source, const Picture &target) {
    if (piece.between.width == 0) {
        return vpc::crop_resize_paste(source, piece.crop, target, piece.paste, piece.how,
                                      piece.matrix);
    }
    Picture middle;
    middle.format = target.format;
    middle.width = piece.between.width;
    middle.height = piece.between.height;
    middle.stride_w = row_bytes(target.format, middle.width, 16);
    middle.stride_h = (middle.height + 1) / 2 * 2;
    middle.size = picture_bytes(target.format, middle.stride_w, middle.stride_h);
    std::vector<uint8_t> memory(middle.size + 64);
    middle.data = memory.data();
    std::string why =
        vpc::crop_resize_paste(source, piece.crop, middle, piece.between, piece.how, piece.matrix);
    if (!why.empty()) return why;
    return vpc::crop_resize_paste(middle, piece.between, target, piece.paste, piece.how_then,
                                  piece.matrix);
}

HimpiResult run_piece(const HimpiPiece &piece) {
    // Checked again: the program may have freed the memory since.
    Picture source = piece.source, target = piece.target;
    std::string why = engine_addresses(source);
    if (why.empty()) why = engine_addresses(target);
    if (!why.empty()) return {vpc_error(HI_ERR_VPC_BAD_ADDR), why};
    why = scale_piece(piece, source, target);
    if (why.empty() && piece.borders) why = vpc::fill_margins(target, piece.margins);
    if (why.empty()) {
        vpc::set_alpha(target, piece.borders ? vpc_whole(target) : piece.paste, piece.alpha);
    }
    if (!why.empty()) return {vpc_error(HI_ERR_VPC_NOT_SUPPORT), why};
    count(counters().images_processed);
    return {};
}

HimpiResult run_pieces(const std::vector<HimpiPiece> &pieces) {
    std::vector<HimpiResult> results(pieces.size());
    parallel_for(pieces.size(), [&](size_t i) { results[i] = run_piece(pieces[i]); });
    for (HimpiResult &result : results) {
        if (result.code != 0) return std::move(result);
    }
    return {};
}

}  // namespace

int find_vpc(hi_vpc_chn chn, std::shared_ptr<VpcChannel> &channel) {
    SOFTNPU_CHECK(check_chip());
    if (chn < 0 || chn >= channel_ids()) {
        return fail(vpc_error(HI_ERR_VPC_INVALID_CHN_ID), "channel %d: want 0 to %d", chn,
                    channel_ids() - 1);
    }
    if (require_context() != 0) return vpc_error(HI_ERR_VPC_SYS_NOT_READY);
    channel = VpcChannel::find(chn);
    if (channel) return 0;
    return fail(vpc_error(HI_ERR_VPC_UNEXIST), "channel %d does not exist; create it first", chn);
}

int take_vpc_picture(const char *name, const hi_vpc_pic_info *info, Picture &picture,
                     PictureUse use) {
    if (info == nullptr) return fail(vpc_error(HI_ERR_VPC_NULL_PTR), "%s is NULL", name);
    picture = {static_cast<uint8_t *>(info->picture_address),
               info->picture_buffer_size,
               static_cast<PixelFormat>(info->picture_format),
               info->picture_width,
               info->picture_height,
               info->picture_width_stride,
               info->picture_height_stride};
    if (picture.data == nullptr) {
        return fail(vpc_error(HI_ERR_VPC_NULL_PTR), "%s has no memory", name);
    }
    if (std::string why = check_vpc_format(name, picture.format, use); !why.empty()) {
        return fail(vpc_error(HI_ERR_VPC_NOT_SUPPORT), "%s", why.c_str());
    }
    if (std::string why = check_geometry(name, picture); !why.empty()) {
        return fail(vpc_error(HI_ERR_VPC_ILLEGAL_PARAM), "%s", why.c_str());
    }
    Picture probe = picture;
    if (std::string why = check_vpc_memory(name, probe); !why.empty()) {
        return fail(vpc_error(HI_ERR_VPC_BAD_ADDR), "%s", why.c_str());
    }
    return 0;
}

std::string check_vpc_memory(const char *what, Picture &picture) {
    return check_picture_memory(what, picture);
}

int take_vpc_interpolation(hi_u32 number, Interpolation &how) {
    if (number > 1) {
        return fail(vpc_error(HI_ERR_VPC_ILLEGAL_PARAM),
                    "interpolation %u: want 0 (bilinear) or 1 (nearest); this interface has no "
                    "others",
                    number);
    }
    // Numbered otherwise than in V1. What a card computes by default is known from V1 alone.
    how = number == 0 ? Interpolation::card : Interpolation::nearest;
    return 0;
}

int take_vpc_border(int type, const hi_vpc_scalar &scalar, vpc::Margins &margins) {
    if (type == HI_BORDER_WRAP) {
        return fail(vpc_error(HI_ERR_VPC_NOT_SUPPORT), "border type 4 (wrap) is not supported");
    }
    if (type < HI_BORDER_CONSTANT || type > HI_BORDER_REFLECT_101) {
        return fail(vpc_error(HI_ERR_VPC_ILLEGAL_PARAM), "border type %d: want 0 to 3", type);
    }
    margins.type = static_cast<vpc::Border>(type);
    std::copy(std::begin(scalar.val), std::end(scalar.val), margins.value);
    for (const double value : margins.value) {
        if (margins.type == vpc::Border::constant && !(value >= 0 && value <= 255)) {
            return fail(vpc_error(HI_ERR_VPC_ILLEGAL_PARAM), "border value %g: want 0 to 255",
                        value);
        }
    }
    return 0;
}

int check_vpc_call(const hi_u32 *task, hi_s32 milliseconds) {
    if (task == nullptr) return fail(vpc_error(HI_ERR_VPC_NULL_PTR), "task_id is NULL");
    if (milliseconds >= -1) return 0;
    return fail(vpc_error(HI_ERR_VPC_ILLEGAL_PARAM), "milli_sec %d: want -1 or more", milliseconds);
}

int check_vpc_newer_chip(const char *function) {
    if (newer_generation()) return 0;
    return fail(vpc_error(HI_ERR_VPC_NOT_SUPPORT),
                "%s has no %s; 310B, A2 and later chips have it: choose another SOFTNPU_SOC",
                config().soc_name.c_str(), function);
}

int wrong_vpc(const char *rule) {
    return fail(vpc_error(HI_ERR_VPC_ILLEGAL_PARAM), "%s", rule);
}

int check_vpc_piece(const HimpiPiece &piece) {
    std::string why = check_crop(piece.source, piece.crop);
    if (why.empty() && piece.pastes) why = check_paste(piece.target, piece.paste);
    const bool twice = piece.between.width != 0;
    if (why.empty()) why = check_scale(piece.crop, twice ? piece.between : piece.paste);
    if (why.empty() && twice) why = check_scale(piece.between, piece.paste);
    if (why.empty()) return 0;
    return fail(vpc_error(HI_ERR_VPC_ILLEGAL_PARAM), "%s", why.c_str());
}

Rect vpc_whole(const Picture &picture) noexcept {
    return {0, 0, picture.width, picture.height};
}

int submit_vpc_pieces(const char *name, VpcChannel &channel, std::vector<HimpiPiece> pieces,
                      hi_u32 *task, hi_s32 milliseconds) {
    for (HimpiPiece &piece : pieces) piece.matrix = channel.csc_matrix;
    return channel.submit(
        name, [pieces = std::move(pieces)] { return run_pieces(pieces); }, *task, milliseconds);
}

int submit_vpc_operation(const char *name, VpcChannel &channel, std::vector<Picture> pictures,
                         VpcOperation operation, hi_u32 *task, hi_s32 milliseconds) {
    auto work = [pictures = std::move(pictures),
                 operation = std::move(operation)]() -> HimpiResult {
        std::vector<Picture> seen = pictures;
        for (Picture &picture : seen) {
            std::string why = engine_addresses(picture);
            if (!why.empty()) return {vpc_error(HI_ERR_VPC_BAD_ADDR), why};
        }
        std::string why = operation(seen);
        if (!why.empty()) return {vpc_error(HI_ERR_VPC_NOT_SUPPORT), why};
        count(counters().images_processed);
        return {};
    };
    return channel.submit(name, std::move(work), *task, milliseconds);
}

}  // namespace softnpu

using namespace softnpu;

extern "C" {

hi_s32 hi_mpi_vpc_create_chn(hi_vpc_chn chn, const hi_vpc_chn_attr *attr) {
    return guarded(__func__, [&] {
        if (chn < 0 || chn >= channel_ids()) {
            return fail(vpc_error(HI_ERR_VPC_INVALID_CHN_ID), "channel %d: want 0 to %d", chn,
                        channel_ids() - 1);
        }
        return create(chn, attr);
    });
}

hi_s32 hi_mpi_vpc_sys_create_chn(hi_vpc_chn *chnl, const hi_vpc_chn_attr *attr) {
    return guarded(__func__, [&] {
        if (chnl == nullptr) return fail(vpc_error(HI_ERR_VPC_NULL_PTR), "chnl is NULL");
        hi_vpc_chn id = -1;
        SOFTNPU_CHECK(create(id, attr));
        *chnl = id;
        return HI_SUCCESS;
    });
}

hi_s32 hi_mpi_vpc_destroy_chn(hi_vpc_chn chn) {
    return guarded(__func__, [&] {
        std::shared_ptr<VpcChannel> channel;
        SOFTNPU_CHECK(find_vpc(chn, channel));
        channel = VpcChannel::take(chn);
        if (!channel) {
            return fail(vpc_error(HI_ERR_VPC_UNEXIST), "channel %d was destroyed meanwhile", chn);
        }
        channel->close();
        return HI_SUCCESS;
    });
}

hi_s32 hi_mpi_vpc_get_process_result(hi_vpc_chn chn, hi_u32 task_id, hi_s32 milli_sec) {
    return guarded(__func__, [&] {
        if (milli_sec < -1) {
            return fail(vpc_error(HI_ERR_VPC_ILLEGAL_PARAM), "milli_sec %d: want -1 or more",
                        milli_sec);
        }
        std::shared_ptr<VpcChannel> channel;
        SOFTNPU_CHECK(find_vpc(chn, channel));
        return channel->result(task_id, milli_sec);
    });
}

}  // extern "C"
