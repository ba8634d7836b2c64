/* DVPP, second interface: rate control of the encoders. */
#ifndef HI_VENC_RC_H_INCLUDED
#define HI_VENC_RC_H_INCLUDED

#include <stddef.h>
#include <stdint.h>

#include "hi_media_common.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef enum hi_venc_frame_type {
    VENC_FRAME_TYPE_NONE = 1,
    VENC_FRAME_TYPE_IDR = 2,
    VENC_FRAME_TYPE_PSKIP = 3,
    VENC_FRAME_TYPE_BUTT = 4,
} hi_venc_frame_type;

typedef enum hi_venc_gop_mode {
    HI_VENC_GOP_MODE_NORMAL_P = 0,
    HI_VENC_GOP_MODE_DUAL_P = 1,
    HI_VENC_GOP_MODE_SMART_P = 2,
    HI_VENC_GOP_MODE_ADV_SMART_P = 3,
    HI_VENC_GOP_MODE_BIPRED_B = 4,
    HI_VENC_GOP_MODE_LOW_DELAY_B = 5,
    HI_VENC_GOP_MODE_BUTT = 6,
} hi_venc_gop_mode;

typedef enum hi_venc_rc_mode {
    HI_VENC_RC_MODE_H264_CBR = 1,
    HI_VENC_RC_MODE_H264_VBR = 2,
    HI_VENC_RC_MODE_H264_AVBR = 3,
    HI_VENC_RC_MODE_H264_QVBR = 4,
    HI_VENC_RC_MODE_H264_CVBR = 5,
    HI_VENC_RC_MODE_H264_FIXQP = 6,
    HI_VENC_RC_MODE_H264_QPMAP = 7,
    HI_VENC_RC_MODE_MJPEG_CBR = 8,
    HI_VENC_RC_MODE_MJPEG_VBR = 9,
    HI_VENC_RC_MODE_MJPEG_FIXQP = 10,
    HI_VENC_RC_MODE_H265_CBR = 11,
    HI_VENC_RC_MODE_H265_VBR = 12,
    HI_VENC_RC_MODE_H265_AVBR = 13,
    HI_VENC_RC_MODE_H265_QVBR = 14,
    HI_VENC_RC_MODE_H265_CVBR = 15,
    HI_VENC_RC_MODE_H265_FIXQP = 16,
    HI_VENC_RC_MODE_H265_QPMAP = 17,
    HI_VENC_RC_MODE_BUTT = 18,
} hi_venc_rc_mode;

typedef enum hi_venc_rc_qpmap_mode {
    HI_VENC_RC_QPMAP_MODE_MEAN_QP = 0,
    HI_VENC_RC_QPMAP_MODE_MIN_QP = 1,
    HI_VENC_RC_QPMAP_MODE_MAX_QP = 2,
    HI_VENC_RC_QPMAP_MODE_BUTT = 3,
} hi_venc_rc_qpmap_mode;

typedef struct hi_user_rc_info {
    hi_bool qp_map_valid;
    hi_bool skip_weight_valid;
    hi_u32 blk_start_qp;
    hi_u64 qp_map_phy_addr;
    hi_u64 skip_weight_phy_addr;
    hi_venc_frame_type frame_type;
} hi_user_rc_info;

typedef struct hi_venc_gop_adv_smart_p {
    hi_u32 bg_interval;
    hi_s32 bg_qp_delta;
    hi_s32 vi_qp_delta;
} hi_venc_gop_adv_smart_p;

typedef struct hi_venc_gop_bipred_b {
    hi_u32 b_frame_num;
    hi_s32 b_qp_delta;
    hi_s32 ip_qp_delta;
} hi_venc_gop_bipred_b;

typedef struct hi_venc_gop_dual_p {
    hi_u32 sp_interval;
    hi_s32 sp_qp_delta;
    hi_s32 ip_qp_delta;
} hi_venc_gop_dual_p;

typedef struct hi_venc_gop_normal_p {
    hi_s32 ip_qp_delta;
} hi_venc_gop_normal_p;

typedef struct hi_venc_gop_smart_p {
    hi_u32 bg_interval;
    hi_s32 bg_qp_delta;
    hi_s32 vi_qp_delta;
} hi_venc_gop_smart_p;

