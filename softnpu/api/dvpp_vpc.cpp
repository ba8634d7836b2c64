#include "softnpu/api/dvpp_vpc.hpp"

#include "softnpu/core/config.hpp"
#include "softnpu/core/counters.hpp"
#include "softnpu/dvpp/chip.hpp"
#include "softnpu/dvpp/engines.hpp"
#include "softnpu/dvpp/parallel.hpp"

namespace softnpu {
namespace {

constexpr uint32_t kFailed = 1;

std::string check_piece(const Piece &piece) {
    const Picture &source = piece.source.picture, &target = piece.target.picture;
    if (std::string why = check_crop(source, piece.crop); !why.empty()) return why;
    if (piece.pastes) {
        if (std::string why = check_paste(target, piece.paste); !why.empty()) return why;
    }
    const bool same =
        piece.crop.width == piece.paste.width && piece.crop.height == piece.paste.height;
    if (same) return "";
    if (!piece.scales) return "the areas differ in size and this operation does not scale";
    return check_scale(piece.crop, piece.paste);
}

std::string run_piece(Piece &piece) {
    Picture &source = piece.source.picture, &target = piece.target.picture;
    if (std::string why = check_geometry("the input", source); !why.empty()) return why;
    if (std::string why = check_geometry("the output", target); !why.empty()) return why;
    if (std::string why = check_piece(piece); !why.empty()) return why;
    if (std::string why = check_picture_memory("the input", source); !why.empty()) return why;
    if (std::string why = check_picture_memory("the output", target); !why.empty()) return why;
    std::string why =
        vpc::crop_resize_paste(source, piece.crop, target, piece.paste, piece.how, piece.matrix);
    if (why.empty() && piece.borders) why = vpc::fill_margins(target, piece.margins);
    // A card leaves alpha at 0.
    if (why.empty()) vpc::set_alpha(target, piece.borders ? whole_of(target) : piece.paste, 0);
    return why;
}

int finish(const PictureArgument &target, const std::string &why) {
    if (target.desc) target.desc->ret_code = why.empty() ? 0 : kFailed;
    if (!why.empty()) {
        const bool lacks = why == engine_problem("scale");
        return fail(lacks ? ACL_ERROR_FEATURE_UNSUPPORTED : ACL_ERROR_INVALID_PARAM, "%s",
                    why.c_str());
    }
    count(counters().images_processed);
    return 0;
}

int run_pieces(std::vector<Piece> &pieces) {
    std::vector<std::string> reasons(pieces.size());
    parallel_for(pieces.size(), [&](size_t i) { reasons[i] = run_piece(pieces[i]); });
    int first = 0;
    for (size_t i = 0; i < pieces.size(); ++i) {
        const int code = finish(pieces[i].target, reasons[i]);
        if (first == 0) first = code;
    }
    return first;
}

}  // namespace

int take_picture(const char *name, const acldvppPicDesc *desc, PictureArgument &taken,
                 PictureUse use) {
    SOFTNPU_CHECK(find_in(pic_descs(), desc, name, taken.desc));
    const PicDesc &from = *taken.desc;
    taken.picture = {static_cast<uint8_t *>(from.data.load()),
                     from.size,
                     from.format,
                     from.width,
                     from.height,
                     from.stride_w,
                     from.stride_h};
    if (taken.picture.data == nullptr) {
        return fail(ACL_ERROR_INVALID_PARAM, "%s has no memory; call acldvppSetPicDescData", name);
    }
    const std::string why = check_vpc_format(name, taken.picture.format, use);
    return why.empty() ? 0 : fail(ACL_ERROR_FORMAT_NOT_MATCH, "%s", why.c_str());
}

int take_target(const char *name, const acldvppPicDesc *desc, PictureArgument &taken,
                PictureUse use) {
    SOFTNPU_CHECK(take_picture(name, desc, taken, use));
    const PixelFormat format = taken.picture.format;
    if (first_generation() && format != PIXEL_FORMAT_YUV_SEMIPLANAR_420 &&
        format != PIXEL_FORMAT_YVU_SEMIPLANAR_420) {
        return fail(ACL_ERROR_FORMAT_NOT_MATCH,
                    "%s: %s writes YUV_SEMIPLANAR_420 and YVU_SEMIPLANAR_420 only, not %s", name,
                    config().soc_name.c_str(), format_info(format)->name);
    }
    return 0;
}

int take_roi(const char *name, const acldvppRoiConfig *config, Rect &taken) {
    RoiConfigTable::Ref roi;
    SOFTNPU_CHECK(find_in(roi_configs(), config, name, roi));
    const uint32_t left = roi->left, right = roi->right, top = roi->top, bottom = roi->bottom;
    if (left > right || top > bottom) {
        return fail(ACL_ERROR_INVALID_PARAM, "%s [%u, %u] x [%u, %u] is empty", name, left, right,
                    top, bottom);
    }
    taken = {left, top, right - left + 1, bottom - top + 1};
    return 0;
}

int take_interpolation(const acldvppResizeConfig *config, Interpolation &taken) {
    ResizeConfigTable::Ref resize;
    SOFTNPU_CHECK(find_in(resize_configs(), config, "resizeConfig", resize));
    taken = static_cast<Interpolation>(resize->interpolation.load());
    return 0;
}

int take_margins(const acldvppBorderConfig *config, vpc::Margins &taken) {
    BorderConfigTable::Ref border;
    SOFTNPU_CHECK(find_in(border_configs(), config, "borderConfig", border));
    taken = {border->top,
             border->bottom,
             border->left,
             border->right,
             static_cast<vpc::Border>(border->type.load()),
             {border->value[0], border->value[1], border->value[2], border->value[3]}};
    return 0;
}

int check_newer_chip(const char *function) {
    if (!first_generation()) return 0;
    return fail(ACL_ERROR_FEATURE_UNSUPPORTED, "%s has no %s; choose another SOFTNPU_SOC",
                config().soc_name.c_str(), function);
}

Rect whole_of(const Picture &picture) {
    return {0, 0, picture.width, picture.height};
}

int submit_pieces(const char *function, acldvppChannelDesc *channelDesc, std::vector<Piece> pieces,
                  aclrtStream stream) {
    ChannelDescRef channel;
    SOFTNPU_CHECK(find_channel(channelDesc, DVPP_CHNMODE_VPC, channel));
    StreamRef found;
    SOFTNPU_CHECK(find_stream(stream, found));
    for (Piece &piece : pieces) piece.matrix = static_cast<int>(channel->csc_matrix.load());
    return found->submit(
        function, [channel, pieces = std::move(pieces)]() mutable { return run_pieces(pieces); });
}

int submit_operation(const char *function, const acldvppChannelDesc *channelDesc,
                     PictureArgument source, PictureArgument target, Operation operation,
                     aclrtStream stream) {
    ChannelDescRef channel;
    SOFTNPU_CHECK(find_channel(channelDesc, DVPP_CHNMODE_VPC, channel));
    StreamRef found;
    SOFTNPU_CHECK(find_stream(stream, found));
    struct Work {
        PictureArgument source, target;
        Operation operation;
    };
    auto work =
        std::make_unique<Work>(Work{std::move(source), std::move(target), std::move(operation)});
    return found->submit(function, [work = std::move(work)] {
        for (PictureArgument *argument : {&work->source, &work->target}) {
            if (!argument->desc) continue;
            const char *what = argument == &work->source ? "the input" : "the output";
            std::string why = check_geometry(what, argument->picture);
            if (why.empty()) why = check_picture_memory(what, argument->picture);
            if (!why.empty()) return finish(work->target, why);
        }
        return finish(work->target, work->operation(work->source.picture, work->target.picture));
    });
}

}  // namespace softnpu
