// The halves of libsoftnpu_video.so.
#pragma once

#include <memory>
#include <string>

#include "softnpu/dvpp/engines.hpp"

namespace softnpu {

/// nullptr, with a sentence in `why`, when libavcodec lacks the codec or refuses the options.
std::unique_ptr<VideoDecoder> make_decoder(Codec codec, int threads, std::string &why);
std::unique_ptr<VideoEncoder> make_encoder(const EncoderOptions &options, int threads,
                                           std::string &why);

}  // namespace softnpu
