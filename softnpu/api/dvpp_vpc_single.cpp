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
        PictureArgument source, target;
        vpc::Margins margins;
        SOFTNPU_CHECK(take_picture("inputDesc", inputDesc, source));
        SOFTNPU_CHECK(take_target("outputDesc", outputDesc, target));
        SOFTNPU_CHECK(take_margins(borderConfig, margins));
        return submit_operation(
            "acldvppVpcMakeBorderAsync", channelDesc, std::move(source), std::move(target),
            [margins](const Picture &from, const Picture &to) {
                return vpc::make_border(from, to, margins);
            },
            stream);
    });
}

aclError acldvppVpcPyrDownAsync(acldvppChannelDesc *channelDesc, acldvppPicDesc *inputDesc,
                                acldvppPicDesc *outputDesc, void *, aclrtStream stream) {
    return guarded(__func__, [&] {
        PictureArgument source, target;
        SOFTNPU_CHECK(take_picture("inputDesc", inputDesc, source));
        SOFTNPU_CHECK(take_target("outputDesc", outputDesc, target));
        return submit_operation(
            "acldvppVpcPyrDownAsync", channelDesc, std::move(source), std::move(target),
            [](const Picture &from, const Picture &to) -> std::string {
                if ((from.width + 1) / 2 != to.width || (from.height + 1) / 2 != to.height) {
                    return "the output must have half the input's size";
                }
                return vpc::pyramid_down(from, to, vpc::Border::reflect_101);
            },
            stream);
    });
}

aclError acldvppVpcCalcHistAsync(acldvppChannelDesc *channelDesc, acldvppPicDesc *srcPicDesc,
                                 acldvppHist *hist, void *, aclrtStream stream) {
    return guarded(__func__, [&] {
        PictureArgument source;
        HistTable::Ref result;
        SOFTNPU_CHECK(take_picture("srcPicDesc", srcPicDesc, source));
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
        PictureArgument source, target;
        LutMapTable::Ref map;
        SOFTNPU_CHECK(take_picture("inputDesc", inputDesc, source));
        SOFTNPU_CHECK(take_target("outputDesc", outputDesc, target));
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
