// Colour conversion of the second media interface.
#include "softnpu/api/himpi_vpc.hpp"

using namespace softnpu;

namespace {

bool is_420(PixelFormat format) {
    return format == HI_PIXEL_FORMAT_YUV_SEMIPLANAR_420 ||
           format == HI_PIXEL_FORMAT_YVU_SEMIPLANAR_420;
}

struct Conversion {
    bool to_420 = false;
    hi_u32 alpha = 0;
};

int convert(const char *function, hi_vpc_chn chn, const hi_vpc_pic_info *source,
            const hi_vpc_pic_info *target, const Conversion &how, hi_u32 *task,
            hi_s32 milliseconds) {
    std::shared_ptr<VpcChannel> channel;
    SOFTNPU_CHECK(find_vpc(chn, channel));
    SOFTNPU_CHECK(check_vpc_call(task, milliseconds));
    HimpiPiece piece;
    SOFTNPU_CHECK(take_vpc_picture("source_pic", source, piece.source));
    SOFTNPU_CHECK(take_vpc_picture("dest_pic", target, piece.target));
    if (how.to_420 && !is_420(piece.target.format)) {
        return fail(vpc_error(HI_ERR_VPC_NOT_SUPPORT),
                    "dest_pic is %s: want YUV_SEMIPLANAR_420 or YVU_SEMIPLANAR_420",
                    format_info(piece.target.format)->name);
    }
    if (how.alpha > 255) return wrong_vpc("alpha: want 0 to 255");
    piece.crop = vpc_whole(piece.source);
    piece.paste = vpc_whole(piece.target);
    if (piece.crop.width != piece.paste.width || piece.crop.height != piece.paste.height) {
        return wrong_vpc("source and destination differ in size");
    }
    piece.alpha = static_cast<uint8_t>(how.alpha);
    return submit_vpc_pieces(function, *channel, {piece}, task, milliseconds);
}

}  // namespace

extern "C" {

hi_s32 hi_mpi_vpc_convert_color(hi_vpc_chn chn, const hi_vpc_pic_info *source_pic,
                                hi_vpc_pic_info *dest_pic, hi_u32 *task_id, hi_s32 milli_sec) {
    return guarded(__func__, [&] {
        return convert("hi_mpi_vpc_convert_color", chn, source_pic, dest_pic, {}, task_id,
                       milli_sec);
    });
}

hi_s32 hi_mpi_vpc_convert_color_to_yuv420(hi_vpc_chn chn, const hi_vpc_pic_info *source_pic,
                                          hi_vpc_pic_info *dest_pic, hi_u32 *task_id,
                                          hi_s32 milli_sec) {
    return guarded(__func__, [&] {
        return convert("hi_mpi_vpc_convert_color_to_yuv420", chn, source_pic, dest_pic, {true, 0},
                       task_id, milli_sec);
    });
}

/// `conf` gives the alpha of pictures that have one.
hi_s32 hi_mpi_vpc_convert_color_v2(hi_vpc_chn chn, const hi_vpc_pic_info *source_pic,
                                   hi_vpc_pic_info *dest_pic, hi_csc_conf *conf, hi_u32 *task_id,
                                   hi_s32 milli_sec) {
    return guarded(__func__, [&] {
        if (conf == nullptr) return fail(vpc_error(HI_ERR_VPC_NULL_PTR), "conf is NULL");
        return convert("hi_mpi_vpc_convert_color_v2", chn, source_pic, dest_pic,
                       {false, conf->alpha}, task_id, milli_sec);
    });
}

}  // extern "C"
