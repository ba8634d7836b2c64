// What the second media interface draws onto pictures, which the 310B alone has.
#include <algorithm>
#include <cstdlib>

#include "softnpu/api/himpi_vpc.hpp"
#include "softnpu/core/config.hpp"
#include "softnpu/dvpp/overlay.hpp"
#include "softnpu/memory/memory.hpp"
#include "softnpu/vpc/draw.hpp"

using namespace softnpu;

namespace {

constexpr hi_u32 kMost = 100;  // areas, lines or pictures of a call

int check_draw_chip(const char *function) {
    if (chip_is("Ascend310B")) return 0;
    return fail(vpc_error(HI_ERR_VPC_NOT_SUPPORT),
                "%s has no %s; the 310B has it: choose another SOFTNPU_SOC",
                config().soc_name.c_str(), function);
}

bool can_be_drawn_on(PixelFormat format) {
    static constexpr PixelFormat kFormats[] = {
        HI_PIXEL_FORMAT_YUV_400,
        HI_PIXEL_FORMAT_YUV_SEMIPLANAR_420,
        HI_PIXEL_FORMAT_YVU_SEMIPLANAR_420,
        HI_PIXEL_FORMAT_YUV_SEMIPLANAR_422,
        HI_PIXEL_FORMAT_YVU_SEMIPLANAR_422,
        HI_PIXEL_FORMAT_YUYV_PACKED_422,
        HI_PIXEL_FORMAT_YVYU_PACKED_422,
        HI_PIXEL_FORMAT_YUV_PACKED_444,
        HI_PIXEL_FORMAT_RGB_888,
        HI_PIXEL_FORMAT_BGR_888,
        HI_PIXEL_FORMAT_YVU_PACKED_444,
        HI_PIXEL_FORMAT_RGB_888_PLANAR,
        HI_PIXEL_FORMAT_BGR_888_PLANAR,
    };
    return std::find(std::begin(kFormats), std::end(kFormats), format) != std::end(kFormats);
}

/// YUV420SP and YUV422SP, whose areas and lines have even corners.
bool wants_even(const Picture &picture) {
    const FormatInfo &info = *format_info(picture.format);
    return info.planes == 2 && info.chroma_w != 0;
}

int take_both(const hi_vpc_pic_info &src, const hi_vpc_pic_info &dst, Picture &source,
              Picture &target) {
    SOFTNPU_CHECK(take_vpc_picture("src", &src, source, PictureUse::pixels));
    SOFTNPU_CHECK(take_vpc_picture("dst", &dst, target, PictureUse::pixels));
    if (!can_be_drawn_on(source.format)) {
        return fail(vpc_error(HI_ERR_VPC_NOT_SUPPORT), "nothing can be drawn on %s",
                    format_info(source.format)->name);
    }
    if (source.format != target.format) {
        return fail(vpc_error(HI_ERR_VPC_NOT_SUPPORT), "src and dst differ in format");
    }
    constexpr uint32_t kMostWidth = 4096;
    if (source.width > kMostWidth) {
        return fail(vpc_error(HI_ERR_VPC_ILLEGAL_PARAM), "src is %u wide: want %u at most",
                    source.width, kMostWidth);
    }
    if (source.width == target.width && source.height == target.height) return 0;
    return fail(vpc_error(HI_ERR_VPC_ILLEGAL_PARAM), "dst is %ux%u: want %ux%u", target.width,
                target.height, source.width, source.height);
}

/// One thing drawn onto a picture; "" or what is wrong with memory of its own.
using Drawing = std::function<std::string(const Picture &target)>;

/// What all entries do: `take` checks one of `things` and gives its drawing.
template <class Parameters, class Thing, class Take>
int submit(const char *function, hi_vpc_chn chn, const Parameters *parameters,
           Thing *Parameters::*things, hi_u32 *task, hi_s32 milliseconds, Take take) {
    return guarded(function, [&] {
        std::shared_ptr<VpcChannel> channel;
        SOFTNPU_CHECK(find_vpc(chn, channel));
        SOFTNPU_CHECK(check_draw_chip(function));
        SOFTNPU_CHECK(check_vpc_call(task, milliseconds));
        if (parameters == nullptr) {
            return fail(vpc_error(HI_ERR_VPC_NULL_PTR), "the parameters are NULL");
        }
        Picture source, target;
        SOFTNPU_CHECK(take_both(parameters->src, parameters->dst, source, target));
        if (parameters->count < 1 || parameters->count > kMost) {
            return fail(vpc_error(HI_ERR_VPC_ILLEGAL_PARAM), "count %u: want 1 to %u",
                        parameters->count, kMost);
        }
        const Thing *first = parameters->*things;
        if (first == nullptr) {
            return fail(vpc_error(HI_ERR_VPC_NULL_PTR), "the array of what to draw is NULL");
        }
        std::vector<Drawing> drawings(parameters->count);
        for (hi_u32 i = 0; i < parameters->count; ++i) {
            SOFTNPU_CHECK(take(first[i], source, channel->csc_matrix.load(), drawings[i]));
        }
        return submit_vpc_operation(
            function, *channel, {source, target},
            [drawings = std::move(drawings)](const std::vector<Picture> &seen) -> std::string {
                vpc::copy_pixels(seen[0], seen[1]);
                for (const Drawing &drawing : drawings) {
                    if (std::string why = drawing(seen[1]); !why.empty()) return why;
                }
                return "";
            },
            task, milliseconds);
    });
}

int take_area(const char *what, const hi_rect &rect, bool even, vpc::Area &area) {
    if (rect.width == 0 || rect.height == 0) {
        return fail(vpc_error(HI_ERR_VPC_ILLEGAL_PARAM), "%s of %ux%u is empty", what, rect.width,
                    rect.height);
    }
    if (even &&
        (rect.x % 2 != 0 || rect.y % 2 != 0 || rect.width % 2 != 0 || rect.height % 2 != 0)) {
        return fail(vpc_error(HI_ERR_VPC_ILLEGAL_PARAM),
                    "%s at (%d, %d) of %ux%u: want even numbers for this format", what, rect.x,
                    rect.y, rect.width, rect.height);
    }
    area = {rect.x, rect.y, int64_t{rect.x} + rect.width, int64_t{rect.y} + rect.height};
    return 0;
}

int take_point(const hi_point &point, bool even, vpc::Point &taken) {
    if (std::abs(int64_t{point.x}) > vpc::kFarthest ||
        std::abs(int64_t{point.y}) > vpc::kFarthest) {
        return fail(vpc_error(HI_ERR_VPC_ILLEGAL_PARAM), "the point (%d, %d): want -%d to %d",
                    point.x, point.y, vpc::kFarthest, vpc::kFarthest);
    }
    if (even && (point.x % 2 != 0 || point.y % 2 != 0)) {
        return fail(vpc_error(HI_ERR_VPC_ILLEGAL_PARAM),
                    "the point (%d, %d): want even numbers for this format", point.x, point.y);
    }
    taken = {point.x, point.y};
    return 0;
}

int take_quad(const hi_quad_cover &quad, const vpc::Colour &colour, Drawing &drawing) {
    if (quad.is_solid != HI_TRUE) return wrong_vpc("is_solid: want 1");
    struct {
        vpc::Point corners[4];
    } taken;
    for (int i = 0; i < 4; ++i) SOFTNPU_CHECK(take_point(quad.point[i], false, taken.corners[i]));
    drawing = [taken, colour](const Picture &target) {
        vpc::fill_quad(target, taken.corners, colour);
        return std::string();
    };
    return 0;
}

int take_cover(const hi_cover &cover, const Picture &picture, int matrix, Drawing &drawing) {
    const vpc::Colour colour = vpc::colour_in(picture.format, cover.color, matrix);
    const int type = static_cast<int>(cover.type);
    if (type == HI_COVER_QUAD) return take_quad(cover.quad, colour, drawing);
    if (type != HI_COVER_RECT) return wrong_vpc("type: want 0 (rectangle) or 1 (quadrilateral)");
    vpc::Area area;
    SOFTNPU_CHECK(take_area("the area", cover.rect, wants_even(picture), area));
    drawing = [area, colour](const Picture &target) {
        vpc::fill_area(target, area, colour);
        return std::string();
    };
    return 0;
}

int take_line(const hi_line &line, const Picture &picture, int matrix, Drawing &drawing) {
    vpc::Point from, to;
    SOFTNPU_CHECK(take_point(line.start_point, wants_even(picture), from));
    SOFTNPU_CHECK(take_point(line.end_point, wants_even(picture), to));
    if (from.x == to.x && from.y == to.y) return wrong_vpc("end_point is start_point");
    if (line.thick == 0 || line.thick % 2 != 0 || line.thick > vpc::kFarthest) {
        return fail(vpc_error(HI_ERR_VPC_ILLEGAL_PARAM), "thick %u: want a multiple of 2",
                    line.thick);
    }
    const vpc::Colour colour = vpc::colour_in(picture.format, line.color, matrix);
    drawing = [from, to, thick = line.thick, colour](const Picture &target) {
        vpc::draw_line(target, from, to, thick, colour);
        return std::string();
    };
    return 0;
}

int take_mosaic(const hi_mosaic &mosaic, const Picture &, int, Drawing &drawing) {
    const int size = static_cast<int>(mosaic.blk_size);
    if (size < HI_BLK_SIZE_8 || size > HI_BLK_SIZE_32) {
        return wrong_vpc("blk_size: want 1 (8 pixels), 2 (16) or 3 (32)");
    }
    vpc::Area area;
    SOFTNPU_CHECK(take_area("the mosaic", mosaic.rect, false, area));
    if (mosaic.rect.width < 8 || mosaic.rect.height < 8) {
        return wrong_vpc("a mosaic's width and height: want 8 or more");
    }
    drawing = [area, side = 4u << size](const Picture &target) {
        vpc::draw_mosaic(target, area, side);
        return std::string();
    };
    return 0;
}

/// What turns the bytes of an overlay into pixels.
struct OverlayRule {
    hi_osd osd;
    hi_u32 clut[16];
    uint32_t bits;  // per pixel

