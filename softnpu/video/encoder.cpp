#include "softnpu/video/video.hpp"

namespace softnpu {

std::unique_ptr<VideoEncoder> make_encoder(const EncoderOptions &, int, std::string &why) {
    why = "this build has no video encoder";
    return nullptr;
}

}  // namespace softnpu
