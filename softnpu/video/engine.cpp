// The video engine: what libsoftnpu opens.
extern "C" {
#include <libavcodec/avcodec.h>
}

#include "softnpu/video/damage.hpp"
#include "softnpu/video/video.hpp"

namespace softnpu {
namespace {

class LibavEngine final : public VideoEngine {
  public:
    LibavEngine() {
        DamageList::listen();  // and keeps messages about damaged streams off the terminal
        const unsigned number = avcodec_version();
        version_ = "libavcodec " + std::to_string(AV_VERSION_MAJOR(number)) + "." +
                   std::to_string(AV_VERSION_MINOR(number)) + "." +
                   std::to_string(AV_VERSION_MICRO(number));
    }
    const char *version() const noexcept override { return version_.c_str(); }
    std::unique_ptr<VideoDecoder> create_decoder(Codec codec, int threads,
                                                 std::string &why) const override {
        return make_decoder(codec, threads, why);
    }
    std::unique_ptr<VideoEncoder> create_encoder(const EncoderOptions &options, int threads,
                                                 std::string &why) const override {
        return make_encoder(options, threads, why);
    }

  private:
    std::string version_;
};

/// Never destroyed: frames may still be decoded while static objects die.
const VideoEngine &engine() {
    static const auto *instance = new LibavEngine;
    return *instance;
}

}  // namespace
}  // namespace softnpu

SOFTNPU_EXPORT_ENGINE(video, softnpu::engine())