    size_t bytes() const { return size_t{osd.stride} * osd.rect.height; }
};

void put(uint8_t *to, uint32_t argb) {
    for (int i = 0; i < 4; ++i) to[i] = static_cast<uint8_t>(argb >> (24 - 8 * i));
}

uint32_t widen(uint32_t value, int bits) {
    return bits == 4 ? value * 17 : (value << 3 | value >> 2);
}

uint32_t pixel_of(const OverlayRule &rule, const uint8_t *row, uint32_t x) {
    const uint32_t word = rule.bits == 16 ? row[2 * x] | row[2 * x + 1] << 8u : 0;
    switch (static_cast<int>(rule.osd.pixel_format)) {
        case HI_PIXEL_FORMAT_ARGB_1555: {
            const uint32_t alpha = word >> 15 ? rule.osd.fg_alpha : rule.osd.bg_alpha;
            return alpha << 24 | widen(word >> 10 & 31, 5) << 16 | widen(word >> 5 & 31, 5) << 8 |
                   widen(word & 31, 5);
        }
        case HI_PIXEL_FORMAT_ARGB_4444:
            return widen(word >> 12, 4) << 24 | widen(word >> 8 & 15, 4) << 16 |
                   widen(word >> 4 & 15, 4) << 8 | widen(word & 15, 4);
        case HI_PIXEL_FORMAT_ARGB_CLUT2:
            return rule.clut[row[x / 4] >> (6 - 2 * (x % 4)) & 3];
        case HI_PIXEL_FORMAT_ARGB_CLUT4:
            return rule.clut[row[x / 2] >> (4 - 4 * (x % 2)) & 15];
        default: {
            const uint8_t *at = row + size_t{4} * x;
            return uint32_t{at[0]} << 24 | uint32_t{at[1]} << 16 | uint32_t{at[2]} << 8 | at[3];
        }
    }
}

vpc::Overlay read_overlay(const OverlayRule &rule) {
    static constexpr uint32_t kInverted[] = {0, 0x00FFFFFF, 0xFF000000, 0xFFFFFFFF};
    const auto *bytes = static_cast<const uint8_t *>(device_view(rule.osd.picture_address));
    vpc::Overlay overlay{rule.osd.rect.width, rule.osd.rect.height, {}};
    const uint32_t inverted = kInverted[static_cast<int>(rule.osd.osd_inverted_color)];
    if (rule.bits == 32 && inverted == 0) {
        overlay.pixels.assign(bytes, bytes + rule.bytes());
        return overlay;
    }
    overlay.pixels.resize(size_t{overlay.width} * overlay.height * 4);
    uint8_t *to = overlay.pixels.data();
    for (uint32_t y = 0; y < overlay.height; ++y, bytes += rule.osd.stride) {
        for (uint32_t x = 0; x < overlay.width; ++x, to += 4) {
            put(to, pixel_of(rule, bytes, x) ^ inverted);
        }
    }
    return overlay;
}

/// The memory of an overlay, which must be the media heap's.
std::string check_overlay(const OverlayRule &rule) {
    Picture probe;
    probe.data = static_cast<uint8_t *>(rule.osd.picture_address);
    probe.size = rule.bytes();
    return check_vpc_memory("osd", probe);
}

int take_osd(const hi_osd &osd, const hi_u32 (&clut)[16], int matrix, Drawing &drawing) {
    OverlayRule rule{osd, {}, overlay_bits(static_cast<int>(osd.pixel_format))};
    std::copy(std::begin(clut), std::end(clut), rule.clut);
    if (rule.bits == 0) {
        return fail(vpc_error(HI_ERR_VPC_NOT_SUPPORT),
                    "osd of format %d: want ARGB_8888, _1555, _4444, _CLUT2 or _CLUT4",
                    static_cast<int>(osd.pixel_format));
    }
    if (osd.picture_address == nullptr) {
        return fail(vpc_error(HI_ERR_VPC_NULL_PTR), "osd has no memory");
    }
    vpc::Area area;
    SOFTNPU_CHECK(take_area("osd", osd.rect, false, area));
    constexpr uint32_t kMostSide = 8192;
    if (osd.rect.width > kMostSide || osd.rect.height > kMostSide) {
        return wrong_vpc("an osd's width and height: want 8192 or less");
    }
    if (uint64_t{osd.rect.width} * rule.bits != uint64_t{osd.stride} * 8) {
        return fail(vpc_error(HI_ERR_VPC_ILLEGAL_PARAM), "stride %u: %u pixels of %u bits want %u",
                    osd.stride, osd.rect.width, rule.bits, osd.rect.width * rule.bits / 8);
    }
    if (static_cast<int>(osd.pixel_format) == HI_PIXEL_FORMAT_ARGB_1555 &&
        (osd.bg_alpha > 255 || osd.fg_alpha > 255)) {
        return wrong_vpc("bg_alpha, fg_alpha: want 0 to 255");
    }
    const int inverted = static_cast<int>(osd.osd_inverted_color);
    if (inverted < HI_OSD_INVERTED_COLOR_NONE || inverted > HI_OSD_INVERTED_COLOR_ALL) {
        return wrong_vpc("osd_inverted_color: want 0 to 3");
    }
    if (std::string why = check_overlay(rule); !why.empty()) {
        return fail(vpc_error(HI_ERR_VPC_BAD_ADDR), "%s", why.c_str());
    }
    drawing = [rule, matrix](const Picture &target) {
        std::string why = check_overlay(rule);  // the program may have freed it since
        if (why.empty()) {
            vpc::lay_over(target, rule.osd.rect.x, rule.osd.rect.y, read_overlay(rule), matrix);
        }
        return why;
    };
    return 0;
}

}  // namespace

