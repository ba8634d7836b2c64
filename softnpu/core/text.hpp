// Sentences with numbers in them.
#pragma once

#include <cstdarg>
#include <cstdio>
#include <string>

namespace softnpu {

/// What printf would write, cut to 319 bytes.
__attribute__((format(printf, 1, 2))) inline std::string text(const char *format, ...) {
    char buffer[320];
    va_list arguments;
    va_start(arguments, format);
    std::vsnprintf(buffer, sizeof buffer, format, arguments);
    va_end(arguments);
    return buffer;
}

}  // namespace softnpu
