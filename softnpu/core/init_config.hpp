// The JSON file given to aclInit.
#pragma once

#include <string>

namespace softnpu {

struct InitConfig {
    std::string text;         // normalised, for comparing two calls
    int default_device = -1;  // -1: none
};

/// Parse `path` (NULL and an empty file mean no configuration). Unknown keys are accepted.
/// 100003 unreadable file, 100006 not JSON or nested too deep, 100000 a wrong value.
int read_init_config(const char *path, InitConfig &result);

}  // namespace softnpu