extern "C" {

hi_s32 hi_mpi_vpc_draw_cover(hi_vpc_chn chn, const hi_cover_param *cover_param, hi_u32 *task_id,
                             hi_s32 milli_sec) {
    return submit(__func__, chn, cover_param, &hi_cover_param::cover, task_id, milli_sec,
                  take_cover);
}

hi_s32 hi_mpi_vpc_draw_line(hi_vpc_chn chn, const hi_line_param *line_param, hi_u32 *task_id,
                            hi_s32 milli_sec) {
    return submit(__func__, chn, line_param, &hi_line_param::line, task_id, milli_sec, take_line);
}

hi_s32 hi_mpi_vpc_draw_mosaic(hi_vpc_chn chn, const hi_mosaic_param *mosaic_param, hi_u32 *task_id,
                              hi_s32 milli_sec) {
    return submit(__func__, chn, mosaic_param, &hi_mosaic_param::mosaic, task_id, milli_sec,
                  take_mosaic);
}

hi_s32 hi_mpi_vpc_draw_osd(hi_vpc_chn chn, hi_osd_param *osd_param, hi_u32 *task_id,
                           hi_s32 milli_sec) {
    return submit(__func__, chn, osd_param, &hi_osd_param::osd, task_id, milli_sec,
                  [osd_param](const hi_osd &osd, const Picture &, int matrix, Drawing &drawing) {
                      return take_osd(osd, osd_param->clut, matrix, drawing);
                  });
}

}  // extern "C"
