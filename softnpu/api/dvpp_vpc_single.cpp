// The picture engine's entries for one picture.
#include "softnpu/api/dvpp_vpc.hpp"

using namespace softnpu;

namespace {

/// Arguments of a crop, a paste and a resize, each of which an entry may lack.
struct Geometry {
    const acldvppRoiConfig *crop = nullptr;
    const acldvppRoiConfig *paste = nullptr;
    const acldvppResizeConfig *resize = nullptr;
    bool crops = true, pastes = false, resizes = true;
};

int submit_one(const char *function, acldvppChannelDesc *channelDesc, acldvppPicDesc *inputDesc,
               acldvppPicDesc *outputDesc, const Geometry &geometry, aclrtStream stream) {
    return guarded(function, [&] {
        std::vector<Piece> pieces(1);
        Piece &piece = pieces[0];
        SOFTNPU_CHECK(take_picture("inputDesc", inputDesc, piece.source));
        SOFTNPU_CHECK(take_target("outputDesc", outputDesc, piece.target));
        piece.crop = whole_of(piece.source.picture);
        piece.paste = whole_of(piece.target.picture);
        piece.pastes = geometry.pastes;
        if (geometry.crops) SOFTNPU_CHECK(take_roi("cropArea", geometry.crop, piece.crop));
        if (geometry.pastes) SOFTNPU_CHECK(take_roi("pasteArea", geometry.paste, piece.paste));
        if (geometry.resizes) SOFTNPU_CHECK(take_interpolation(geometry.resize, piece.how));
        return submit_pieces(function, channelDesc, std::move(pieces), stream);
    });
}

int same_format(const PictureArgument &source, const PictureArgument &target) {
    const PixelFormat from = source.picture.format, to = target.picture.format;
    if (from == to) return 0;
    return fail(ACL_ERROR_FORMAT_NOT_MATCH, "inputDesc is %s, outputDesc %s: want the same",
                format_info(from)->name, format_info(to)->name);
}

}  // namespace

