// Scaling by the interpolations that programs ask for by number; the default one is the card's.
#pragma once

#include "softnpu/dvpp/engines.hpp"
#include "softnpu/dvpp/picture.hpp"

namespace softnpu::vpc {

/// Whether all components of a format can be scaled on their own.
bool can_sample(PixelFormat format);
/// Scales all of `source` to all of `target`, of the same format. `how` is any but card.
void resize_sampled(const Picture &source, const Picture &target, Interpolation how);

}  // namespace softnpu::vpc
