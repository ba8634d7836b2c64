// softnpu's log. ASCEND_GLOBAL_LOG_LEVEL (0 debug .. 3 error, 4 silent; default 3) filters it,
// ASCEND_SLOG_PRINT_TO_STDOUT=1 sends it to stdout instead of stderr.
#pragma once

#include <cstdarg>

#include "softnpu/core/export.hpp"

namespace softnpu {

enum class LogLevel { debug, info, warning, error, silent };

SOFTNPU_API LogLevel log_threshold() noexcept;

SOFTNPU_API void log(LogLevel level, const char *format, ...) noexcept
    __attribute__((format(printf, 2, 3)));
SOFTNPU_API void log_v(LogLevel level, const char *format, va_list arguments) noexcept;

/// A note for the user, printed unless the log is silent: never filtered by level.
SOFTNPU_API void notice(const char *format, ...) noexcept __attribute__((format(printf, 1, 2)));

/// Body of every generated stub: records ACL_ERROR_FEATURE_UNSUPPORTED for `function`, says so once
/// per function in the log, counts it, and returns the code.
SOFTNPU_API int unsupported(const char *function) noexcept;

/// Names of the unsupported functions called so far, each once; returns how many there are.
SOFTNPU_API unsigned unsupported_calls(const char **names, unsigned capacity) noexcept;

}  // namespace softnpu
