// Flips, turns and filters of the second media interface, which 310B, A2 and later chips have.
#include <algorithm>
#include <cmath>

#include "softnpu/api/himpi_vpc.hpp"
#include "softnpu/vpc/kernels.hpp"

using namespace softnpu;

namespace {

int unsupported(const char *rule) {
    return fail(vpc_error(HI_ERR_VPC_NOT_SUPPORT), "%s", rule);
}

struct Pictures {
    Picture source, target;
};

/// Both pictures, of one format, and of one size unless the operation turns them. Alpha can be
/// moved but not filtered.
int take_both(const hi_vpc_pic_info &src, const hi_vpc_pic_info &dst, bool turned,
              Pictures &pictures, bool moves = false) {
    SOFTNPU_CHECK(take_vpc_picture("src", &src, pictures.source, PictureUse::pixels));
    SOFTNPU_CHECK(take_vpc_picture("dst", &dst, pictures.target, PictureUse::pixels));
    if (!moves && has_alpha(pictures.source.format)) {
        return unsupported("pictures with alpha cannot be filtered; convert them to RGB_888 first");
    }
    const Picture &from = pictures.source, &to = pictures.target;
    if (from.format != to.format) return unsupported("src and dst differ in format");
    const uint32_t width = turned ? from.height : from.width;
    const uint32_t height = turned ? from.width : from.height;
    if (to.width == width && to.height == height) return 0;
    return fail(vpc_error(HI_ERR_VPC_ILLEGAL_PARAM), "dst is %ux%u: want %ux%u", to.width,
                to.height, width, height);
}

using Work = std::function<void(const Picture &source, const Picture &target)>;

/// What all entries do: `take` reads the parameters, when they are not NULL, and gives the work.
template <class Parameters, class Take>
int submit(const char *function, hi_vpc_chn chn, const Parameters *parameters, hi_u32 *task,
           hi_s32 milliseconds, Take take) {
    return guarded(function, [&] {
        std::shared_ptr<VpcChannel> channel;
        SOFTNPU_CHECK(find_vpc(chn, channel));
        SOFTNPU_CHECK(check_vpc_newer_chip(function));
        SOFTNPU_CHECK(check_vpc_call(task, milliseconds));
        if (parameters == nullptr) {
            return fail(vpc_error(HI_ERR_VPC_NULL_PTR), "the parameters are NULL");
        }
        Pictures pictures;
        Work work;
        SOFTNPU_CHECK(take(*parameters, pictures, work));
        return submit_vpc_operation(
            function, *channel, {pictures.source, pictures.target},
            [work](const std::vector<Picture> &seen) -> std::string {
                work(seen[0], seen[1]);
                return "";
            },
            task, milliseconds);
    });
}

int check_size(const hi_size &size) {
    const auto fits = [](hi_u32 side) { return side == 1 || side == 3 || side == 5; };
    if (fits(size.width) && fits(size.height)) return 0;
    return fail(vpc_error(HI_ERR_VPC_ILLEGAL_PARAM), "kernel_size %ux%u: want 1, 3 or 5",
                size.width, size.height);
}

int check_anchor(const hi_point &anchor) {
    return anchor.x == -1 && anchor.y == -1 ? 0 : wrong_vpc("anchor: want (-1, -1)");
}

int take_edge(int border, const hi_vpc_scalar &scalar, vpc::Edge &edge) {
    vpc::Margins margins;
    SOFTNPU_CHECK(take_vpc_border(border, scalar, margins));
    edge.border = margins.type;
    if (edge.border != vpc::Border::constant && edge.border != vpc::Border::replicate) {
        return unsupported("border_type: want constant (0) or replicate (1)");
    }
    for (size_t i = 0; i < 3 && edge.border == vpc::Border::constant; ++i) {
        edge.constant[i] = static_cast<uint8_t>(std::lround(margins.value[i]));
    }
    return 0;
}

int take_shape(const hi_blur_config &config, vpc::Shape &shape) {
    shape.width = static_cast<int>(config.kernel_size.width);
    shape.height = static_cast<int>(config.kernel_size.height);
    const int x = shape.width / 2, y = shape.height / 2;
    for (int j = 0; j < shape.height; ++j) {
        // How far an ellipse reaches in this row.
        const double rest = y == 0 ? 0 : 1.0 - static_cast<double>((j - y) * (j - y)) / (y * y);
        const int reach = static_cast<int>(std::lrint(x * std::sqrt(rest)));
        for (int i = 0; i < shape.width; ++i) {
            switch (static_cast<int>(config.morph_shapes)) {
                case MORPH_RECT:
                    shape.takes[j][i] = true;
                    break;
                case MORPH_CROSS:
                    shape.takes[j][i] = i == x || j == y;
                    break;
                case MORPH_ELLIPSE:
                    shape.takes[j][i] = std::abs(i - x) <= reach;
                    break;
                default:
                    return wrong_vpc("morph_shapes: want 0 (rectangle), 1 (cross) or 2 (ellipse)");
            }
        }
    }
    return 0;
}

constexpr hi_u32 kMostIterations = 100;

int take_morph(const hi_blur_param &parameters, bool dilates, Pictures &pictures, Work &work) {
    const hi_blur_config &config = parameters.blur_cfg;
    SOFTNPU_CHECK(take_both(parameters.src, parameters.dst, false, pictures));
    SOFTNPU_CHECK(check_size(config.kernel_size));
    SOFTNPU_CHECK(check_anchor(config.anchor));
    if (config.iterations < 1 || config.iterations > kMostIterations) {
        return wrong_vpc("iterations: want 1 to 100");
    }
    vpc::Shape shape;
    vpc::Edge edge;
    SOFTNPU_CHECK(take_shape(config, shape));
    SOFTNPU_CHECK(take_edge(config.border_type, config.scalar_value, edge));
    work = [shape, edge, dilates, times = config.iterations](const Picture &from,
                                                             const Picture &to) {
        vpc::morph(from, to, shape, dilates, times, edge);
    };
    return 0;
}

Work convolution(const vpc::Kernel &kernel, const vpc::Edge &edge) {
    return [kernel, edge](const Picture &from, const Picture &to) {
        vpc::convolve(from, to, kernel, edge);
    };
}

bool is_turnable(PixelFormat format) {
    const FormatInfo &info = *format_info(format);
    return info.chroma_w == info.chroma_h && !has_alpha(format);
}

}  // namespace

