// aclrtStreamConfigHandle: its layout is public, so it is a real object, known by its address.
#pragma once

#include "acl/acl.h"

namespace softnpu {

/// Copy the config; 100000 for NULL or an address that is not a live config handle.
int read_stream_config(const aclrtStreamConfigHandle *handle, aclrtStreamConfigHandle &config);

}  // namespace softnpu
