// The picture engine's entries for batches: many areas out of many pictures in one call.
#include "softnpu/api/dvpp_vpc.hpp"

using namespace softnpu;

namespace {

constexpr uint32_t kMost = 256;

/// What a batch entry gets besides pictures and crop areas; NULL where it has no such argument.
struct Extras {
    acldvppRoiConfig **paste = nullptr;
    acldvppBorderConfig **borders = nullptr;
    const acldvppResizeConfig *resize = nullptr;
    bool pastes = false, bordered = false, resizes = false;
};

/// How many areas each source has must add up to the targets there are.
int count_areas(const BatchPicDesc &source, const uint32_t *roi_nums, uint32_t size,
                size_t targets) {
    if (size == 0 || size > kMost || size > source.pictures.size()) {
        return fail(ACL_ERROR_INVALID_PARAM,
                    "size %u: the source batch has %zu pictures, at most %u", size,
                    source.pictures.size(), kMost);
    }
    uint64_t sum = 0;
    for (uint32_t i = 0; i < size; ++i) sum += roi_nums[i];
    if (sum != targets || sum > kMost) {
        return fail(ACL_ERROR_INVALID_PARAM,
                    "roiNums add up to %llu; the target batch has %zu pictures, at most %u",
                    static_cast<unsigned long long>(sum), targets, kMost);
    }
    return 0;
}

int fill_piece(Piece &piece, size_t i, acldvppRoiConfig **crop, const Extras &extras) {
    SOFTNPU_CHECK(take_roi("cropAreas", crop[i], piece.crop));
    piece.paste = whole_of(piece.target.picture);
    piece.pastes = extras.pastes;
    if (extras.resizes) SOFTNPU_CHECK(take_interpolation(extras.resize, piece.how));
    if (extras.pastes) SOFTNPU_CHECK(take_roi("pasteAreas", extras.paste[i], piece.paste));
    if (!extras.bordered) return 0;
    SOFTNPU_CHECK(take_margins(extras.borders[i], piece.margins));
    vpc::convert_margin_colour(piece.source.picture.format, piece.target.picture.format,
                               piece.margins);
    const vpc::Margins &margins = piece.margins;
    const uint64_t across = uint64_t{margins.left} + margins.right;
    const uint64_t down = uint64_t{margins.top} + margins.bottom;
    if (across >= piece.paste.width || down >= piece.paste.height) {
        return fail(ACL_ERROR_INVALID_PARAM, "borderCfgs[%zu] leaves no room for the picture", i);
    }
    piece.borders = true;
    piece.paste = {margins.left, margins.top, piece.paste.width - static_cast<uint32_t>(across),
                   piece.paste.height - static_cast<uint32_t>(down)};
    return 0;
}

int take_pieces(acldvppBatchPicDesc *src, const uint32_t *roi_nums, uint32_t size,
                acldvppBatchPicDesc *dst, acldvppRoiConfig **crop, const Extras &extras,
                std::vector<Piece> &pieces) {
    BatchPicDescRef source, target;
    SOFTNPU_CHECK(find_in(batch_pic_descs(), src, "srcBatchPicDescs", source));
    SOFTNPU_CHECK(find_in(batch_pic_descs(), dst, "dstBatchPicDescs", target));
    SOFTNPU_CHECK(require_pointer(roi_nums, "roiNums"));
    SOFTNPU_CHECK(require_pointer(crop, "cropAreas"));
    if (extras.pastes) SOFTNPU_CHECK(require_pointer(extras.paste, "pasteAreas"));
    if (extras.bordered) SOFTNPU_CHECK(require_pointer(extras.borders, "borderCfgs"));
    SOFTNPU_CHECK(count_areas(*source, roi_nums, size, target->pictures.size()));
    pieces.resize(target->pictures.size());
    const auto handle = [](const PicDescRef &picture) {
        return static_cast<const acldvppPicDesc *>(picture.handle());
    };
    size_t i = 0;
    for (uint32_t from = 0; from < size; ++from) {
        for (uint32_t area = 0; area < roi_nums[from]; ++area, ++i) {
            Piece &piece = pieces[i];
            SOFTNPU_CHECK(take_picture("a source", handle(source->pictures[from]), piece.source));
            SOFTNPU_CHECK(take_target("a target", handle(target->pictures[i]), piece.target));
            SOFTNPU_CHECK(fill_piece(piece, i, crop, extras));
        }
    }
    return 0;
}

int submit_batch(const char *function, acldvppChannelDesc *channel, acldvppBatchPicDesc *src,
                 const uint32_t *roi_nums, uint32_t size, acldvppBatchPicDesc *dst,
                 acldvppRoiConfig **crop, const Extras &extras, aclrtStream stream) {
    return guarded(function, [&] {
        if (extras.bordered) SOFTNPU_CHECK(check_newer_chip("borders"));
        std::vector<Piece> pieces;
        SOFTNPU_CHECK(take_pieces(src, roi_nums, size, dst, crop, extras, pieces));
        return submit_pieces(function, channel, std::move(pieces), stream);
    });
}

}  // namespace

