// JPEG encoding of the second media interface: what only its channels have.
#include <cstring>

#include "softnpu/api/himpi_venc.hpp"
#include "softnpu/dvpp/himpi_jpege.hpp"
#include "softnpu/dvpp/still.hpp"
#include "softnpu/memory/memory.hpp"

using namespace softnpu;

namespace {

int find_jpege(hi_venc_chn chn, HimpiEncoderRef &channel) {
    SOFTNPU_CHECK(find_venc(chn, channel));
    if (channel->is_jpeg()) return 0;
    return fail(venc_error(HI_ERR_VENC_NOT_SUPPORT), "channel %d encodes video, not JPEG", chn);
}

int check_param(const hi_venc_jpeg_param &param) {
    const bool own = param.qfactor == kOwnTables;
    if (!own && (param.qfactor < 1 || param.qfactor > 100)) {
        return fail(venc_error(HI_ERR_VENC_ILLEGAL_PARAM),
                    "qfactor %u: want 1 to 100, or 0xFFFFFFFF for the tables", param.qfactor);
    }
    const bool zero = std::memchr(param.y_qt, 0, sizeof param.y_qt) != nullptr ||
                      std::memchr(param.cb_qt, 0, sizeof param.cb_qt) != nullptr ||
                      std::memchr(param.cr_qt, 0, sizeof param.cr_qt) != nullptr;
    if (!own || !zero) return 0;
    return fail(venc_error(HI_ERR_VENC_ILLEGAL_PARAM), "a quantiser is 0: want 1 to 255");
}

/// Where the program wants the file.
int take_output(const hi_img_stream *stream, VencInput &input) {
    SOFTNPU_CHECK(check_venc_pointer(stream, "jpege_stream"));
    SOFTNPU_CHECK(check_venc_pointer(stream->addr, "jpege_stream->addr"));
    if (stream->len == 0 || reinterpret_cast<uintptr_t>(stream->addr) % 16 != 0) {
        return fail(venc_error(HI_ERR_VENC_ILLEGAL_PARAM),
                    "jpege_stream: %u bytes at %p: want memory at a multiple of 16", stream->len,
                    static_cast<void *>(stream->addr));
    }
    input.output = stream->addr;
    input.room = stream->len;
    return check_device_memory("jpege_stream", stream->addr, stream->len,
                               venc_error(HI_ERR_VENC_BAD_ADDR));
}

}  // namespace

extern "C" {

hi_s32 hi_mpi_venc_get_jpeg_param(hi_venc_chn chn, hi_venc_jpeg_param *jpeg_param) {
    return guarded(__func__, [&] {
        HimpiEncoderRef channel;
        SOFTNPU_CHECK(find_jpege(chn, channel));
        SOFTNPU_CHECK(check_venc_pointer(jpeg_param, "jpeg_param"));
        *jpeg_param = channel->jpeg_param();
        return HI_SUCCESS;
    });
}

hi_s32 hi_mpi_venc_set_jpeg_param(hi_venc_chn chn, const hi_venc_jpeg_param *jpeg_param) {
    return guarded(__func__, [&] {
        HimpiEncoderRef channel;
        SOFTNPU_CHECK(find_jpege(chn, channel));
        SOFTNPU_CHECK(check_venc_pointer(jpeg_param, "jpeg_param"));
        SOFTNPU_CHECK(check_param(*jpeg_param));
        channel->set_jpeg_param(*jpeg_param);
        return HI_SUCCESS;
    });
}

hi_s32 hi_mpi_venc_get_jpeg_huffman_param(hi_venc_chn chn,
                                          hi_venc_jpeg_huffman_param *jpeg_huffman_data) {
    return guarded(__func__, [&] {
        HimpiEncoderRef channel;
        SOFTNPU_CHECK(find_jpege(chn, channel));
        SOFTNPU_CHECK(check_venc_pointer(jpeg_huffman_data, "jpeg_huffman_data"));
        *jpeg_huffman_data = channel->settings().huffman;
        return HI_SUCCESS;
    });
}

hi_s32 hi_mpi_venc_set_jpeg_huffman_param(hi_venc_chn chn,
                                          const hi_venc_jpeg_huffman_param *jpeg_huffman_param) {
    return guarded(__func__, [&] {
        HimpiEncoderRef channel;
        SOFTNPU_CHECK(find_jpege(chn, channel));
        SOFTNPU_CHECK(check_venc_pointer(jpeg_huffman_param, "jpeg_huffman_param"));
        const std::string why = check_huffman_param(*jpeg_huffman_param);
        if (!why.empty()) return fail(venc_error(HI_ERR_VENC_ILLEGAL_PARAM), "%s", why.c_str());
        channel->change_settings([&](VencSettings &all) { all.huffman = *jpeg_huffman_param; });
        return HI_SUCCESS;
    });
}

hi_s32 hi_mpi_venc_compact_jpeg_tables(hi_venc_chn chn, hi_u32 table_type, hi_bool enable) {
    return guarded(__func__, [&] {
        HimpiEncoderRef channel;
        SOFTNPU_CHECK(find_jpege(chn, channel));
        if (table_type != 0 || (enable != HI_FALSE && enable != HI_TRUE)) {
            return fail(venc_error(HI_ERR_VENC_ILLEGAL_PARAM),
                        "table_type %u: want 0 (all tables); enable %d: want 0 or 1", table_type,
                        static_cast<int>(enable));
        }
        channel->change_settings([&](VencSettings &all) { all.compact = enable != HI_FALSE; });
        return HI_SUCCESS;
    });
}

/// `jpeg_param` is documented to be reserved.
hi_s32 hi_mpi_venc_get_jpege_predicted_size(const hi_video_frame_info *frame,
                                            const hi_venc_jpeg_param *, hi_u32 *size) {
    return guarded(__func__, [&] {
        SOFTNPU_CHECK(check_venc_pointer(frame, "frame"));
        SOFTNPU_CHECK(check_venc_pointer(size, "size"));
        Picture picture;
        picture.format = static_cast<PixelFormat>(frame->v_frame.pixel_format);
        picture.width = frame->v_frame.width;
        picture.height = frame->v_frame.height;
        if (!jpege_takes(picture.format)) {
            return fail(venc_error(HI_ERR_VENC_ILLEGAL_PARAM),
                        "pixel_format %d: want NV12, NV21 or packed 4:2:2", picture.format);
        }
        const std::string why = check_jpege_size(picture.width, picture.height);
        if (!why.empty()) return fail(venc_error(HI_ERR_VENC_ILLEGAL_PARAM), "%s", why.c_str());
        *size = static_cast<hi_u32>(jpeg_file_room(picture));
        return HI_SUCCESS;
    });
}

hi_s32 hi_mpi_venc_send_jpege_frame(hi_venc_chn chn, const hi_video_frame_info *frame,
                                    const hi_img_stream *jpege_stream, hi_s32 milli_sec) {
    return guarded(__func__, [&] {
        HimpiEncoderRef channel;
        SOFTNPU_CHECK(find_jpege(chn, channel));
        SOFTNPU_CHECK(check_venc_wait(milli_sec));
        if (!channel->wants_memory()) {
            return fail(venc_error(HI_ERR_VENC_NOT_SUPPORT),
                        "the channel has memory of its own: create it with buf_size 0, or call "
                        "hi_mpi_venc_send_frame");
        }
        VencInput input;
        SOFTNPU_CHECK(take_venc_frame(*channel, channel->options(), frame, input));
        SOFTNPU_CHECK(take_output(jpege_stream, input));
        return channel->send(input, milli_sec);
    });
}

}  // extern "C"