typedef struct hi_venc_gop_attr {
    hi_venc_gop_mode gop_mode;
    __extension__ union {
        hi_venc_gop_normal_p normal_p;
        hi_venc_gop_dual_p dual_p;
        hi_venc_gop_smart_p smart_p;
        hi_venc_gop_adv_smart_p adv_smart_p;
        hi_venc_gop_bipred_b bipred_b;
    };
} hi_venc_gop_attr;

typedef struct hi_venc_h264_avbr {
    hi_u32 gop;
    hi_u32 stats_time;
    hi_u32 src_frame_rate;
    hi_u32 dst_frame_rate;
    hi_u32 max_bit_rate;
} hi_venc_h264_avbr;

typedef struct hi_venc_h264_avbr_param {
    hi_s32 chg_pos;
    hi_u32 max_i_proportion;
    hi_u32 min_i_proportion;
    hi_s32 max_reencode_times;
    hi_bool qpmap_en;
    hi_s32 min_still_percent;
    hi_u32 max_still_qp;
    hi_u32 min_still_psnr;
    hi_u32 max_qp;
    hi_u32 min_qp;
    hi_u32 max_i_qp;
    hi_u32 min_i_qp;
    hi_u32 min_qp_delta;
    hi_u32 motion_sensitivity;
    hi_bool save_bitrate_en;
} hi_venc_h264_avbr_param;

typedef struct hi_venc_h264_cbr {
    hi_u32 gop;
    hi_u32 stats_time;
    hi_u32 src_frame_rate;
    hi_u32 dst_frame_rate;
    hi_u32 bit_rate;
} hi_venc_h264_cbr;

typedef struct hi_venc_h264_cbr_param {
    hi_u32 max_i_proportion;
    hi_u32 min_i_proportion;
    hi_u32 max_qp;
    hi_u32 min_qp;
    hi_u32 max_i_qp;
    hi_u32 min_i_qp;
    hi_s32 max_reencode_times;
    hi_bool qpmap_en;
} hi_venc_h264_cbr_param;

typedef struct hi_venc_h264_cvbr {
    hi_u32 gop;
    hi_u32 stats_time;
    hi_u32 src_frame_rate;
    hi_u32 dst_frame_rate;
    hi_u32 max_bit_rate;
    hi_u32 short_term_stats_time;
    hi_u32 long_term_stats_time;
    hi_u32 long_term_max_bit_rate;
    hi_u32 long_term_min_bit_rate;
} hi_venc_h264_cvbr;

typedef struct hi_venc_h264_cvbr_param {
    hi_u32 max_i_proportion;
    hi_u32 min_i_proportion;
    hi_s32 max_reencode_times;
    hi_bool qpmap_en;
    hi_u32 max_qp;
    hi_u32 min_qp;
    hi_u32 max_i_qp;
    hi_u32 min_i_qp;
    hi_u32 min_qp_delta;
    hi_u32 max_qp_delta;
    hi_u32 extra_bit_percent;
    hi_u32 long_term_stats_time_unit;
    hi_bool save_bitrate_en;
} hi_venc_h264_cvbr_param;

typedef struct hi_venc_h264_fixqp {
    hi_u32 gop;
    hi_u32 src_frame_rate;
    hi_u32 dst_frame_rate;
    hi_u32 i_qp;
    hi_u32 p_qp;
    hi_u32 b_qp;
} hi_venc_h264_fixqp;

typedef struct hi_venc_h264_qpmap {
    hi_u32 gop;
    hi_u32 stats_time;
    hi_u32 src_frame_rate;
    hi_u32 dst_frame_rate;
} hi_venc_h264_qpmap;

typedef struct hi_venc_h264_qvbr {
    hi_u32 gop;
    hi_u32 stats_time;
    hi_u32 src_frame_rate;
    hi_u32 dst_frame_rate;
    hi_u32 target_bit_rate;
} hi_venc_h264_qvbr;

