// What the PNG entries of the second media interface have in common.
#pragma once

#include "softnpu/api/entry.hpp"
#include "softnpu/dvpp/himpi_pngd.hpp"

namespace softnpu {

int check_pngd_chip();
int check_pngd_pointer(const void *pointer, const char *name);
/// Type and length; the memory is the caller's to check.
int check_pngd_stream(const hi_img_stream &stream);

}  // namespace softnpu
