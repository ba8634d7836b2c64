// Decoded pictures on their way into memory of the program, by the colour matrix of the channel.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "softnpu/dvpp/engines.hpp"

namespace softnpu {

/// One per channel, used where its pictures are written, one after the other.
class FrameWriter {
  public:
    /// `matrix` is an acldvppCscMatrix, or a number of vpc::keep_coefficients(); it matters where
    /// the picture becomes RGB.
    std::string write(const DecodedPicture &decoded, const Picture &target, int matrix);

  private:
    std::vector<uint8_t> between_;
};

}  // namespace softnpu
