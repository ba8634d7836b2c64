/* DVPP, second interface: video and JPEG encoding. */
#ifndef HI_DVPP_VENC_H_INCLUDED
#define HI_DVPP_VENC_H_INCLUDED

#include <stddef.h>
#include <stdint.h>

#include "hi_dvpp_vb.h"
#include "hi_media_common.h"
#include "hi_venc_rc.h"
#include "hi_venc_stream.h"

#ifdef __cplusplus
extern "C" {
#endif
#pragma GCC visibility push(default)

#define HI_VENC_JPEG_QT_COEF_NUM 64
#define HI_VENC_MAX_MPF_NUM 2
#define HI_VENC_MAX_PACK_INFO_NUM 8
#define HI_VENC_MAX_SSE_NUM 8
#define HI_VENC_PRORES_MAX_ID_CHAR_NUM 4
#define HI_VENC_QP_HIST_NUM 52
#define HI_VENC_TEXTURE_THRESHOLD_SIZE 16
#define HI_ERR_VENC_INVALID_CHN_ID 0xA0088002U
#define HI_ERR_VENC_ILLEGAL_PARAM 0xA0088003U
#define HI_ERR_VENC_EXIST 0xA0088004U
#define HI_ERR_VENC_UNEXIST 0xA0088005U
#define HI_ERR_VENC_NULL_PTR 0xA0088006U
#define HI_ERR_VENC_NOT_CFG 0xA0088007U
#define HI_ERR_VENC_NOT_SUPPORT 0xA0088008U
#define HI_ERR_VENC_NOT_PERM 0xA0088009U
#define HI_ERR_VENC_NO_MEM 0xA008800CU
#define HI_ERR_VENC_NO_BUF 0xA008800DU
#define HI_ERR_VENC_BUF_EMPTY 0xA008800EU
#define HI_ERR_VENC_BUF_FULL 0xA008800FU
#define HI_ERR_VENC_SYS_NOT_READY 0xA0088010U
#define HI_ERR_VENC_BAD_ADDR 0xA0088011U
#define HI_ERR_VENC_BUSY 0xA0088012U
#define HI_ERR_VENC_SYS_ERROR 0xA0088015U

typedef hi_s32 hi_venc_chn;

typedef enum hi_venc_h264_ref_slice_type {
    HI_VENC_H264_REF_SLICE_FOR_1X = 1,
    HI_VENC_H264_REF_SLICE_FOR_2X = 2,
    HI_VENC_H264_REF_SLICE_FOR_4X = 5,
    HI_VENC_H264_REF_SLICE_FOR_BUTT = 6,
} hi_venc_h264_ref_slice_type;

typedef enum hi_venc_intra_refresh_mode {
    INTRA_REFRESH_ROW = 0,
    INTRA_REFRESH_COLUMN = 1,
    INTRA_REFRESH_BUTT = 2,
} hi_venc_intra_refresh_mode;

typedef enum hi_venc_mod_type {
    HI_VENC_MOD_VENC = 1,
    HI_VENC_MOD_H264 = 2,
    HI_VENC_MOD_H265 = 3,
    HI_VENC_MOD_JPEG = 4,
    HI_VENC_MOD_RC = 5,
    HI_VENC_MOD_BUTT = 6,
} hi_venc_mod_type;

typedef enum hi_venc_pic_recv_mode {
    HI_VENC_PIC_RECV_SINGLE = 0,
    HI_VENC_PIC_RECV_MULTI = 1,
    HI_VENC_PIC_RECV_BUTT = 2,
} hi_venc_pic_recv_mode;

typedef enum hi_venc_prores_aspect_ratio {
    HI_VENC_PRORES_ASPECT_RATIO_UNKNOWN = 0,
    HI_VENC_PRORES_ASPECT_RATIO_SQUARE = 1,
    HI_VENC_PRORES_ASPECT_RATIO_4_3 = 2,
    HI_VENC_PRORES_ASPECT_RATIO_16_9 = 3,
    HI_VENC_PRORES_ASPECT_RATIO_BUTT = 4,
} hi_venc_prores_aspect_ratio;

typedef enum hi_venc_prores_frame_rate {
    HI_VENC_PRORES_FRAME_RATE_UNKNOWN = 0,
    HI_VENC_PRORES_FRAME_RATE_23_976 = 1,
    HI_VENC_PRORES_FRAME_RATE_24 = 2,
    HI_VENC_PRORES_FRAME_RATE_25 = 3,
    HI_VENC_PRORES_FRAME_RATE_29_97 = 4,
    HI_VENC_PRORES_FRAME_RATE_30 = 5,
    HI_VENC_PRORES_FRAME_RATE_50 = 6,
    HI_VENC_PRORES_FRAME_RATE_59_94 = 7,
    HI_VENC_PRORES_FRAME_RATE_60 = 8,
    HI_VENC_PRORES_FRAME_RATE_100 = 9,
    HI_VENC_PRORES_FRAME_RATE_119_88 = 10,
    HI_VENC_PRORES_FRAME_RATE_120 = 11,
    HI_VENC_PRORES_FRAME_RATE_BUTT = 12,
} hi_venc_prores_frame_rate;

typedef enum hi_venc_scene_mode {
    HI_VENC_SCENE_0 = 0,
    HI_VENC_SCENE_1 = 1,
    HI_VENC_SCENE_2 = 2,
    HI_VENC_SCENE_BUTT = 3,
} hi_venc_scene_mode;

typedef struct hi_user_roi_map {
    hi_bool valid;
    hi_u64 phy_addr;
} hi_user_roi_map;

typedef struct hi_user_frame_info {
    hi_video_frame_info user_frame;
    hi_user_rc_info user_rc_info;
    hi_user_roi_map user_roi_map;
} hi_user_frame_info;

typedef struct hi_venc_h264_attr {
    hi_bool rcn_ref_share_buf_en;
    hi_u32 frame_buf_ratio;
} hi_venc_h264_attr;

typedef struct hi_venc_h265_attr {
    hi_bool rcn_ref_share_buf_en;
    hi_u32 frame_buf_ratio;
} hi_venc_h265_attr;

typedef struct hi_venc_mpf_cfg {
    hi_u8 large_thumbnail_num;
    hi_video_size large_thumbnail_size[2];
} hi_venc_mpf_cfg;

typedef struct hi_venc_jpeg_attr {
    hi_bool dcf_en;
    hi_venc_mpf_cfg mpf_cfg;
    hi_venc_pic_recv_mode recv_mode;
} hi_venc_jpeg_attr;

typedef struct hi_venc_prores_attr {
    hi_char identifier[4];
    hi_venc_prores_frame_rate frame_rate_code;
    hi_venc_prores_aspect_ratio aspect_ratio;
} hi_venc_prores_attr;

typedef struct hi_venc_attr {
    hi_payload_type type;
    hi_u32 max_pic_width;
    hi_u32 max_pic_height;
    hi_u32 buf_size;
    hi_u32 profile;
    hi_bool is_by_frame;
    hi_u32 pic_width;
    hi_u32 pic_height;
    __extension__ union {
        hi_venc_h264_attr h264_attr;
        hi_venc_h265_attr h265_attr;
        hi_venc_jpeg_attr jpeg_attr;
        hi_venc_prores_attr prores_attr;
    };
} hi_venc_attr;

typedef struct hi_venc_chn_attr {
    hi_venc_attr venc_attr;
    hi_venc_rc_attr rc_attr;
    hi_venc_gop_attr gop_attr;
} hi_venc_chn_attr;

typedef struct hi_venc_chn_param {
    hi_bool color_to_grey_en;
    hi_u32 priority;
    hi_u32 max_stream_cnt;
    hi_u32 poll_wake_up_frame_cnt;
    hi_crop_info crop_info;
    hi_frame_rate_ctrl frame_rate;
} hi_venc_chn_param;

typedef struct hi_venc_chn_status {
    hi_u32 left_pics;
    hi_u32 left_stream_bytes;
    hi_u32 left_stream_frames;
    hi_u32 cur_packs;
    hi_u32 left_recv_pics;
    hi_u32 left_enc_pics;
    hi_bool is_jpeg_snap_end;
    hi_u64 release_pic_pts;
    hi_venc_stream_info stream_info;
} hi_venc_chn_status;

typedef struct hi_venc_cu_prediction {
    hi_op_mode pred_mode;
    hi_u32 intra32_cost;
    hi_u32 intra16_cost;
    hi_u32 intra8_cost;
    hi_u32 intra4_cost;
    hi_u32 inter64_cost;
    hi_u32 inter32_cost;
    hi_u32 inter16_cost;
    hi_u32 inter8_cost;
} hi_venc_cu_prediction;

typedef struct hi_venc_h264_mod_param {
    hi_u32 one_stream_buf;
    hi_u32 mini_buf_mode;
    hi_u32 low_power_mode;
    hi_vb_src vb_src;
    hi_bool qp_hist_en;
    hi_u32 max_user_data_len;
} hi_venc_h264_mod_param;

typedef struct hi_venc_vui_aspect_ratio {
    hi_u8 aspect_ratio_info_present_flag;
    hi_u8 aspect_ratio_idc;
    hi_u8 overscan_info_present_flag;
    hi_u8 overscan_appropriate_flag;
    hi_u16 sar_width;
    hi_u16 sar_height;
} hi_venc_vui_aspect_ratio;

typedef struct hi_venc_vui_h264_time_info {
    hi_u8 timing_info_present_flag;
    hi_u8 fixed_frame_rate_flag;
    hi_u32 num_units_in_tick;
    hi_u32 time_scale;
} hi_venc_vui_h264_time_info;

typedef struct hi_venc_vui_video_signal {
    hi_u8 video_signal_type_present_flag;
    hi_u8 video_format;
    hi_u8 video_full_range_flag;
    hi_u8 colour_description_present_flag;
    hi_u8 colour_primaries;
    hi_u8 transfer_characteristics;
    hi_u8 matrix_coefficients;
} hi_venc_vui_video_signal;

typedef struct hi_venc_h264_vui {
    hi_venc_vui_aspect_ratio vui_aspect_ratio;
    hi_venc_vui_h264_time_info vui_time_info;
    hi_venc_vui_video_signal vui_video_signal;
    hi_venc_vui_bitstream_restric vui_bitstream_restric;
} hi_venc_h264_vui;

typedef struct hi_venc_h265_mod_param {
    hi_u32 one_stream_buf;
    hi_u32 mini_buf_mode;
    hi_u32 low_power_mode;
    hi_vb_src vb_src;
    hi_bool qp_hist_en;
    hi_u32 max_user_data_len;
} hi_venc_h265_mod_param;

typedef struct hi_venc_vui_h265_time_info {
    hi_u32 timing_info_present_flag;
    hi_u32 num_units_in_tick;
    hi_u32 time_scale;
    hi_u32 num_ticks_poc_diff_one_minus1;
} hi_venc_vui_h265_time_info;

typedef struct hi_venc_h265_vui {
    hi_venc_vui_aspect_ratio vui_aspect_ratio;
    hi_venc_vui_h265_time_info vui_time_info;
    hi_venc_vui_video_signal vui_video_signal;
    hi_venc_vui_bitstream_restric vui_bitstream_restric;
} hi_venc_h265_vui;

typedef struct hi_venc_huffman_ac_table {
    hi_u8 ac_bits[16];
    hi_u8 ac_value[162];
} hi_venc_huffman_ac_table;

typedef struct hi_venc_huffman_dc_table {
    hi_u8 dc_bits[16];
    hi_u8 dc_value[12];
} hi_venc_huffman_dc_table;

typedef struct hi_venc_intra_refresh {
    hi_bool refresh_enable;
    hi_venc_intra_refresh_mode intra_refresh_mode;
    hi_u32 refresh_num;
    hi_u32 req_i_qp;
} hi_venc_intra_refresh;

typedef struct hi_venc_jpeg_huffman_param {
    hi_venc_huffman_dc_table dc_tables[3];
    hi_venc_huffman_ac_table ac_tables[3];
    hi_u32 reserved[2];
} hi_venc_jpeg_huffman_param;

typedef struct hi_venc_jpeg_mod_param {
    hi_u32 one_stream_buf;
    hi_u32 mini_buf_mode;
    hi_u32 clear_stream_buf;
    hi_u32 dering_mode;
} hi_venc_jpeg_mod_param;

typedef struct hi_venc_jpeg_param {
    hi_u32 qfactor;
    hi_u8 y_qt[64];
    hi_u8 cb_qt[64];
    hi_u8 cr_qt[64];
    hi_u32 mcu_per_ecs;
    hi_bool ecs_output_en;
} hi_venc_jpeg_param;

typedef struct hi_venc_venc_mod_param {
    hi_u32 buf_cache;
    hi_u32 frame_buf_recycle;
} hi_venc_venc_mod_param;

typedef struct hi_venc_mod_param {
    hi_venc_mod_type mod_type;
    __extension__ union {
        hi_venc_venc_mod_param venc_mod_param;
        hi_venc_h264_mod_param h264_mod_param;
        hi_venc_h265_mod_param h265_mod_param;
        hi_venc_jpeg_mod_param jpeg_mod_param;
    };
} hi_venc_mod_param;

typedef struct hi_venc_ref_param {
    hi_u32 base;
    hi_u32 enhance;
    hi_bool pred_en;
} hi_venc_ref_param;

typedef struct hi_venc_roi_attr {
    hi_u32 idx;
    hi_bool enable;
    hi_bool is_abs_qp;
    hi_s32 qp;
    hi_rect rect;
} hi_venc_roi_attr;

typedef struct hi_venc_slice_split {
    hi_bool split_enable;
    hi_u32 split_mode;
    hi_u32 split_size;
    hi_bool slice_output_en;
    hi_u32 reserved[2];
} hi_venc_slice_split;

typedef struct hi_venc_start_param {
    hi_s32 recv_pic_num;
} hi_venc_start_param;

hi_s32 hi_mpi_venc_close_fd(hi_venc_chn chn);
hi_s32 hi_mpi_venc_compact_jpeg_tables(hi_venc_chn chn, hi_u32 table_type, hi_bool enable);
hi_s32 hi_mpi_venc_create_chn(hi_venc_chn chn, const hi_venc_chn_attr *attr);
hi_s32 hi_mpi_venc_destroy_chn(hi_venc_chn chn);
hi_s32 hi_mpi_venc_get_chn_attr(hi_venc_chn chn, hi_venc_chn_attr *chn_attr);
hi_s32 hi_mpi_venc_get_chn_param(hi_venc_chn chn, hi_venc_chn_param *chn_param);
hi_s32 hi_mpi_venc_get_cu_pred(hi_venc_chn chn, hi_venc_cu_prediction *cu_pred);
hi_s32 hi_mpi_venc_get_fd(hi_venc_chn chn);
hi_s32 hi_mpi_venc_get_h264_vui(hi_venc_chn chn, hi_venc_h264_vui *h264_vui);
hi_s32 hi_mpi_venc_get_h265_vui(hi_venc_chn chn, hi_venc_h265_vui *h265_vui);
hi_s32 hi_mpi_venc_get_intra_refresh(hi_venc_chn chn, hi_venc_intra_refresh *intra_refresh);
hi_s32 hi_mpi_venc_get_jpeg_huffman_param(hi_venc_chn chn,
                                          hi_venc_jpeg_huffman_param *jpeg_huffman_data);
hi_s32 hi_mpi_venc_get_jpeg_param(hi_venc_chn chn, hi_venc_jpeg_param *jpeg_param);
hi_s32 hi_mpi_venc_get_jpege_predicted_size(const hi_video_frame_info *frame,
                                            const hi_venc_jpeg_param *jpeg_param, hi_u32 *size);
hi_s32 hi_mpi_venc_get_mod_param(hi_venc_mod_param *mod_param);
hi_s32 hi_mpi_venc_get_qpmap_size(hi_payload_type type, hi_u32 width, hi_u32 height);
hi_s32 hi_mpi_venc_get_qpmap_stride(hi_u32 width);
hi_s32 hi_mpi_venc_get_rc_param(hi_venc_chn chn, hi_venc_rc_param *rc_param);
hi_s32 hi_mpi_venc_get_ref_param(hi_venc_chn chn, hi_venc_ref_param *ref_param);
hi_s32 hi_mpi_venc_get_roi_attr(hi_venc_chn chn, hi_u32 idx, hi_venc_roi_attr *roi_attr);
hi_s32 hi_mpi_venc_get_scene_mode(hi_venc_chn chn, hi_venc_scene_mode *scene_mode);
hi_s32 hi_mpi_venc_get_slice_split(hi_venc_chn chn, hi_venc_slice_split *slice_split);
hi_s32 hi_mpi_venc_get_stream(hi_venc_chn chn, hi_venc_stream *stream, hi_s32 milli_sec);
hi_s32 hi_mpi_venc_get_streamcopy_param(hi_venc_chn chn,
                                        hi_venc_streamcopy_param *streamcopy_param);
hi_s32 hi_mpi_venc_query_status(hi_venc_chn chn, hi_venc_chn_status *status);
hi_s32 hi_mpi_venc_release_stream(hi_venc_chn chn, hi_venc_stream *stream);
hi_s32 hi_mpi_venc_request_idr(hi_venc_chn chn, hi_bool instant);
hi_s32 hi_mpi_venc_send_frame(hi_venc_chn chn, const hi_video_frame_info *frame, hi_s32 milli_sec);
hi_s32 hi_mpi_venc_send_frame_ex(hi_venc_chn chn, const hi_user_frame_info *frame,
                                 hi_s32 milli_sec);
hi_s32 hi_mpi_venc_send_jpege_frame(hi_venc_chn chn, const hi_video_frame_info *frame,
                                    const hi_img_stream *jpege_stream, hi_s32 milli_sec);
hi_s32 hi_mpi_venc_set_chn_attr(hi_venc_chn chn, const hi_venc_chn_attr *chn_attr);
hi_s32 hi_mpi_venc_set_chn_param(hi_venc_chn chn, const hi_venc_chn_param *chn_param);
hi_s32 hi_mpi_venc_set_cu_pred(hi_venc_chn chn, const hi_venc_cu_prediction *cu_pred);
hi_s32 hi_mpi_venc_set_h264_vui(hi_venc_chn chn, const hi_venc_h264_vui *h264_vui);
hi_s32 hi_mpi_venc_set_h265_vui(hi_venc_chn chn, const hi_venc_h265_vui *h265_vui);
hi_s32 hi_mpi_venc_set_intra_refresh(hi_venc_chn chn, const hi_venc_intra_refresh *intra_refresh);
hi_s32 hi_mpi_venc_set_jpeg_huffman_param(hi_venc_chn chn,
                                          const hi_venc_jpeg_huffman_param *jpeg_huffman_param);
hi_s32 hi_mpi_venc_set_jpeg_param(hi_venc_chn chn, const hi_venc_jpeg_param *jpeg_param);
hi_s32 hi_mpi_venc_set_mod_param(const hi_venc_mod_param *mod_param);
hi_s32 hi_mpi_venc_set_rc_param(hi_venc_chn chn, const hi_venc_rc_param *rc_param);
hi_s32 hi_mpi_venc_set_ref_param(hi_venc_chn chn, const hi_venc_ref_param *ref_param);
hi_s32 hi_mpi_venc_set_roi_attr(hi_venc_chn chn, const hi_venc_roi_attr *roi_attr);
hi_s32 hi_mpi_venc_set_scene_mode(hi_venc_chn chn, const hi_venc_scene_mode scene_mode);
hi_s32 hi_mpi_venc_set_slice_split(hi_venc_chn chn, const hi_venc_slice_split *slice_split);
hi_s32 hi_mpi_venc_set_streamcopy_param(hi_venc_chn chn,
                                        const hi_venc_streamcopy_param *streamcopy_param);
hi_s32 hi_mpi_venc_start_chn(hi_venc_chn chn, const hi_venc_start_param *recv_param);
hi_s32 hi_mpi_venc_stop_chn(hi_venc_chn chn);

#pragma GCC visibility pop
#ifdef __cplusplus
}
#endif

#endif