typedef struct hi_venc_h264_qvbr_param {
    hi_u32 max_i_proportion;
    hi_u32 min_i_proportion;
    hi_s32 max_reencode_times;
    hi_bool qpmap_en;
    hi_u32 max_qp;
    hi_u32 min_qp;
    hi_u32 max_i_qp;
    hi_u32 min_i_qp;
    hi_s32 max_bit_percent;
    hi_s32 min_bit_percent;
    hi_s32 max_psnr_fluctuate;
    hi_s32 min_psnr_fluctuate;
} hi_venc_h264_qvbr_param;

typedef struct hi_venc_h264_vbr {
    hi_u32 gop;
    hi_u32 stats_time;
    hi_u32 src_frame_rate;
    hi_u32 dst_frame_rate;
    hi_u32 max_bit_rate;
} hi_venc_h264_vbr;

typedef struct hi_venc_h264_vbr_param {
    hi_s32 chg_pos;
    hi_u32 max_i_proportion;
    hi_u32 min_i_proportion;
    hi_s32 max_reencode_times;
    hi_bool qpmap_en;
    hi_u32 max_qp;
    hi_u32 min_qp;
    hi_u32 max_i_qp;
    hi_u32 min_i_qp;
} hi_venc_h264_vbr_param;

typedef struct hi_venc_h265_avbr_param {
    hi_s32 chg_pos;
    hi_u32 max_i_proportion;
    hi_u32 min_i_proportion;
    hi_s32 max_reencode_times;
    hi_s32 min_still_percent;
    hi_u32 max_still_qp;
    hi_u32 min_still_psnr;
    hi_u32 max_qp;
    hi_u32 min_qp;
    hi_u32 max_i_qp;
    hi_u32 min_i_qp;
    hi_u32 min_qp_delta;
    hi_u32 motion_sensitivity;
    hi_bool qpmap_en;
    hi_venc_rc_qpmap_mode qpmap_mode;
} hi_venc_h265_avbr_param;

typedef struct hi_venc_h265_cbr_param {
    hi_u32 max_i_proportion;
    hi_u32 min_i_proportion;
    hi_u32 max_qp;
    hi_u32 min_qp;
    hi_u32 max_i_qp;
    hi_u32 min_i_qp;
    hi_s32 max_reencode_times;
    hi_bool qpmap_en;
    hi_venc_rc_qpmap_mode qpmap_mode;
} hi_venc_h265_cbr_param;

typedef struct hi_venc_h265_cvbr_param {
    hi_u32 max_i_proportion;
    hi_u32 min_i_proportion;
    hi_s32 max_reencode_times;
    hi_bool qpmap_en;
    hi_venc_rc_qpmap_mode qpmap_mode;
    hi_u32 max_qp;
    hi_u32 min_qp;
    hi_u32 max_i_qp;
    hi_u32 min_i_qp;
    hi_u32 min_qp_delta;
    hi_u32 max_qp_delta;
    hi_u32 extra_bit_percent;
    hi_u32 long_term_stats_time_unit;
} hi_venc_h265_cvbr_param;

typedef struct hi_venc_h265_qpmap {
    hi_u32 gop;
    hi_u32 stats_time;
    hi_u32 src_frame_rate;
    hi_u32 dst_frame_rate;
    hi_venc_rc_qpmap_mode qpmap_mode;
} hi_venc_h265_qpmap;

typedef struct hi_venc_h265_qvbr_param {
    hi_u32 max_i_proportion;
    hi_u32 min_i_proportion;
    hi_s32 max_reencode_times;
    hi_bool qpmap_en;
    hi_venc_rc_qpmap_mode qpmap_mode;
    hi_u32 max_qp;
    hi_u32 min_qp;
    hi_u32 max_i_qp;
    hi_u32 min_i_qp;
    hi_s32 max_bit_percent;
    hi_s32 min_bit_percent;
    hi_s32 max_psnr_fluctuate;
    hi_s32 min_psnr_fluctuate;
} hi_venc_h265_qvbr_param;

typedef struct hi_venc_h265_vbr_param {
    hi_s32 chg_pos;
    hi_u32 max_i_proportion;
    hi_u32 min_i_proportion;
    hi_s32 max_reencode_times;
    hi_u32 max_qp;
    hi_u32 min_qp;
    hi_u32 max_i_qp;
    hi_u32 min_i_qp;
    hi_bool qpmap_en;
    hi_venc_rc_qpmap_mode qpmap_mode;
} hi_venc_h265_vbr_param;