extern "C" {

aclError acldvppVpcBatchCropAsync(acldvppChannelDesc *channelDesc,
                                  acldvppBatchPicDesc *srcBatchPicDescs, uint32_t *roiNums,
                                  uint32_t size, acldvppBatchPicDesc *dstBatchPicDescs,
                                  acldvppRoiConfig *cropAreas[], aclrtStream stream) {
    return submit_batch(__func__, channelDesc, srcBatchPicDescs, roiNums, size, dstBatchPicDescs,
                        cropAreas, {}, stream);
}

aclError acldvppVpcBatchCropResizeAsync(acldvppChannelDesc *channelDesc,
                                        acldvppBatchPicDesc *srcBatchPicDescs, uint32_t *roiNums,
                                        uint32_t size, acldvppBatchPicDesc *dstBatchPicDescs,
                                        acldvppRoiConfig *cropAreas[],
                                        acldvppResizeConfig *resizeConfig, aclrtStream stream) {
    return submit_batch(__func__, channelDesc, srcBatchPicDescs, roiNums, size, dstBatchPicDescs,
                        cropAreas, {nullptr, nullptr, resizeConfig, false, false, true}, stream);
}

aclError acldvppVpcBatchCropAndPasteAsync(acldvppChannelDesc *channelDesc,
                                          acldvppBatchPicDesc *srcBatchPicDescs, uint32_t *roiNums,
                                          uint32_t size, acldvppBatchPicDesc *dstBatchPicDescs,
                                          acldvppRoiConfig *cropAreas[],
                                          acldvppRoiConfig *pasteAreas[], aclrtStream stream) {
    return submit_batch(__func__, channelDesc, srcBatchPicDescs, roiNums, size, dstBatchPicDescs,
                        cropAreas, {pasteAreas, nullptr, nullptr, true, false, false}, stream);
}

aclError acldvppVpcBatchCropResizePasteAsync(
    acldvppChannelDesc *channelDesc, acldvppBatchPicDesc *srcBatchPicDescs, uint32_t *roiNums,
    uint32_t size, acldvppBatchPicDesc *dstBatchPicDescs, acldvppRoiConfig *cropAreas[],
    acldvppRoiConfig *pasteAreas[], acldvppResizeConfig *resizeConfig, aclrtStream stream) {
    return submit_batch(__func__, channelDesc, srcBatchPicDescs, roiNums, size, dstBatchPicDescs,
                        cropAreas, {pasteAreas, nullptr, resizeConfig, true, false, true}, stream);
}

aclError acldvppVpcBatchCropResizeMakeBorderAsync(
    acldvppChannelDesc *channelDesc, acldvppBatchPicDesc *srcBatchPicDescs, uint32_t *roiNums,
    uint32_t size, acldvppBatchPicDesc *dstBatchPicDescs, acldvppRoiConfig *cropAreas[],
    acldvppBorderConfig *borderCfgs[], acldvppResizeConfig *resizeConfig, aclrtStream stream) {
    return submit_batch(__func__, channelDesc, srcBatchPicDescs, roiNums, size, dstBatchPicDescs,
                        cropAreas, {nullptr, borderCfgs, resizeConfig, false, true, true}, stream);
}

}  // extern "C"
