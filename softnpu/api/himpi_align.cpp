// How pictures lie in memory so that several engines of the second media interface take them.
#include <algorithm>
#include <cstring>

#include "softnpu/api/himpi_vpc.hpp"

using namespace softnpu;

namespace {

/// What an engine asks of a picture: steps of its strides, sizes, formats.
struct Module {
    hi_module_type type;
    uint32_t step, row_step;
    uint32_t least_width, least_height, most;
    bool (*takes)(PixelFormat);
};

bool is_nv(PixelFormat format) {
    return format == HI_PIXEL_FORMAT_YUV_SEMIPLANAR_420 ||
           format == HI_PIXEL_FORMAT_YVU_SEMIPLANAR_420;
}
bool is_known(PixelFormat format) {
    return format_info(format) != nullptr;
}
bool is_video_output(PixelFormat format) {
    return is_nv(format) || format == HI_PIXEL_FORMAT_RGB_888 || format == HI_PIXEL_FORMAT_BGR_888;
}
bool is_jpeg_input(PixelFormat format) {
    return is_nv(format) ||
           (format >= HI_PIXEL_FORMAT_YUYV_PACKED_422 && format <= HI_PIXEL_FORMAT_VYUY_PACKED_422);
}
bool is_jpeg_output(PixelFormat format) {
    return (format >= HI_PIXEL_FORMAT_YUV_400 && format <= HI_PIXEL_FORMAT_YVU_SEMIPLANAR_444) ||
           format == HI_PIXEL_FORMAT_YUV_SEMIPLANAR_440 ||
           format == HI_PIXEL_FORMAT_YVU_SEMIPLANAR_440;
}
bool is_png_output(PixelFormat format) {
    return format == HI_PIXEL_FORMAT_RGB_888 || format == HI_PIXEL_FORMAT_RGBA_8888;
}

constexpr Module kModules[] = {
    {HI_MOD_VPC, 16, 2, 10, 6, 8192, is_known},
    {HI_MOD_VENC, 16, 2, 128, 128, 4096, is_nv},
    {HI_MOD_VDEC, 16, 2, 10, 6, 4096, is_video_output},
    {HI_MOD_JPEGE, 16, 2, 32, 32, 8192, is_jpeg_input},
    {HI_MOD_JPEGD, 64, 16, 32, 32, 8192, is_jpeg_output},
    {HI_MOD_PNGD, 128, 16, 32, 32, 4096, is_png_output},
    // The strictest steps of all; no format and hardly a size suits them all.
    {HI_MOD_ALL, 128, 16, 10, 6, 8192, is_known},
};

int check_picture(const Module &module, const hi_img_base_info &info) {
    if (!module.takes(static_cast<PixelFormat>(info.pixel_format))) {
        return fail(vpc_error(HI_ERR_SYS_NOT_SUPPORT), "module %d has no pictures of format %d",
                    static_cast<int>(module.type), static_cast<int>(info.pixel_format));
    }
    if (info.width >= module.least_width && info.height >= module.least_height &&
        info.width <= module.most && info.height <= module.most) {
        return 0;
    }
    return fail(vpc_error(HI_ERR_SYS_ILLEGAL_PARAM), "%ux%u: module %d wants %ux%u to %ux%u",
                info.width, info.height, static_cast<int>(module.type), module.least_width,
                module.least_height, module.most, module.most);
}

int find_module(hi_module_type type, const Module *&found) {
    for (const Module &module : kModules) {
        if (module.type == type) return found = &module, 0;
    }
    return fail(vpc_error(HI_ERR_SYS_ILLEGAL_PARAM), "module %d: want 0 to 5, or 100 for all",
                static_cast<int>(type));
}

}  // namespace

extern "C" {

hi_s32 hi_mpi_sys_get_image_align_info(const hi_module_type mod_type[], const hi_u32 mod_num,
                                       const hi_img_base_info *img_base_info,
                                       hi_img_align_info *img_align_info) {
    return guarded(__func__, [&] {
        if (mod_type == nullptr || img_base_info == nullptr || img_align_info == nullptr) {
            return fail(vpc_error(HI_ERR_SYS_NULL_PTR),
                        "mod_type, img_base_info or img_align_info is NULL");
        }
        if (mod_num == 0 || mod_num > std::size(kModules)) {
            return fail(vpc_error(HI_ERR_SYS_ILLEGAL_PARAM), "mod_num %u: want 1 to %zu", mod_num,
                        std::size(kModules));
        }
        uint32_t step = 1, row_step = 1;
        for (hi_u32 i = 0; i < mod_num; ++i) {
            const Module *module = nullptr;
            SOFTNPU_CHECK(find_module(mod_type[i], module));
            SOFTNPU_CHECK(check_picture(*module, *img_base_info));
            step = std::max(step, module->step);
            row_step = std::max(row_step, module->row_step);
        }
        const auto format = static_cast<PixelFormat>(img_base_info->pixel_format);
        const uint32_t rows = (img_base_info->height + row_step - 1) / row_step * row_step;
        std::memset(img_align_info, 0, sizeof *img_align_info);
        img_align_info->width_stride = row_bytes(format, img_base_info->width, step);
        img_align_info->height_stride = rows;
        img_align_info->img_buf_size = picture_bytes(format, img_align_info->width_stride, rows);
        return HI_SUCCESS;
    });
}

}  // extern "C"