extern "C" {

aclError acldvppVpcResizeAsync(acldvppChannelDesc *channelDesc, acldvppPicDesc *inputDesc,
                               acldvppPicDesc *outputDesc, acldvppResizeConfig *resizeConfig,
                               aclrtStream stream) {
    return submit_one(__func__, channelDesc, inputDesc, outputDesc,
                      {nullptr, nullptr, resizeConfig, false, false, true}, stream);
}

/// A result of another size than the area means scaling, here too.
aclError acldvppVpcCropAsync(acldvppChannelDesc *channelDesc, acldvppPicDesc *inputDesc,
                             acldvppPicDesc *outputDesc, acldvppRoiConfig *cropArea,
                             aclrtStream stream) {
    return submit_one(__func__, channelDesc, inputDesc, outputDesc,
                      {cropArea, nullptr, nullptr, true, false, false}, stream);
}

aclError acldvppVpcCropResizeAsync(acldvppChannelDesc *channelDesc, acldvppPicDesc *inputDesc,
                                   acldvppPicDesc *outputDesc, acldvppRoiConfig *cropArea,
                                   acldvppResizeConfig *resizeConfig, aclrtStream stream) {
    return submit_one(__func__, channelDesc, inputDesc, outputDesc,
                      {cropArea, nullptr, resizeConfig, true, false, true}, stream);
}

aclError acldvppVpcCropAndPasteAsync(acldvppChannelDesc *channelDesc, acldvppPicDesc *inputDesc,
                                     acldvppPicDesc *outputDesc, acldvppRoiConfig *cropArea,
                                     acldvppRoiConfig *pasteArea, aclrtStream stream) {
    return submit_one(__func__, channelDesc, inputDesc, outputDesc,
                      {cropArea, pasteArea, nullptr, true, true, false}, stream);
}

aclError acldvppVpcCropResizePasteAsync(acldvppChannelDesc *channelDesc, acldvppPicDesc *inputDesc,
                                        acldvppPicDesc *outputDesc, acldvppRoiConfig *cropArea,
                                        acldvppRoiConfig *pasteArea,
                                        acldvppResizeConfig *resizeConfig, aclrtStream stream) {
    return submit_one(__func__, channelDesc, inputDesc, outputDesc,
                      {cropArea, pasteArea, resizeConfig, true, true, true}, stream);
}

aclError acldvppVpcConvertColorAsync(acldvppChannelDesc *channelDesc, acldvppPicDesc *inputDesc,
                                     acldvppPicDesc *outputDesc, aclrtStream stream) {
    return guarded(__func__, [&] {
        std::vector<Piece> pieces(1);
        Piece &piece = pieces[0];
        SOFTNPU_CHECK(take_picture("inputDesc", inputDesc, piece.source));
        SOFTNPU_CHECK(take_target("outputDesc", outputDesc, piece.target));
        piece.crop = whole_of(piece.source.picture);
        piece.paste = whole_of(piece.target.picture);
        piece.scales = false;
        return submit_pieces("acldvppVpcConvertColorAsync", channelDesc, std::move(pieces), stream);
    });
}

aclError acldvppVpcMakeBorderAsync(const acldvppChannelDesc *channelDesc,
                                   const acldvppPicDesc *inputDesc, acldvppPicDesc *outputDesc,
                                   const acldvppBorderConfig *borderConfig, aclrtStream stream) {
    return guarded(__func__, [&] {
        SOFTNPU_CHECK(check_newer_chip("borders"));
        PictureArgument source, target;
        vpc::Margins margins;
        SOFTNPU_CHECK(take_picture("inputDesc", inputDesc, source));
        SOFTNPU_CHECK(take_target("outputDesc", outputDesc, target));
        SOFTNPU_CHECK(take_margins(borderConfig, margins));
        vpc::convert_margin_colour(source.picture.format, target.picture.format, margins);
        ChannelDescRef channel;
        SOFTNPU_CHECK(find_channel(channelDesc, DVPP_CHNMODE_VPC, channel));
        const int matrix = static_cast<int>(channel->csc_matrix.load());
        return submit_operation(
            "acldvppVpcMakeBorderAsync", channelDesc, std::move(source), std::move(target),
            [margins, matrix](const Picture &from, const Picture &to) {
                std::string why = vpc::make_border(from, to, margins, matrix);
                if (why.empty()) vpc::set_alpha(to, whole_of(to), 0);
                return why;
            },
            stream);
    });
}

aclError acldvppVpcPyrDownAsync(acldvppChannelDesc *channelDesc, acldvppPicDesc *inputDesc,
                                acldvppPicDesc *outputDesc, void *, aclrtStream stream) {
    return guarded(__func__, [&] {
        SOFTNPU_CHECK(check_newer_chip("pyramids"));
        PictureArgument source, target;
        SOFTNPU_CHECK(take_picture("inputDesc", inputDesc, source, PictureUse::filter));
        SOFTNPU_CHECK(take_target("outputDesc", outputDesc, target, PictureUse::filter));
        SOFTNPU_CHECK(same_format(source, target));
        return submit_operation(
            "acldvppVpcPyrDownAsync", channelDesc, std::move(source), std::move(target),
            [](const Picture &from, const Picture &to) { return vpc::pyramid_down(from, to); },
            stream);
    });
}

aclError acldvppVpcCalcHistAsync(acldvppChannelDesc *channelDesc, acldvppPicDesc *srcPicDesc,
                                 acldvppHist *hist, void *, aclrtStream stream) {
    return guarded(__func__, [&] {
        SOFTNPU_CHECK(check_newer_chip("histograms"));
        PictureArgument source;
        HistTable::Ref result;
        SOFTNPU_CHECK(take_picture("srcPicDesc", srcPicDesc, source, PictureUse::statistic));
        SOFTNPU_CHECK(find_in(hists(), hist, "hist", result));
        result->ret_code = 1;  // until it is known to be right: a bad picture ends the work early
        return submit_operation(
            "acldvppVpcCalcHistAsync", channelDesc, std::move(source), {},
            [result](const Picture &from, const Picture &) {
                uint32_t bins[3][256], dims = 0;
                std::string why = vpc::histogram(from, bins, dims);
                for (size_t i = 0; i < 3; ++i) {
                    std::copy(std::begin(bins[i]), std::end(bins[i]), result->bins[i].begin());
                }
                result->dims = dims;
                result->ret_code = why.empty() ? 0 : 1;
                return why;
            },
            stream);
    });
}

aclError acldvppVpcEqualizeHistAsync(const acldvppChannelDesc *channelDesc,
                                     const acldvppPicDesc *inputDesc, acldvppPicDesc *outputDesc,
                                     const acldvppLutMap *lutMap, aclrtStream stream) {
    return guarded(__func__, [&] {
        SOFTNPU_CHECK(check_newer_chip("histogram equalisation"));
        PictureArgument source, target;
        LutMapTable::Ref map;
        SOFTNPU_CHECK(take_picture("inputDesc", inputDesc, source, PictureUse::statistic));
        SOFTNPU_CHECK(take_target("outputDesc", outputDesc, target, PictureUse::statistic));
        SOFTNPU_CHECK(same_format(source, target));
        SOFTNPU_CHECK(find_in(lut_maps(), lutMap, "lutMap", map));
        return submit_operation(
            "acldvppVpcEqualizeHistAsync", channelDesc, std::move(source), std::move(target),
            [map](const Picture &from, const Picture &to) -> std::string {
                if (from.width != to.width || from.height != to.height) {
                    return "input and output differ in size";
                }
                uint8_t table[3][256];
                for (size_t i = 0; i < 3; ++i) {
                    std::copy(map->table[i].begin(), map->table[i].end(), table[i]);
                }
                return vpc::apply_lut(from, to, table);
            },
            stream);
    });
}

}  // extern "C"
