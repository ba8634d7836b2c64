// What the decoder entries of the second media interface have in common.
#pragma once

#include "softnpu/api/entry.hpp"
#include "softnpu/dvpp/himpi_vdec.hpp"

namespace softnpu {

/// The channel an entry names, on a chip that has the interface.
int find_vdec(hi_vdec_chn chn, HimpiDecoderRef &channel, bool take = false);
int check_vdec_pointer(const void *pointer, const char *name);
int check_vdec_attr(const hi_vdec_chn_attr *attr);

}  // namespace softnpu
