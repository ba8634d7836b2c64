// Drawing and warping of a 310B from several threads at once, at the pictures' edges, for the
// sanitizers. What they compute is compared with OpenCV by tests/himpi.
#include <cstdlib>
#include <cstring>

#include "acl/dvpp/hi_dvpp.h"
#include "tests/cpp/media.hpp"

namespace {

// Before the first call reads it.
const bool plays_310b = setenv("SOFTNPU_SOC", "Ascend310B4", 1) == 0;

constexpr hi_pixel_format kFormats[] = {HI_PIXEL_FORMAT_YUV_400, HI_PIXEL_FORMAT_YUV_SEMIPLANAR_420,
                                        HI_PIXEL_FORMAT_RGB_888, HI_PIXEL_FORMAT_YUV_PACKED_444};

size_t bytes_of(hi_pixel_format format, uint32_t width, uint32_t height) {
    const size_t luma = size_t{width} * height;
    if (format == HI_PIXEL_FORMAT_YUV_400) return luma;
    return format == HI_PIXEL_FORMAT_YUV_SEMIPLANAR_420 ? luma * 3 / 2 : luma * 3;
}

/// Memory of exactly the bytes of a picture, which ends where the allocation does.
struct Picture {
    Picture(hi_pixel_format format, uint32_t width, uint32_t height)
        : bytes(bytes_of(format, width, height), '\0'), memory(bytes.size()) {
        for (size_t i = 0; i < bytes.size(); ++i) bytes[i] = static_cast<char>(i * 7 + i / 100);
        const bool packed =
            format == HI_PIXEL_FORMAT_RGB_888 || format == HI_PIXEL_FORMAT_YUV_PACKED_444;
        info = {memory.data(), memory.size(), width, height, width * (packed ? 3 : 1),
                height,        format};
        OK(aclrtMemcpy(memory.data(), bytes.size(), bytes.data(), bytes.size(),
                       is_discrete() ? ACL_MEMCPY_HOST_TO_DEVICE : ACL_MEMCPY_DEVICE_TO_DEVICE));
    }
    std::string read() const { return copied(memory.data(), bytes.size()); }
    std::string bytes;
    Memory memory;
    hi_vpc_pic_info info;
};

void finish(hi_vpc_chn chn, hi_u32 task) {
    OK(hi_mpi_vpc_get_process_result(chn, task, -1));
}

std::string draw(hi_vpc_chn chn, hi_pixel_format format) {
    const Picture source(format, 70, 38), target(format, 70, 38);
    hi_u32 task = 0;
    hi_cover covers[2]{};
    covers[0].type = HI_COVER_RECT;
    covers[0].rect = {-6, 30, 200, 20};
    covers[1].type = HI_COVER_QUAD;
    covers[1].quad = {HI_TRUE, 0, {{-20, 4}, {90, -30}, {71, 39}, {10, 60}}};
    covers[0].color = covers[1].color = 0x336699;
    const hi_cover_param cover{source.info, target.info, 2, covers};
    OK(hi_mpi_vpc_draw_cover(chn, &cover, &task, -1));
    finish(chn, task);
    hi_line line{{-40, -8}, {140, 60}, 6, 0xFFFFFF};
    const hi_line_param lines{target.info, target.info, 1, &line};
    OK(hi_mpi_vpc_draw_line(chn, &lines, &task, -1));
    hi_mosaic mosaic{HI_BLK_SIZE_16, {50, 20, 64, 64}};
    const hi_mosaic_param mosaics{target.info, target.info, 1, &mosaic};
    hi_u32 second = 0;
    OK(hi_mpi_vpc_draw_mosaic(chn, &mosaics, &second, -1));
    const std::string pixels(8 * 30 / 2, '\x21');
    const Memory overlay(pixels.data(), pixels.size());
    hi_osd osd{};
    osd.rect = {64, -2, 8, 30};
    osd.pixel_format = HI_PIXEL_FORMAT_ARGB_CLUT4;
    osd.picture_address = overlay.data();
    osd.stride = 4;
    hi_osd_param osds{target.info, target.info, 1, &osd, {0, 0x80FF0000, 0xFF00FF00}};
    hi_u32 third = 0;
    OK(hi_mpi_vpc_draw_osd(chn, &osds, &third, -1));
    for (const hi_u32 one : {task, second, third}) finish(chn, one);
    return target.read();
}

std::string warp(hi_vpc_chn chn, hi_pixel_format format) {
    const Picture source(format, 70, 38), target(format, 54, 66);
    hi_transform_matrix matrix{};
    OK(hi_mpi_vpc_get_rotation_matrix({35, 19}, 33, 1.4, &matrix));
    hi_remap_lut lut{70, 38, 54, 66, nullptr, 0, 0};
    OK(hi_mpi_vpc_get_lut_mem_size(54, 66, &lut.lut_size));
    const Memory table(lut.lut_size);
    lut.lut = table.data();
    hi_point_pair_info corners{
        {{0, 0}, {69, 0}, {69, 37}, {0, 37}}, 4, {{4, 2}, {50, 9}, {53, 60}, {-9, 65}}, 4};
    OK(hi_mpi_vpc_get_perspective_lut(&corners, 0, &lut));
    std::string all;
    for (const hi_u32 interpolation : {0u, 1u}) {
        for (const auto border : {HI_BORDER_CONSTANT, HI_BORDER_REPLICATE}) {
            hi_warp_transform_param how{source.info, target.info, {interpolation, border, {}}};
            hi_u32 task = 0;
            OK(hi_mpi_vpc_warp_affine(chn, &matrix, &how, &task, -1));
            finish(chn, task);
            all += target.read();
            OK(hi_mpi_vpc_lut_remap(chn, &how, &lut, &task, -1));
            finish(chn, task);
            all += target.read();
        }
    }
    return all;
}

std::string everything(hi_vpc_chn chn) {
    std::string all;
    for (const hi_pixel_format format : kFormats) all += draw(chn, format) + warp(chn, format);
    return all;
}

}  // namespace

TEST("drawing and warping: several threads, each with a channel, give the same") {
    CHECK(plays_310b);
    Session session;
    OK(hi_mpi_sys_init());
    const hi_vpc_chn_attr attr{};
    std::vector<std::string> results(3);
    std::vector<std::unique_ptr<Worker>> workers;
    for (size_t i = 0; i < results.size(); ++i) {
        workers.push_back(std::make_unique<Worker>([&attr, &results, i] {
            const auto chn = static_cast<hi_vpc_chn>(i);
            OK(hi_mpi_vpc_create_chn(chn, &attr));
            hi_vpc_workspace_param spaces[2] = {{REMAP, 70, 38, 54, 66, 0},
                                                {AFFINE, 70, 38, 54, 66, 0}};
            OK(hi_mpi_vpc_set_chn_workspace(chn, spaces, 2));
            for (int round = 0; round < 2; ++round) results[i] = everything(chn);
            OK(hi_mpi_vpc_destroy_chn(chn));
        }));
    }
    join_all(workers);
    CHECK(!results[0].empty());
    for (const std::string &result : results) CHECK(result == results[0]);
    OK(hi_mpi_sys_exit());
    check_nothing_left();
}

TEST_MAIN
