// How the video channels of the second media interface refresh, refer, predict and copy, and what
// holds for all of them.
#include <algorithm>
#include <mutex>

#include "softnpu/api/himpi_venc.hpp"
#include "softnpu/core/config.hpp"
#include "softnpu/dvpp/chip.hpp"
#include "softnpu/dvpp/himpi_venc_extra.hpp"

using namespace softnpu;

namespace {

/// Only the 310P has maps of quantisers and copies frames.
bool has_maps() {
    return venc_on_chip() && !chip_is("Ascend310B");
}

int refuse_chip() {
    return fail(venc_error(HI_ERR_VENC_NOT_SUPPORT), "%s has no such setting",
                config().soc_name.c_str());
}

/// Body of a getter: a member of the settings.
template <class Value>
int get_setting(hi_venc_chn chn, Value VencSettings::*member, const char *name, Value *to) {
    HimpiEncoderRef channel;
    SOFTNPU_CHECK(find_venc_video(chn, HI_PT_BUTT, channel));
    SOFTNPU_CHECK(check_venc_pointer(to, name));
    *to = channel->settings().*member;
    return HI_SUCCESS;
}

// ---- intra refresh and references ----

/// P frames of a group that refresh blocks.
hi_u32 refreshing_frames(const hi_venc_ref_param &reference, hi_u32 gop) {
    const uint64_t period = uint64_t{reference.base} * (reference.enhance + 1);
    return static_cast<hi_u32>((gop + period - 1) / period);
}

int check_refresh(const EncoderOptions &options, const hi_venc_ref_param &reference,
                  const hi_venc_intra_refresh &refresh) {
    SOFTNPU_CHECK(check_venc_range("refresh_enable", refresh.refresh_enable, 0, 1));
    SOFTNPU_CHECK(check_venc_range("intra_refresh_mode", refresh.intra_refresh_mode,
                                   INTRA_REFRESH_ROW, INTRA_REFRESH_COLUMN));
    SOFTNPU_CHECK(check_venc_range("req_i_qp", refresh.req_i_qp, 0, 51));
    const bool rows = refresh.intra_refresh_mode == INTRA_REFRESH_ROW;
    if (!rows && !chip_is("Ascend310B")) {
        return fail(venc_error(HI_ERR_VENC_NOT_SUPPORT),
                    "intra_refresh_mode 1: %s refreshes by rows (0)", config().soc_name.c_str());
    }
    if (refresh.refresh_enable == 0) return 0;
    if (reference.pred_en == 0) {
        return fail(venc_error(HI_ERR_VENC_NOT_SUPPORT),
                    "refresh_enable: not where pred_en of the reference parameters is 0");
    }
    const uint32_t block = refresh_block(options.codec);
    const uint32_t blocks = ((rows ? options.height : options.width) + block - 1) / block;
    const uint64_t frames = refreshing_frames(reference, options.gop);
    if (refresh.refresh_num >= 1 && refresh.refresh_num * (frames - 1) >= blocks) return 0;
    return fail(venc_error(HI_ERR_VENC_ILLEGAL_PARAM),
                "refresh_num %u: a group of %u frames has to refresh all %u %s of blocks",
                refresh.refresh_num, options.gop, blocks, rows ? "rows" : "columns");
}

int check_reference(const hi_venc_ref_param &reference) {
    SOFTNPU_CHECK(check_venc_range("base", reference.base, 1, UINT32_MAX));
    SOFTNPU_CHECK(check_venc_range("enhance", reference.enhance, 0, 255));
    return check_venc_range("pred_en", reference.pred_en, 0, 1);
}

// ---- prediction and copies ----

int check_prediction(const hi_venc_cu_prediction &prediction) {
    SOFTNPU_CHECK(
        check_venc_range("pred_mode", prediction.pred_mode, HI_OP_MODE_AUTO, HI_OP_MODE_MANUAL));
    for (const hi_u32 cost :
         {prediction.intra32_cost, prediction.intra16_cost, prediction.intra8_cost,
          prediction.intra4_cost, prediction.inter64_cost, prediction.inter32_cost,
          prediction.inter16_cost, prediction.inter8_cost}) {
        SOFTNPU_CHECK(check_venc_range("a cost", cost, 0, 15));
    }
    return 0;
}

int check_copy(const hi_venc_streamcopy_param &copy) {
    SOFTNPU_CHECK(check_venc_range("copy_en", copy.copy_en, 0, 1));
    return check_venc_range("copy_interval", copy.copy_interval, 0, 10);
}

// ---- of all channels ----

struct ModuleParams {
    std::mutex mutex;  // leaf lock
    hi_venc_venc_mod_param common{};
    hi_venc_h264_mod_param h264{1, 1, 0, HI_VB_SRC_PRIVATE, HI_TRUE, 1024};
    hi_venc_h265_mod_param h265{1, 1, 0, HI_VB_SRC_PRIVATE, HI_TRUE, 1024};
    hi_venc_jpeg_mod_param jpeg{1, 0, 1, 0};
};

/// Never destroyed: threads may still run while static objects die.
ModuleParams &module_params() {
    static auto *params = new ModuleParams;
    return *params;
}

template <class Param>
int check_codec_params(const Param &param, hi_u32 most_power) {
    SOFTNPU_CHECK(check_venc_range("one_stream_buf", param.one_stream_buf, 0, 1));
    SOFTNPU_CHECK(check_venc_range("mini_buf_mode", param.mini_buf_mode, 0, 1));
    SOFTNPU_CHECK(check_venc_range("low_power_mode", param.low_power_mode, 0, most_power));
    SOFTNPU_CHECK(check_venc_range("qp_hist_en", param.qp_hist_en, 0, 1));
    SOFTNPU_CHECK(check_venc_range("max_user_data_len", param.max_user_data_len, 0, 65536));
    if (param.vb_src == HI_VB_SRC_PRIVATE) return 0;
    return fail(venc_error(HI_ERR_VENC_NOT_SUPPORT), "vb_src %d: want PRIVATE (2)",
                static_cast<int>(param.vb_src));
}

int check_jpeg_params(const hi_venc_jpeg_mod_param &param) {
    SOFTNPU_CHECK(check_venc_range("one_stream_buf", param.one_stream_buf, 1, 1));
    SOFTNPU_CHECK(check_venc_range("mini_buf_mode", param.mini_buf_mode, 0, 1));
    SOFTNPU_CHECK(check_venc_range("clear_stream_buf", param.clear_stream_buf, 0, 1));
    return check_venc_range("dering_mode", param.dering_mode, 0, 1);
}

int check_common_params(const hi_venc_venc_mod_param &param) {
    SOFTNPU_CHECK(check_venc_range("buf_cache", param.buf_cache, 0, 1));
    return check_venc_range("frame_buf_recycle", param.frame_buf_recycle, 0, 1);
}

int check_module(const hi_venc_mod_param *param) {
    if (!himpi_on_chip() || !venc_on_chip()) return refuse_chip();
    SOFTNPU_CHECK(check_venc_pointer(param, "mod_param"));
    if (param->mod_type >= HI_VENC_MOD_VENC && param->mod_type <= HI_VENC_MOD_JPEG) return 0;
    return fail(venc_error(HI_ERR_VENC_ILLEGAL_PARAM),
                "mod_type %d: want VENC (1), H.264 (2), H.265 (3) or JPEG (4)",
                static_cast<int>(param->mod_type));
}

int check_params(const hi_venc_mod_param &param) {
    switch (param.mod_type) {
        case HI_VENC_MOD_H264:
            return check_codec_params(param.h264_mod_param, 1);
        case HI_VENC_MOD_H265:
            return check_codec_params(param.h265_mod_param, 2);
        case HI_VENC_MOD_JPEG:
            return check_jpeg_params(param.jpeg_mod_param);
        default:
            return check_common_params(param.venc_mod_param);
    }
}

void set_params(const hi_venc_mod_param &param) {
    ModuleParams &all = module_params();
    const std::lock_guard<std::mutex> lock(all.mutex);
    if (param.mod_type == HI_VENC_MOD_H264) all.h264 = param.h264_mod_param;
    if (param.mod_type == HI_VENC_MOD_H265) all.h265 = param.h265_mod_param;
    if (param.mod_type == HI_VENC_MOD_JPEG) all.jpeg = param.jpeg_mod_param;
    if (param.mod_type == HI_VENC_MOD_VENC) all.common = param.venc_mod_param;
}

void get_params(hi_venc_mod_param &param) {
    ModuleParams &all = module_params();
    const std::lock_guard<std::mutex> lock(all.mutex);
    if (param.mod_type == HI_VENC_MOD_H264) param.h264_mod_param = all.h264;
    if (param.mod_type == HI_VENC_MOD_H265) param.h265_mod_param = all.h265;
    if (param.mod_type == HI_VENC_MOD_JPEG) param.jpeg_mod_param = all.jpeg;
    if (param.mod_type == HI_VENC_MOD_VENC) param.venc_mod_param = all.common;
}

bool is_size(hi_u32 size) {
    return size >= 128 && size <= 4096 && size % 2 == 0;
}

}  // namespace