typedef struct hi_venc_mjpeg_cbr {
    hi_u32 stats_time;
    hi_u32 src_frame_rate;
    hi_u32 dst_frame_rate;
    hi_u32 bit_rate;
} hi_venc_mjpeg_cbr;

typedef struct hi_venc_mjpeg_cbr_param {
    hi_u32 max_qfactor;
    hi_u32 min_qfactor;
} hi_venc_mjpeg_cbr_param;

typedef struct hi_venc_mjpeg_fixqp {
    hi_u32 src_frame_rate;
    hi_u32 dst_frame_rate;
    hi_u32 qfactor;
} hi_venc_mjpeg_fixqp;

typedef struct hi_venc_mjpeg_vbr {
    hi_u32 stats_time;
    hi_u32 src_frame_rate;
    hi_u32 dst_frame_rate;
    hi_u32 max_bit_rate;
} hi_venc_mjpeg_vbr;

typedef struct hi_venc_mjpeg_vbr_param {
    hi_s32 chg_pos;
    hi_u32 max_qfactor;
    hi_u32 min_qfactor;
} hi_venc_mjpeg_vbr_param;

typedef hi_venc_h264_avbr hi_venc_h265_avbr;

typedef hi_venc_h264_cbr hi_venc_h265_cbr;

typedef hi_venc_h264_cvbr hi_venc_h265_cvbr;

typedef hi_venc_h264_fixqp hi_venc_h265_fixqp;

typedef hi_venc_h264_qvbr hi_venc_h265_qvbr;

typedef hi_venc_h264_vbr hi_venc_h265_vbr;

typedef struct hi_venc_rc_attr {
    hi_venc_rc_mode rc_mode;
    __extension__ union {
        hi_venc_h264_cbr h264_cbr;
        hi_venc_h264_vbr h264_vbr;
        hi_venc_h264_avbr h264_avbr;
        hi_venc_h264_qvbr h264_qvbr;
        hi_venc_h264_cvbr h264_cvbr;
        hi_venc_h264_fixqp h264_fixqp;
        hi_venc_h264_qpmap h264_qpmap;
        hi_venc_mjpeg_cbr mjpeg_cbr;
        hi_venc_mjpeg_vbr mjpeg_vbr;
        hi_venc_mjpeg_fixqp mjpeg_fixqp;
        hi_venc_h265_cbr h265_cbr;
        hi_venc_h265_vbr h265_vbr;
        hi_venc_h265_avbr h265_avbr;
        hi_venc_h265_qvbr h265_qvbr;
        hi_venc_h265_cvbr h265_cvbr;
        hi_venc_h265_fixqp h265_fixqp;
        hi_venc_h265_qpmap h265_qpmap;
    };
} hi_venc_rc_attr;

typedef struct hi_venc_scene_chg_detect {
    hi_bool detect_scene_chg_en;
    hi_bool adapt_insert_idr_frame_en;
} hi_venc_scene_chg_detect;

typedef struct hi_venc_rc_param {
    hi_u32 threshold_i[16];
    hi_u32 threshold_p[16];
    hi_u32 threshold_b[16];
    hi_u32 direction;
    hi_u32 row_qp_delta;
    hi_s32 first_frame_start_qp;
    hi_venc_scene_chg_detect scene_chg_detect;
    __extension__ union {
        hi_venc_h264_cbr_param h264_cbr_param;
        hi_venc_h264_vbr_param h264_vbr_param;
        hi_venc_h264_avbr_param h264_avbr_param;
        hi_venc_h264_qvbr_param h264_qvbr_param;
        hi_venc_h264_cvbr_param h264_cvbr_param;
        hi_venc_h265_cbr_param h265_cbr_param;
        hi_venc_h265_vbr_param h265_vbr_param;
        hi_venc_h265_avbr_param h265_avbr_param;
        hi_venc_h265_qvbr_param h265_qvbr_param;
        hi_venc_h265_cvbr_param h265_cvbr_param;
        hi_venc_mjpeg_cbr_param mjpeg_cbr_param;
        hi_venc_mjpeg_vbr_param mjpeg_vbr_param;
    };
} hi_venc_rc_param;

#ifdef __cplusplus
}
#endif

#endif
