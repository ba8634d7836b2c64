// Names of the status codes.
#pragma once

namespace aclfast {

/// NULL for a code that the headers do not name.
const char *error_name(int code) noexcept;

}  // namespace aclfast