extern "C" {

hi_s32 hi_mpi_venc_get_intra_refresh(hi_venc_chn chn, hi_venc_intra_refresh *intra_refresh) {
    return guarded(__func__, [&] {
        return get_setting(chn, &VencSettings::refresh, "intra_refresh", intra_refresh);
    });
}

hi_s32 hi_mpi_venc_set_intra_refresh(hi_venc_chn chn, const hi_venc_intra_refresh *intra_refresh) {
    return guarded(__func__, [&] {
        HimpiEncoderRef channel;
        SOFTNPU_CHECK(find_venc_video(chn, HI_PT_BUTT, channel));
        SOFTNPU_CHECK(check_venc_pointer(intra_refresh, "intra_refresh"));
        SOFTNPU_CHECK(
            check_refresh(channel->options(), channel->settings().reference, *intra_refresh));
        channel->change_settings([&](VencSettings &all) { all.refresh = *intra_refresh; });
        return HI_SUCCESS;
    });
}

hi_s32 hi_mpi_venc_get_ref_param(hi_venc_chn chn, hi_venc_ref_param *ref_param) {
    return guarded(__func__, [&] {
        return get_setting(chn, &VencSettings::reference, "ref_param", ref_param);
    });
}

hi_s32 hi_mpi_venc_set_ref_param(hi_venc_chn chn, const hi_venc_ref_param *ref_param) {
    return guarded(__func__, [&] {
        HimpiEncoderRef channel;
        SOFTNPU_CHECK(find_venc_video(chn, HI_PT_BUTT, channel));
        SOFTNPU_CHECK(check_venc_pointer(ref_param, "ref_param"));
        SOFTNPU_CHECK(check_reference(*ref_param));
        channel->change_settings([&](VencSettings &all) {
            all.reference = *ref_param;
            all.refresh.refresh_enable = HI_FALSE;  // documented: it has to be set again
        });
        return HI_SUCCESS;
    });
}

hi_s32 hi_mpi_venc_get_scene_mode(hi_venc_chn chn, hi_venc_scene_mode *scene_mode) {
    return guarded(
        __func__, [&] { return get_setting(chn, &VencSettings::scene, "scene_mode", scene_mode); });
}

hi_s32 hi_mpi_venc_set_scene_mode(hi_venc_chn chn, const hi_venc_scene_mode scene_mode) {
    return guarded(__func__, [&] {
        HimpiEncoderRef channel;
        SOFTNPU_CHECK(find_venc_video(chn, HI_PT_BUTT, channel));
        SOFTNPU_CHECK(check_venc_range("scene_mode", scene_mode, HI_VENC_SCENE_0, HI_VENC_SCENE_2));
        channel->change_settings([&](VencSettings &all) { all.scene = scene_mode; });
        return HI_SUCCESS;
    });
}

hi_s32 hi_mpi_venc_get_cu_pred(hi_venc_chn chn, hi_venc_cu_prediction *cu_pred) {
    return guarded(__func__,
                   [&] { return get_setting(chn, &VencSettings::prediction, "cu_pred", cu_pred); });
}

hi_s32 hi_mpi_venc_set_cu_pred(hi_venc_chn chn, const hi_venc_cu_prediction *cu_pred) {
    return guarded(__func__, [&] {
        HimpiEncoderRef channel;
        SOFTNPU_CHECK(find_venc_video(chn, HI_PT_BUTT, channel));
        SOFTNPU_CHECK(check_venc_pointer(cu_pred, "cu_pred"));
        SOFTNPU_CHECK(check_prediction(*cu_pred));
        channel->change_settings([&](VencSettings &all) { all.prediction = *cu_pred; });
        return HI_SUCCESS;
    });
}

hi_s32 hi_mpi_venc_get_streamcopy_param(hi_venc_chn chn,
                                        hi_venc_streamcopy_param *streamcopy_param) {
    return guarded(__func__, [&] {
        SOFTNPU_CHECK(check_venc_id(chn));
        if (!has_maps()) return refuse_chip();
        return get_setting(chn, &VencSettings::copy, "streamcopy_param", streamcopy_param);
    });
}

hi_s32 hi_mpi_venc_set_streamcopy_param(hi_venc_chn chn,
                                        const hi_venc_streamcopy_param *streamcopy_param) {
    return guarded(__func__, [&] {
        SOFTNPU_CHECK(check_venc_id(chn));
        if (!has_maps()) return refuse_chip();
        HimpiEncoderRef channel;
        SOFTNPU_CHECK(find_venc_video(chn, HI_PT_BUTT, channel));
        SOFTNPU_CHECK(check_venc_pointer(streamcopy_param, "streamcopy_param"));
        SOFTNPU_CHECK(check_copy(*streamcopy_param));
        channel->change_settings([&](VencSettings &all) { all.copy = *streamcopy_param; });
        return HI_SUCCESS;
    });
}

hi_s32 hi_mpi_venc_get_mod_param(hi_venc_mod_param *mod_param) {
    return guarded(__func__, [&] {
        SOFTNPU_CHECK(check_module(mod_param));
        get_params(*mod_param);
        return HI_SUCCESS;
    });
}

hi_s32 hi_mpi_venc_set_mod_param(const hi_venc_mod_param *mod_param) {
    return guarded(__func__, [&] {
        SOFTNPU_CHECK(check_module(mod_param));
        SOFTNPU_CHECK(check_params(*mod_param));
        if (HimpiEncoder::any()) {
            return fail(venc_error(HI_ERR_VENC_NOT_PERM),
                        "mod_param: set it before the first channel is created");
        }
        set_params(*mod_param);
        return HI_SUCCESS;
    });
}

/// 0 means failure.
hi_s32 hi_mpi_venc_get_qpmap_stride(hi_u32 width) {
    return guarded_value(__func__, 0, [&]() -> hi_s32 {
        if (!himpi_on_chip() || !has_maps()) return refuse_chip(), 0;
        if (is_size(width)) return static_cast<hi_s32>(QuantiserMap::stride(width));
        return check_venc_range("width (even)", width, 128, 4096), 0;
    });
}

hi_s32 hi_mpi_venc_get_qpmap_size(hi_payload_type type, hi_u32 width, hi_u32 height) {
    return guarded_value(__func__, 0, [&]() -> hi_s32 {
        if (!himpi_on_chip() || !has_maps()) return refuse_chip(), 0;
        const bool video = type == HI_PT_H264 || type == HI_PT_H265;
        if (video && is_size(width) && is_size(height)) {
            return static_cast<hi_s32>(QuantiserMap::size(width, height));
        }
        return fail(venc_error(HI_ERR_VENC_ILLEGAL_PARAM),
                    "pictures of %ux%u, type %d: want even sizes of 128 to 4096, H.264 or H.265",
                    width, height, static_cast<int>(type)),
               0;
    });
}

}  // extern "C"
