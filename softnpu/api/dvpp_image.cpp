// JPEG and PNG entries of the first media interface.
#include <vector>

#include "softnpu/api/dvpp_vpc.hpp"
#include "softnpu/core/config.hpp"
#include "softnpu/core/counters.hpp"
#include "softnpu/dvpp/chip.hpp"
#include "softnpu/dvpp/still.hpp"
#include "softnpu/memory/memory.hpp"

using namespace softnpu;

namespace {

constexpr uint32_t kFailed = 1;
constexpr uint32_t kMostPng = 4096;
constexpr uint32_t kEncodeRoom = 2u << 20;

uint32_t align(uint32_t value, uint32_t step) {
    return (value + step - 1) / step * step;
}

/// 100000 unless NULL-free and not empty. Headers may lie in host memory too.
int check_data(const void *data, uint32_t size) {
    SOFTNPU_CHECK(require_pointer(data, "data"));
    if (size == 0) return fail(ACL_ERROR_INVALID_PARAM, "size is 0");
    return check_memory("data", data, size, ACL_ERROR_INVALID_PARAM);
}

/// Whether PNGD reads any memory of the process. A public service decodes PNG files out of numpy's
/// memory on an Atlas 200I DK A2 (310B1, no card in a host), with hundreds of checked pictures; for
/// the other engines, and for a 310B that is a card, nothing is known but the documented rule.
bool takes_host_memory(uint32_t mode) {
    return mode == DVPP_CHNMODE_PNGD && chip_is("Ascend310B") && config().mode == Mode::unified;
}

/// The same for what the engines read and write themselves, which is device memory.
int check_device_data(const void *data, uint32_t size) {
    SOFTNPU_CHECK(require_pointer(data, "data"));
    if (size == 0) return fail(ACL_ERROR_INVALID_PARAM, "size is 0");
    return check_device_memory("data", data, size, ACL_ERROR_INVALID_PARAM);
}

const uint8_t *view(const void *data) {
    return static_cast<const uint8_t *>(device_view(data));
}

/// 500001 for data that is no JPEG, 148052 for JPEG files that are not decoded.
int read_info(const void *data, uint32_t size, ImageInfo &info) {
    SOFTNPU_CHECK(check_data(data, size));
    const ImageEngine *engine = image_engine();
    if (engine == nullptr) return ACL_ERROR_FEATURE_UNSUPPORTED;
    std::string why = engine->jpeg_info(view(data), size, info);
    if (!why.empty()) return fail(ACL_ERROR_FAILURE, "no JPEG file: %s", why.c_str());
    why = check_jpegd_file(info);
    return why.empty() ? 0 : fail(ACL_ERROR_UNSUPPORTED_JPEG, "%s", why.c_str());
}

int read_png_info(const void *data, uint32_t size, ImageInfo &info) {
    SOFTNPU_CHECK(check_data(data, size));
    const ImageEngine *engine = image_engine();
    if (engine == nullptr) return ACL_ERROR_FEATURE_UNSUPPORTED;
    std::string why = engine->png_info(view(data), size, info);
    if (why.empty()) why = check_pngd_file(info);
    return why.empty() ? 0 : fail(ACL_ERROR_INVALID_PARAM, "%s", why.c_str());
}

/// Format and strides that the program left open are the engine's own.
std::string settle_jpeg(const ImageInfo &info, Picture &picture) {
    if (std::string why = check_jpegd_file(info); !why.empty()) return why;
    if (std::string why = check_jpegd_format(info, picture.format); !why.empty()) return why;
    if (picture.format == PIXEL_FORMAT_UNKNOWN) picture.format = jpegd_own_format(info);
    if (picture.stride_w == 0) picture.stride_w = align(info.turned_width(), jpegd_row_step());
    if (picture.stride_h == 0) picture.stride_h = align(info.turned_height(), kStillRows);
    return check_jpegd_result(info, picture);
}

std::string settle_png(const ImageInfo &info, Picture &picture) {
    if (std::string why = check_pngd_file(info); !why.empty()) return why;
    if (std::string why = check_pngd_format(info, picture.format); !why.empty()) return why;
    if (picture.format == PIXEL_FORMAT_UNKNOWN) picture.format = pngd_own_format(info);
    if (picture.stride_w == 0)
        picture.stride_w = row_bytes(picture.format, info.width, kPngdPixels);
    if (picture.stride_h == 0) picture.stride_h = align(info.height, kStillRows);
    return check_pngd_result(info, picture);
}

/// One decoding: what the descriptor asks for, and where the result is told.
struct Decoding {
    PicDescRef desc;
    Picture picture;
    const void *data;
    uint32_t size;
    bool png;
    bool round_up;
    /// A file in host memory is taken when it is given: later the memory may be gone.
    std::vector<uint8_t> taken;
};

std::string decode_png(const ImageEngine &engine, const uint8_t *data, const Decoding &job,
                       Picture &picture) {
    ImageInfo info;
    if (std::string why = engine.png_info(data, job.size, info); !why.empty()) return why;
    if (std::string why = settle_png(info, picture); !why.empty()) return why;
    return engine.png_decode(data, job.size, picture);
}

std::string decode(Decoding &job) {
    const ImageEngine *engine = image_engine();
    if (engine == nullptr) return pending_message();
    Picture picture = job.picture;
    if (std::string why = check_picture_memory("outputDesc", picture); !why.empty()) return why;
    const uint8_t *data = job.taken.data();
    if (job.taken.empty()) {
        // It may have been freed meanwhile.
        if (check_device_data(job.data, job.size) != 0) return pending_message();
        data = view(job.data);
    }
    std::string why = job.png ? decode_png(*engine, data, job, picture)
                              : engine->jpeg_decode(data, job.size, picture,
                                                    JpegDecoding{settle_jpeg, job.round_up});
    if (!why.empty()) return why;
    job.desc->width = picture.width;
    job.desc->height = picture.height;
    job.desc->stride_w = picture.stride_w;
    job.desc->stride_h = picture.stride_h;
    job.desc->format = picture.format;
    return "";
}

/// 100027 for formats that no file is decoded to.
int check_format(bool png, PixelFormat format) {
    const bool taken = format == PIXEL_FORMAT_UNKNOWN ||
                       (png ? format == PIXEL_FORMAT_RGB_888 || format == PIXEL_FORMAT_RGBA_8888
                            : jpegd_writes(format));
    if (taken) return 0;
    return fail(ACL_ERROR_FORMAT_NOT_MATCH, "%s files are not decoded to pixel format %d",
                png ? "PNG" : "JPEG", format);
}

int submit_decoding(const char *function, acldvppChannelDesc *channelDesc, uint32_t mode,
                    const void *data, uint32_t size, acldvppPicDesc *outputDesc,
                    aclrtStream stream) {
    return guarded(function, [&] {
        ChannelDescRef channel;
        SOFTNPU_CHECK(find_channel(channelDesc, mode, channel));
        const bool is_host = takes_host_memory(mode) && data != nullptr && device_of(data) < 0;
        SOFTNPU_CHECK(is_host ? check_data(data, size) : check_device_data(data, size));
        Decoding job{{}, {}, data, size, mode == DVPP_CHNMODE_PNGD, false, {}};
        job.round_up = channel->precision == ACL_YUVOUT_ALIGN_UP;
        SOFTNPU_CHECK(find_in(pic_descs(), outputDesc, "outputDesc", job.desc));
        const PicDesc &desc = *job.desc;
        job.picture = {static_cast<uint8_t *>(desc.data.load()),
                       desc.size,
                       desc.format,
                       0,
                       0,
                       desc.stride_w,
                       desc.stride_h};
        if (job.picture.data == nullptr) {
            return fail(ACL_ERROR_INVALID_PARAM, "outputDesc has no memory");
        }
        SOFTNPU_CHECK(check_format(job.png, job.picture.format));
        StreamRef found;
        SOFTNPU_CHECK(find_stream(stream, found));
        if (is_host) job.taken.assign(view(data), view(data) + size);
        auto kept = std::make_unique<Decoding>(std::move(job));
        return found->submit(function, [channel, kept = std::move(kept)] {
            const std::string why = decode(*kept);
            kept->desc->ret_code = why.empty() ? 0 : kFailed;
            if (!why.empty()) return fail(ACL_ERROR_FAILURE, "%s", why.c_str());
            count(counters().images_processed);
            return 0;
        });
    });
}

/// 100000 where a header promises more than a size can say.
int store_size(uint64_t bytes, uint32_t *size) {
    if (bytes > UINT32_MAX) {
        return fail(ACL_ERROR_INVALID_PARAM, "the picture would take %llu bytes; it is too large",
                    static_cast<unsigned long long>(bytes));
    }
    *size = static_cast<uint32_t>(bytes);
    return 0;
}

/// Strides of 128 fit the decoders of all chips; some are content with 64.
int predict(const ImageInfo &info, PixelFormat format, uint32_t *size) {
    const std::string why = check_jpegd_format(info, format);
    if (!why.empty()) return fail(ACL_ERROR_FORMAT_NOT_MATCH, "%s", why.c_str());
    const PixelFormat wanted = format == PIXEL_FORMAT_UNKNOWN ? jpegd_own_format(info) : format;
    return store_size(picture_bytes(wanted, align(info.turned_width(), 128),
                                    align(info.turned_height(), kStillRows)),
                      size);
}

}  // namespace

