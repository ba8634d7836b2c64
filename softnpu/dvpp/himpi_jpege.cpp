#include "softnpu/dvpp/himpi_jpege.hpp"

#include <cstring>

#include "softnpu/core/status.hpp"
#include "softnpu/dvpp/engines.hpp"

namespace softnpu {

hi_venc_jpeg_param default_jpeg_param() {
    hi_venc_jpeg_param param{};
    param.qfactor = 100;
    std::memset(param.y_qt, 1, sizeof param.y_qt);
    std::memset(param.cb_qt, 1, sizeof param.cb_qt);
    std::memset(param.cr_qt, 1, sizeof param.cr_qt);
    return param;
}

/// Noise at quality 100 takes more than the picture itself, but never twice as much.
size_t jpeg_file_room(const Picture &picture) {
    const size_t rows = (size_t{picture.height} + 15) / 16 * 16;
    const size_t row = (size_t{row_bytes(picture.format, picture.width, 16)});
    const size_t chroma = format_info(picture.format)->planes > 1 ? 2 : 1;
    return (rows * row * (chroma + 1) + 640 + 128 + 4095) / 4096 * 4096;
}

std::string encode_jpeg_file(const Picture &picture, const hi_venc_jpeg_param &param, uint8_t *out,
                             size_t &written) {
    const ImageEngine *engine = image_engine();
    if (engine == nullptr) return take_message();
    if (param.qfactor != kOwnTables) {
        return engine->jpeg_encode(picture, static_cast<int>(param.qfactor), out, written);
    }
    const uint8_t *tables[3] = {param.y_qt, param.cb_qt, param.cr_qt};
    return engine->jpeg_encode_with(picture, tables, out, written);
}

}  // namespace softnpu