extern "C" {

hi_s32 hi_mpi_vpc_flip(hi_vpc_chn chn, hi_flip_param *flip_param, hi_u32 *task_id,
                       hi_s32 milli_sec) {
    return submit(
        __func__, chn, flip_param, task_id, milli_sec,
        [](const hi_flip_param &parameters, Pictures &pictures, Work &work) {
            SOFTNPU_CHECK(take_both(parameters.src, parameters.dst, false, pictures, true));
            const int mode = static_cast<int>(parameters.flip_mode);
            if (mode < HI_FLIP_HOR || mode > HI_FLIP_BOTH) {
                return wrong_vpc("flip_mode: want 0 to 2");
            }
            work = [mode](const Picture &from, const Picture &to) {
                vpc::flip(from, to, mode != HI_FLIP_VER, mode != HI_FLIP_HOR);
            };
            return 0;
        });
}

hi_s32 hi_mpi_vpc_rotate(hi_vpc_chn chn, const hi_rotate_param *rotate_param, hi_u32 *task_id,
                         hi_s32 milli_sec) {
    return submit(
        __func__, chn, rotate_param, task_id, milli_sec,
        [](const hi_rotate_param &parameters, Pictures &pictures, Work &work) {
            const int angle = static_cast<int>(parameters.angle);
            if (angle < HI_ROTATION_90 || angle > HI_ROTATION_270) {
                return wrong_vpc("angle: want 0 (90), 1 (180) or 2 (270 degrees)");
            }
            SOFTNPU_CHECK(take_both(parameters.src, parameters.dst, angle != HI_ROTATION_180,
                                    pictures, true));
            if (!is_turnable(pictures.source.format)) {
                return unsupported("pictures in 4:2:2 or 4:4:0 and with alpha cannot be turned");
            }
            work = [angle](const Picture &from, const Picture &to) {
                vpc::rotate(from, to, angle + 1);
            };
            return 0;
        });
}

hi_s32 hi_mpi_vpc_blur(hi_vpc_chn chn, const hi_blur_param *blur_param, hi_u32 *task_id,
                       hi_s32 milli_sec) {
    return submit(__func__, chn, blur_param, task_id, milli_sec,
                  [](const hi_blur_param &parameters, Pictures &pictures, Work &work) {
                      const hi_blur_config &config = parameters.blur_cfg;
                      SOFTNPU_CHECK(take_both(parameters.src, parameters.dst, false, pictures));
                      SOFTNPU_CHECK(check_size(config.kernel_size));
                      SOFTNPU_CHECK(check_anchor(config.anchor));
                      if (config.iterations != 1) return wrong_vpc("iterations: want 1");
                      vpc::Edge edge;
                      SOFTNPU_CHECK(take_edge(config.border_type, config.scalar_value, edge));
                      vpc::Kernel kernel;
                      kernel.width = static_cast<int>(config.kernel_size.width);
                      kernel.height = static_cast<int>(config.kernel_size.height);
                      for (auto &row : kernel.weights) {
                          std::fill(row, row + 5, 1.0 / (kernel.width * kernel.height));
                      }
                      work = convolution(kernel, edge);
                      return 0;
                  });
}

hi_s32 hi_mpi_vpc_gaussian_blur(hi_vpc_chn chn, const hi_gaussian_blur_param *gaussian_blur_param,
                                hi_u32 *task_id, hi_s32 milli_sec) {
    return submit(__func__, chn, gaussian_blur_param, task_id, milli_sec,
                  [](const hi_gaussian_blur_param &parameters, Pictures &pictures, Work &work) {
                      const hi_gaussian_blur_config &config = parameters.gaussian_blur_cfg;
                      SOFTNPU_CHECK(take_both(parameters.src, parameters.dst, false, pictures));
                      SOFTNPU_CHECK(check_size(config.kernel_size));
                      if (!std::isfinite(config.sigma_x) || !std::isfinite(config.sigma_y)) {
                          return wrong_vpc("sigma_x, sigma_y: want finite numbers");
                      }
                      vpc::Edge edge;
                      SOFTNPU_CHECK(take_edge(config.border_type, config.scalar_value, edge));
                      work = convolution(vpc::gaussian(static_cast<int>(config.kernel_size.width),
                                                       static_cast<int>(config.kernel_size.height),
                                                       config.sigma_x, config.sigma_y),
                                         edge);
                      return 0;
                  });
}

hi_s32 hi_mpi_vpc_filter2d(hi_vpc_chn chn, const hi_filter_2d_param *filter_2d_param,
                           hi_u32 *task_id, hi_s32 milli_sec) {
    return submit(__func__, chn, filter_2d_param, task_id, milli_sec,
                  [](const hi_filter_2d_param &parameters, Pictures &pictures, Work &work) {
                      const hi_filter_2d_config &config = parameters.filter_2d_cfg;
                      SOFTNPU_CHECK(take_both(parameters.src, parameters.dst, false, pictures));
                      SOFTNPU_CHECK(check_size(config.kernel_size));
                      SOFTNPU_CHECK(check_anchor(config.anchor));
                      vpc::Kernel kernel;
                      kernel.width = static_cast<int>(config.kernel_size.width);
                      kernel.height = static_cast<int>(config.kernel_size.height);
                      kernel.delta = config.delta;
                      bool finite = std::isfinite(config.delta);
                      for (int j = 0; j < kernel.height; ++j) {
                          for (int i = 0; i < kernel.width; ++i) {
                              kernel.weights[j][i] = config.filter[j][i];
                              finite = finite && std::isfinite(config.filter[j][i]);
                          }
                      }
                      if (!finite) return wrong_vpc("filter, delta: want finite numbers");
                      vpc::Edge edge;
                      SOFTNPU_CHECK(take_edge(config.border_type, config.scalar_value, edge));
                      work = convolution(kernel, edge);
                      return 0;
                  });
}

hi_s32 hi_mpi_vpc_median_blur(hi_vpc_chn chn, const hi_median_blur_param *median_blur_param,
                              hi_u32 *task_id, hi_s32 milli_sec) {
    return submit(__func__, chn, median_blur_param, task_id, milli_sec,
                  [](const hi_median_blur_param &parameters, Pictures &pictures, Work &work) {
                      SOFTNPU_CHECK(take_both(parameters.src, parameters.dst, false, pictures));
                      const hi_u32 size = parameters.median_blur_cfg.kernel_size;
                      if (size != 3 && size != 5) return wrong_vpc("kernel_size: want 3 or 5");
                      work = [size](const Picture &from, const Picture &to) {
                          vpc::median(from, to, static_cast<int>(size));
                      };
                      return 0;
                  });
}

hi_s32 hi_mpi_vpc_dilate(hi_vpc_chn chn, const hi_blur_param *dilate_param, hi_u32 *task_id,
                         hi_s32 milli_sec) {
    return submit(__func__, chn, dilate_param, task_id, milli_sec,
                  [](const hi_blur_param &parameters, Pictures &pictures, Work &work) {
                      return take_morph(parameters, true, pictures, work);
                  });
}

hi_s32 hi_mpi_vpc_erode(hi_vpc_chn chn, const hi_blur_param *erode_param, hi_u32 *task_id,
                        hi_s32 milli_sec) {
    return submit(__func__, chn, erode_param, task_id, milli_sec,
                  [](const hi_blur_param &parameters, Pictures &pictures, Work &work) {
                      return take_morph(parameters, false, pictures, work);
                  });
}

}  // extern "C"
