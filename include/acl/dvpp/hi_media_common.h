/* DVPP, second interface: types and memory that all its parts share. */
#ifndef HI_MEDIA_COMMON_H_INCLUDED
#define HI_MEDIA_COMMON_H_INCLUDED

#include <stddef.h>
#include <stdint.h>

#include "hi_media_type.h"
#include "hi_pixel_format.h"

#ifdef __cplusplus
extern "C" {
#endif
#pragma GCC visibility push(default)

#define ALIGN_NUM 8
#define DEFAULT_ALIGN 32U
#define HI_MAX_COLOR_COMPONENT 3
#define HI_MAX_USER_DATA_NUM 2
#define HI_ERR_APP_ID 0xA0000000U

#ifndef ALIGN_UP
#define ALIGN_UP(value, align) ((((value) + (align) - 1) / (align)) * (align))
#endif
#define HI_DEFINE_ERR(module, level, error) \
    ((hi_u32)(HI_ERR_APP_ID | ((hi_u32)(module) << 16) | ((hi_u32)(level) << 13) | (hi_u32)(error)))

typedef enum hi_aspect_ratio_type {
    HI_ASPECT_RATIO_NONE = 0,
    HI_ASPECT_RATIO_AUTO = 1,
    HI_ASPECT_RATIO_MANUAL = 2,
} hi_aspect_ratio_type;

typedef enum hi_blk_size {
    HI_BLK_SIZE_4 = 0,
    HI_BLK_SIZE_8 = 1,
    HI_BLK_SIZE_16 = 2,
    HI_BLK_SIZE_32 = 3,
    HI_BLK_SIZE_64 = 4,
    HI_BLK_SIZE_128 = 5,
} hi_blk_size;

typedef enum hi_color_gamut {
    HI_COLOR_GAMUT_BT601 = 0,
    HI_COLOR_GAMUT_BT709 = 1,
    HI_COLOR_GAMUT_BT2020 = 2,
    HI_COLOR_GAMUT_USER = 3,
    HI_COLOR_GAMUT_BUTT = 4,
} hi_color_gamut;

typedef enum hi_coord {
    HI_COORD_ABS = 0,
    HI_COORD_RATIO = 1,
} hi_coord;

typedef enum hi_cover_type {
    HI_COVER_RECT = 0,
    HI_COVER_QUAD = 1,
} hi_cover_type;

typedef enum hi_csc_matrix {
    HI_CSC_MATRIX_BT601_WIDE = 0,
    HI_CSC_MATRIX_BT601_NARROW = 1,
    HI_CSC_MATRIX_BT709_WIDE = 2,
    HI_CSC_MATRIX_BT709_NARROW = 3,
    HI_CSC_MATRIX_BT2020_WIDE = 4,
    HI_CSC_MATRIX_BT2020_NARROW = 5,
    HI_CSC_MATRIX_USER = 100,
    HI_CSC_MATRIX_BUTT = 101,
} hi_csc_matrix;

typedef enum hi_data_bit_width {
    HI_DATA_BIT_WIDTH_8 = 0,
    HI_DATA_BIT_WIDTH_10 = 1,
    HI_DATA_BIT_WIDTH_12 = 2,
    HI_DATA_BIT_WIDTH_14 = 3,
    HI_DATA_BIT_WIDTH_16 = 4,
    HI_DATA_BIT_WIDTH_BUTT = 5,
} hi_data_bit_width;

typedef enum hi_err_level {
    HI_ERR_LEVEL_DEBUG = 0,
    HI_ERR_LEVEL_INFO = 1,
    HI_ERR_LEVEL_NOTICE = 2,
    HI_ERR_LEVEL_WARNING = 3,
    HI_ERR_LEVEL_ERROR = 4,
    HI_ERR_LEVEL_CRIT = 5,
    HI_ERR_LEVEL_ALERT = 6,
    HI_ERR_LEVEL_FATAL = 7,
    HI_ERR_LEVEL_BUTT = 8,
} hi_err_level;

typedef enum hi_errno {
    HI_ERR_INVALID_DEV_ID = 1,
    HI_ERR_INVALID_CHN_ID = 2,
    HI_ERR_ILLEGAL_PARAM = 3,
    HI_ERR_EXIST = 4,
    HI_ERR_UNEXIST = 5,
    HI_ERR_NULL_PTR = 6,
    HI_ERR_NOT_CFG = 7,
    HI_ERR_NOT_SUPPORT = 8,
    HI_ERR_NOT_PERM = 9,
    HI_ERR_INVALID_PIPE_ID = 10,
    HI_ERR_INVALID_GRP_ID = 11,
    HI_ERR_NO_MEM = 12,
    HI_ERR_NO_BUF = 13,
    HI_ERR_BUF_EMPTY = 14,
    HI_ERR_BUF_FULL = 15,
    HI_ERR_NOT_READY = 16,
    HI_ERR_BAD_ADDR = 17,
    HI_ERR_BUSY = 18,
    HI_ERR_SIZE_NOT_ENOUGH = 19,
    HI_ERR_TIMEOUT = 20,
    HI_ERR_SYS_ERROR = 21,
    HI_ERR_INVALID_LAYER_ID = 22,
    HI_ERR_NOT_ENABLE = 23,
    HI_ERR_NOT_DISABLE = 24,
    HI_ERR_NOT_START = 25,
    HI_ERR_NOT_STOP = 26,
    HI_ERR_NOT_BINDED = 27,
    HI_ERR_BINDED = 28,
    HI_ERR_REG = 29,
    HI_ERR_BUTT = 63,
} hi_errno;

typedef enum hi_mod_id {
    HI_ID_CMPI = 0,
    HI_ID_VB = 1,
    HI_ID_SYS = 2,
    HI_ID_RGN = 3,
    HI_ID_CHNL = 4,
    HI_ID_VDEC = 5,
    HI_ID_AVS = 6,
    HI_ID_VPC = 7,
    HI_ID_VENC = 8,
    HI_ID_SVP = 9,
    HI_ID_H264E = 10,
    HI_ID_JPEGE = 11,
    HI_ID_MPEG4E = 12,
    HI_ID_H265E = 13,
    HI_ID_JPEGD = 14,
    HI_ID_VO = 15,
    HI_ID_VI = 16,
    HI_ID_DIS = 17,
    HI_ID_VALG = 18,
    HI_ID_RC = 19,
    HI_ID_AIO = 20,
    HI_ID_AI = 21,
    HI_ID_AO = 22,
    HI_ID_AENC = 23,
    HI_ID_ADEC = 24,
    HI_ID_VPU = 25,
    HI_ID_PCIV = 26,
    HI_ID_PCIVFMW = 27,
    HI_ID_ISP = 28,
    HI_ID_IVE = 29,
    HI_ID_USER = 30,
    HI_ID_DCCM = 31,
    HI_ID_DCCS = 32,
    HI_ID_PROC = 33,
    HI_ID_LOG = 34,
    HI_ID_VFMW = 35,
    HI_ID_H264D = 36,
    HI_ID_GDC = 37,
    HI_ID_PHOTO = 38,
    HI_ID_FB = 39,
    HI_ID_HDMI = 40,
    HI_ID_VOIE = 41,
    HI_ID_TDE = 42,
    HI_ID_HDR = 43,
    HI_ID_PRORES = 44,
    HI_ID_VGS = 45,
    HI_ID_FD = 47,
    HI_ID_ODT = 48,
    HI_ID_VQA = 49,
    HI_ID_LPR = 50,
    HI_ID_SVP_NNIE = 51,
    HI_ID_SVP_DSP = 52,
    HI_ID_DPU_RECT = 53,
    HI_ID_DPU_MATCH = 54,
    HI_ID_MOTIONSENSOR = 55,
    HI_ID_MOTIONFUSION = 56,
    HI_ID_GYRODIS = 57,
    HI_ID_PM = 58,
    HI_ID_SVP_ALG = 59,
    HI_ID_IVP = 60,
    HI_ID_MCF = 61,
    HI_ID_VPSS = 62,
    HI_ID_DRV_VPC = 63,
    HI_ID_PNGD = 64,
    HI_ID_VDEC_ADAPT = 65,
    HI_ID_DCC = 66,
    HI_ID_VDEC_SERVER = 67,
    HI_ID_BUTT = 256,
} hi_mod_id;

typedef enum hi_op_mode {
    HI_OP_MODE_AUTO = 0,
    HI_OP_MODE_MANUAL = 1,
} hi_op_mode;

typedef enum hi_video_display_mode {
    HI_VIDEO_DISPLAY_MODE_PREVIEW = 0,
    HI_VIDEO_DISPLAY_MODE_PLAYBACK = 1,
} hi_video_display_mode;

typedef enum hi_video_field {
    HI_VIDEO_FIELD_TOP = 1,
    HI_VIDEO_FIELD_BOTTOM = 2,
    HI_VIDEO_FIELD_INTERLACED = 3,
    HI_VIDEO_FIELD_FRAME = 4,
    HI_VIDEO_FIELD_BUTT = 5,
} hi_video_field;

typedef enum hi_video_out_order {
    HI_VIDEO_OUT_ORDER_DISPLAY = 0,
    HI_VIDEO_OUT_ORDER_DEC = 1,
    HI_VIDEO_OUT_ORDER_BUTT = 2,
} hi_video_out_order;

typedef struct hi_rect {
    hi_s32 x;
    hi_s32 y;
    hi_u32 width;
    hi_u32 height;
} hi_rect;

typedef struct hi_aspect_ratio {
    hi_aspect_ratio_type mode;
    hi_u32 bg_color;
    hi_rect video_rect;
} hi_aspect_ratio;

typedef struct hi_bmp {
    hi_pixel_format pixel_format;
    hi_u32 width;
    hi_u32 height;
    void *data;
} hi_bmp;

typedef struct hi_coefficient {
    hi_double csc_matrix_r0_c0;
    hi_double csc_matrix_r0_c1;
    hi_double csc_matrix_r0_c2;
    hi_double csc_matrix_r1_c0;
    hi_double csc_matrix_r1_c1;
    hi_double csc_matrix_r1_c2;
    hi_double csc_matrix_r2_c0;
    hi_double csc_matrix_r2_c1;
    hi_double csc_matrix_r2_c2;
    hi_double csc_bias_r0;
    hi_double csc_bias_r1;
    hi_double csc_bias_r2;
} hi_coefficient;

typedef struct hi_point {
    hi_s32 x;
    hi_s32 y;
} hi_point;

typedef struct hi_quad_cover {
    hi_bool is_solid;
    hi_u32 thick;
    hi_point point[4];
} hi_quad_cover;

typedef struct hi_cover {
    hi_cover_type type;
    __extension__ union {
        hi_rect rect;
        hi_quad_cover quad;
    };
    hi_u32 color;
} hi_cover;

typedef struct hi_crop_info {
    hi_bool enable;
    hi_rect rect;
} hi_crop_info;

typedef struct hi_csc_coefficient {
    hi_coefficient yuv_to_rgb_coefficient;
    hi_coefficient rgb_to_yuv_coefficient;
} hi_csc_coefficient;

typedef struct hi_frame_rate_ctrl {
    hi_s32 src_frame_rate;
    hi_s32 dst_frame_rate;
} hi_frame_rate_ctrl;

typedef struct hi_img_info {
    hi_u32 width;
    hi_u32 height;
    hi_u32 width_stride;
    hi_u32 height_stride;
    hi_u32 img_buf_size;
    __extension__ union {
        hi_jpeg_raw_format pixel_format;
        hi_png_color_format png_pixel_format;
        hi_pixel_format img_pixel_format;
    };
    hi_u32 reserved[4];
} hi_img_info;

typedef struct hi_img_stream {
    hi_payload_type type;
    hi_u8 *addr;
    hi_u32 len;
    hi_u64 pts;
    hi_s32 reserved[2];
} hi_img_stream;

typedef struct hi_mosaic {
    hi_blk_size blk_size;
    hi_rect rect;
} hi_mosaic;

typedef struct hi_mpp_chn {
    hi_mod_id mod_id;
    hi_s32 dev_id;
    hi_s32 chn_id;
} hi_mpp_chn;

typedef struct hi_pic_buf_attr {
    hi_u32 width;
    hi_u32 height;
    hi_u32 align;
    hi_data_bit_width bit_width;
    hi_pixel_format pixel_format;
    hi_compress_mode compress_mode;
} hi_pic_buf_attr;

typedef struct hi_pic_info {
    void *picture_address;
    hi_u32 picture_buffer_size;
    hi_u32 picture_width;
    hi_u32 picture_height;
    hi_u32 picture_width_stride;
    hi_u32 picture_height_stride;
    hi_pixel_format picture_format;
} hi_pic_info;

typedef struct hi_size {
    hi_u32 width;
    hi_u32 height;
} hi_size;

typedef struct hi_video_supplement {
    hi_u64 misc_info_phys_addr;
    hi_u64 jpeg_dcf_phys_addr;
    hi_u64 isp_info_phys_addr;
    hi_u64 low_delay_phys_addr;
    hi_u64 bnr_rnt_phys_addr;
    hi_u64 motion_data_phys_addr;
    __extension__ union {
        hi_u64 frame_dng_phys_addr;
        hi_u64 offset;
    };
    void *misc_info_virt_addr;
    void *jpeg_dcf_virt_addr;
    void *isp_info_virt_addr;
    void *low_delay_virt_addr;
    void *bnr_mot_virt_addr;
    void *motion_data_virt_addr;
    void *frame_dng_virt_addr;
} hi_video_supplement;

typedef struct hi_video_frame {
    hi_u32 width;
    hi_u32 height;
    hi_video_field field;
    hi_pixel_format pixel_format;
    hi_video_format video_format;
    hi_compress_mode compress_mode;
    hi_dynamic_range dynamic_range;
    hi_color_gamut color_gamut;
    hi_u32 header_stride[3];
    hi_u32 width_stride[3];
    hi_u32 height_stride[3];
    hi_u64 header_phys_addr[3];
    hi_u64 phys_addr[3];
    void *header_virt_addr[3];
    void *virt_addr[3];
    hi_u32 time_ref;
    hi_u64 pts;
    hi_u64 user_data[2];
    hi_u32 frame_flag;
    hi_video_supplement supplement;
} hi_video_frame;

typedef struct hi_video_frame_info {
    hi_video_frame v_frame;
    hi_u32 pool_id;
    hi_mod_id mod_id;
} hi_video_frame_info;

typedef struct hi_video_size {
    hi_u32 width;
    hi_u32 height;
} hi_video_size;

hi_s32 hi_mpi_dvpp_free(void *dev_ptr);
hi_s32 hi_mpi_dvpp_get_version(hi_s32 *major_version, hi_s32 *minor_version, hi_s32 *patch_version);
hi_s32 hi_mpi_dvpp_malloc(hi_u32 dev_id, void **dev_ptr, hi_u64 size);

#pragma GCC visibility pop
#ifdef __cplusplus
}
#endif

#endif