extern "C" {

aclError acldvppJpegGetImageInfoV2(const void *data, uint32_t size, uint32_t *width,
                                   uint32_t *height, int32_t *components,
                                   acldvppJpegFormat *format) {
    return guarded(__func__, [&] {
        ImageInfo info;
        SOFTNPU_CHECK(read_info(data, size, info));
        if (width != nullptr) *width = info.turned_width();
        if (height != nullptr) *height = info.turned_height();
        if (components != nullptr) *components = info.components;
        if (format != nullptr) *format = static_cast<acldvppJpegFormat>(info.subsampling);
        return 0;
    });
}

aclError acldvppJpegGetImageInfo(const void *data, uint32_t size, uint32_t *width, uint32_t *height,
                                 int32_t *components) {
    return acldvppJpegGetImageInfoV2(data, size, width, height, components, nullptr);
}

aclError acldvppJpegPredictDecSize(const void *data, uint32_t dataSize,
                                   acldvppPixelFormat outputPixelFormat, uint32_t *decSize) {
    return guarded(__func__, [&] {
        SOFTNPU_CHECK(require_pointer(decSize, "decSize"));
        SOFTNPU_CHECK(check_format(false, outputPixelFormat));
        ImageInfo info;
        SOFTNPU_CHECK(read_info(data, dataSize, info));
        return predict(info, outputPixelFormat, decSize);
    });
}

aclError acldvppJpegPredictEncSize(const acldvppPicDesc *inputDesc,
                                   const acldvppJpegeConfig *config, uint32_t *size) {
    return guarded(__func__, [&] {
        SOFTNPU_CHECK(require_pointer(size, "size"));
        PicDescRef desc;
        JpegeConfigTable::Ref settings;
        SOFTNPU_CHECK(find_in(pic_descs(), inputDesc, "inputDesc", desc));
        SOFTNPU_CHECK(find_in(jpege_configs(), config, "config", settings));
        if (!jpege_takes(desc->format)) {
            return fail(ACL_ERROR_FORMAT_NOT_MATCH, "pictures of format %d are not encoded",
                        desc->format.load());
        }
        const std::string why = check_jpege_size(desc->width, desc->height);
        if (!why.empty()) return fail(ACL_ERROR_INVALID_PARAM, "%s", why.c_str());
        const uint64_t bytes =
            picture_bytes(desc->format, align(row_bytes(desc->format, desc->width, 1), 16),
                          align(desc->height, kStillRows)) +
            640 + 128;
        *size = static_cast<uint32_t>((bytes + kEncodeRoom - 1) / kEncodeRoom * kEncodeRoom);
        return 0;
    });
}

aclError acldvppJpegDecodeAsync(acldvppChannelDesc *channelDesc, const void *data, uint32_t size,
                                acldvppPicDesc *outputDesc, aclrtStream stream) {
    return submit_decoding(__func__, channelDesc, DVPP_CHNMODE_JPEGD, data, size, outputDesc,
                           stream);
}

aclError acldvppPngDecodeAsync(acldvppChannelDesc *channelDesc, const void *data, uint32_t size,
                               acldvppPicDesc *outputDesc, aclrtStream stream) {
    return submit_decoding(__func__, channelDesc, DVPP_CHNMODE_PNGD, data, size, outputDesc,
                           stream);
}

/// `size` is the room at `data` now, and the bytes of the result once the stream has passed.
aclError acldvppJpegEncodeAsync(acldvppChannelDesc *channelDesc, acldvppPicDesc *inputDesc,
                                const void *data, uint32_t *size, acldvppJpegeConfig *config,
                                aclrtStream stream) {
    return guarded(__func__, [&] {
        ChannelDescRef channel;
        SOFTNPU_CHECK(find_channel(channelDesc, DVPP_CHNMODE_JPEGE, channel));
        SOFTNPU_CHECK(require_readable(size, "size"));
        SOFTNPU_CHECK(check_device_data(data, *size));
        PictureArgument source;
        JpegeConfigTable::Ref settings;
        SOFTNPU_CHECK(take_picture("inputDesc", inputDesc, source));
        SOFTNPU_CHECK(find_in(jpege_configs(), config, "config", settings));
        if (!jpege_takes(source.picture.format)) {
            return fail(ACL_ERROR_FORMAT_NOT_MATCH, "pictures of %s are not encoded",
                        format_info(source.picture.format)->name);
        }
        const int quality = settings->level == 0 ? 100 : static_cast<int>(settings->level.load());
        StreamRef found;
        SOFTNPU_CHECK(find_stream(stream, found));
        auto kept = std::make_unique<PictureArgument>(std::move(source));
        return found->submit(
            "acldvppJpegEncodeAsync",
            // The room is what was checked: the program may change `*size` meanwhile.
            [channel, kept = std::move(kept), data, size, room = *size, quality] {
                SOFTNPU_CHECK(check_device_data(data, room));
                const ImageEngine *engine = image_engine();
                if (engine == nullptr) return static_cast<int>(ACL_ERROR_FEATURE_UNSUPPORTED);
                std::string why = check_jpege_picture(kept->picture);
                if (why.empty()) why = check_picture_memory("inputDesc", kept->picture);
                size_t written = room;
                if (why.empty()) {
                    why = engine->jpeg_encode(kept->picture, quality,
                                              static_cast<uint8_t *>(device_view(data)), written);
                }
                if (!why.empty()) return fail(ACL_ERROR_FAILURE, "%s", why.c_str());
                *size = static_cast<uint32_t>(written);
                count(counters().images_processed);
                return 0;
            });
    });
}

aclError acldvppPngGetImageInfo(const void *data, uint32_t dataSize, uint32_t *width,
                                uint32_t *height, int32_t *components) {
    return guarded(__func__, [&] {
        ImageInfo info;
        SOFTNPU_CHECK(read_png_info(data, dataSize, info));
        if (width != nullptr) *width = info.width;
        if (height != nullptr) *height = info.height;
        if (components != nullptr) *components = info.components;
        return 0;
    });
}

aclError acldvppPngPredictDecSize(const void *data, uint32_t dataSize,
                                  acldvppPixelFormat outputPixelFormat, uint32_t *decSize) {
    return guarded(__func__, [&] {
        SOFTNPU_CHECK(require_pointer(decSize, "decSize"));
        SOFTNPU_CHECK(check_format(true, outputPixelFormat));
        ImageInfo info;
        SOFTNPU_CHECK(read_png_info(data, dataSize, info));
        const std::string why = check_pngd_format(info, outputPixelFormat);
        if (!why.empty()) return fail(ACL_ERROR_FORMAT_NOT_MATCH, "%s", why.c_str());
        if (info.width > kMostPng || info.height > kMostPng) {
            return fail(ACL_ERROR_INVALID_PARAM, "the picture is %ux%u: want at most %u",
                        info.width, info.height, kMostPng);
        }
        const PixelFormat format = outputPixelFormat == PIXEL_FORMAT_UNKNOWN
                                       ? pngd_own_format(info)
                                       : PixelFormat{outputPixelFormat};
        return store_size(
            uint64_t{row_bytes(format, info.width, kPngdPixels)} * align(info.height, kStillRows),
            decSize);
    });
}

}  // extern "C"
