/* DVPP, second interface: what an encoder hands out. */
#ifndef HI_VENC_STREAM_H_INCLUDED
#define HI_VENC_STREAM_H_INCLUDED

#include <stddef.h>
#include <stdint.h>

#include "hi_media_common.h"
#include "hi_venc_rc.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef enum hi_venc_h264_nalu_type {
    HI_VENC_H264_NALU_B_SLICE = 0,
    HI_VENC_H264_NALU_P_SLICE = 1,
    HI_VENC_H264_NALU_I_SLICE = 2,
    HI_VENC_H264_NALU_IDR_SLICE = 5,
    HI_VENC_H264_NALU_SEI = 6,
    HI_VENC_H264_NALU_SPS = 7,
    HI_VENC_H264_NALU_PPS = 8,
    HI_VENC_H264_NALU_BUTT = 9,
} hi_venc_h264_nalu_type;

typedef enum hi_venc_h265_nalu_type {
    HI_VENC_H265_NALU_B_SLICE = 0,
    HI_VENC_H265_NALU_P_SLICE = 1,
    HI_VENC_H265_NALU_I_SLICE = 2,
    HI_VENC_H265_NALU_IDR_SLICE = 19,
    HI_VENC_H265_NALU_VPS = 32,
    HI_VENC_H265_NALU_SPS = 33,
    HI_VENC_H265_NALU_PPS = 34,
    HI_VENC_H265_NALU_SEI = 39,
    HI_VENC_H265_NALU_ENHANCE = 64,
    HI_VENC_H265_NALU_BUTT = 65,
} hi_venc_h265_nalu_type;

typedef enum hi_venc_jpege_pack_type {
    HI_VENC_JPEG_PACK_ECS = 5,
    HI_VENC_JPEG_PACK_APP = 6,
    HI_VENC_JPEG_PACK_VDO = 7,
    HI_VENC_JPEG_PACK_PIC = 8,
    HI_VENC_JPEG_PACK_DCF = 9,
    HI_VENC_JPEG_PACK_DCF_PIC = 10,
    HI_VENC_JPEG_PACK_BUTT = 11,
} hi_venc_jpege_pack_type;

typedef enum hi_venc_prores_pack_type {
    HI_VENC_PRORES_PACK_PIC = 1,
    HI_VENC_PRORES_PACK_BUTT = 2,
} hi_venc_prores_pack_type;

typedef enum hi_venc_ref_type {
    HI_VENC_BASE_IDR_SLICE = 0,
    HI_VENC_BASE_P_SLICE_REF_TO_IDR = 1,
    HI_VENC_BASE_P_SLICE_REF_BY_BASE = 2,
    HI_VENC_BASE_P_SLICE_REF_BY_ENHANCE = 3,
    HI_VENC_ENHANCE_P_SLICE_REF_BY_ENHANCE = 4,
    HI_VENC_ENHANCE_P_SLICE_NOT_FOR_REF = 5,
    HI_VENC_P_SLICE_BUTT = 6,
} hi_venc_ref_type;

typedef union hi_venc_data_type {
    hi_venc_h264_nalu_type h264_type;
    hi_venc_jpege_pack_type jpeg_type;
    hi_venc_h265_nalu_type h265_type;
    hi_venc_prores_pack_type prores_type;
} hi_venc_data_type;

typedef struct hi_venc_sse_info {
    hi_bool enable;
    hi_u64 sse_val;
} hi_venc_sse_info;

typedef struct hi_venc_h264_adv_stream_info {
    hi_u32 residual_bits;
    hi_u32 head_bits;
    hi_u32 madi_val;
    hi_u32 madp_val;
    hi_double psnr_val;
    hi_u32 sse_lcu_cnt;
    hi_u64 sse_sum;
    hi_venc_sse_info sse_info[8];
    hi_u32 qp_hist[52];
    hi_u32 move_scene16x16_num;
    hi_u32 move_scene_bits;
} hi_venc_h264_adv_stream_info;

typedef struct hi_venc_h264_stream_info {
    hi_u32 pic_bytes;
    hi_u32 inter16x16_mb_num;
    hi_u32 inter8x8_mb_num;
    hi_u32 intra16_mb_num;
    hi_u32 intra8_mb_num;
    hi_u32 intra4_mb_num;
    hi_venc_ref_type ref_type;
    hi_u32 update_attr_cnt;
    hi_u32 start_qp;
    hi_u32 mean_qp;
    hi_bool is_p_skip;
} hi_venc_h264_stream_info;

typedef struct hi_venc_h265_adv_stream_info {
    hi_u32 residual_bits;
    hi_u32 head_bits;
    hi_u32 madi_val;
    hi_u32 madp_val;
    hi_double psnr_val;
    hi_u32 sse_lcu_cnt;
    hi_u64 sse_sum;
    hi_venc_sse_info sse_info[8];
    hi_u32 qp_hist[52];
    hi_u32 move_scene32x32_num;
    hi_u32 move_scene_bits;
} hi_venc_h265_adv_stream_info;

typedef struct hi_venc_h265_stream_info {
    hi_u32 pic_bytes;
    hi_u32 inter64x64_cu_num;
    hi_u32 inter32x32_cu_num;
    hi_u32 inter16x16_cu_num;
    hi_u32 inter8x8_cu_num;
    hi_u32 intra32x32_cu_num;
    hi_u32 intra16x16_cu_num;
    hi_u32 intra8x8_cu_num;
    hi_u32 intra4x4_cu_num;
    hi_venc_ref_type ref_type;
    hi_u32 update_attr_cnt;
    hi_u32 start_qp;
    hi_u32 mean_qp;
    hi_bool is_p_skip;
} hi_venc_h265_stream_info;

typedef struct hi_venc_jpeg_stream_info {
    hi_u32 pic_bytes;
    hi_u32 update_attr_cnt;
    hi_u32 qfactor;
} hi_venc_jpeg_stream_info;

typedef struct hi_venc_pack_info {
    hi_venc_data_type pack_type;
    hi_u32 pack_offset;
    hi_u32 pack_len;
} hi_venc_pack_info;

typedef struct hi_venc_pack {
    __extension__ union {
        hi_u64 phys_addr;
        hi_u64 input_addr;
    };
    hi_u8 *addr;
    hi_u32 len;
    hi_u64 pts;
    hi_bool is_frame_end;
    hi_venc_data_type data_type;
    hi_u32 offset;
    hi_u32 data_num;
    hi_venc_pack_info pack_info[8];
} hi_venc_pack;

typedef struct hi_venc_prores_stream_info {
    hi_u32 pic_bytes;
    hi_u32 update_attr_cnt;
} hi_venc_prores_stream_info;

typedef struct hi_venc_stream {
    hi_venc_pack *pack;
    hi_u32 pack_cnt;
    hi_u32 seq;
    __extension__ union {
        hi_venc_h264_stream_info h264_info;
        hi_venc_jpeg_stream_info jpeg_info;
        hi_venc_h265_stream_info h265_info;
        hi_venc_prores_stream_info prores_info;
    };
    __extension__ union {
        hi_venc_h264_adv_stream_info h264_adv_info;
        hi_venc_h265_adv_stream_info h265_adv_info;
    };
} hi_venc_stream;

typedef struct hi_venc_stream_info {
    hi_venc_ref_type ref_type;
    hi_u32 pic_bytes;
    hi_u32 pic_cnt;
    hi_u32 start_qp;
    hi_u32 mean_qp;
    hi_bool is_p_skip;
    hi_u32 residual_bits;
    hi_u32 head_bits;
    hi_u32 madi_val;
    hi_u32 madp_val;
    hi_u64 sse_sum;
    hi_u32 sse_lcu_cnt;
    hi_double psnr_val;
} hi_venc_stream_info;

typedef struct hi_venc_streamcopy_param {
    hi_bool copy_en;
    hi_u32 copy_interval;
} hi_venc_streamcopy_param;

typedef struct hi_venc_vui_bitstream_restric {
    hi_u8 bitstream_restriction_flag;
} hi_venc_vui_bitstream_restric;

#ifdef __cplusplus
}
#endif

#endif
