#include "softnpu/core/log.hpp"

#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <mutex>
#include <set>
#include <string>

#include "acl/acl_base.h"
#include "softnpu/core/counters.hpp"
#include "softnpu/core/status.hpp"

namespace softnpu {
namespace {

bool prints_to_stdout() noexcept {
    static const bool yes = [] {
        const char *value = std::getenv("ASCEND_SLOG_PRINT_TO_STDOUT");
        return value != nullptr && std::strcmp(value, "1") == 0;
    }();
    return yes;
}

/// One write per line, so lines of several threads do not mix.
void print(const char *level, const char *format, va_list arguments) noexcept {
    char line[4096];
    const int head = std::snprintf(line, sizeof line, "[%s] softnpu(%d,%ld): ", level, getpid(),
                                   syscall(SYS_gettid));
    const size_t room = sizeof line - static_cast<size_t>(head) - 1;
    int body = std::vsnprintf(line + head, room, format, arguments);
    if (body < 0) body = 0;
    size_t length = static_cast<size_t>(head) + std::min(static_cast<size_t>(body), room - 1);
    line[length++] = '\n';
    std::fwrite(line, 1, length, prints_to_stdout() ? stdout : stderr);
}

struct UnsupportedCalls {
    std::mutex mutex;  // leaf lock
    std::set<std::string> names;
};

UnsupportedCalls &unsupported_set() {
    static auto *calls = new UnsupportedCalls;  // outlives static destruction
    return *calls;
}

}  // namespace

LogLevel log_threshold() noexcept {
    static const LogLevel level = [] {
        const char *value = std::getenv("ASCEND_GLOBAL_LOG_LEVEL");
        if (value == nullptr || value[0] < '0' || value[0] > '4' || value[1] != '\0') {
            return LogLevel::error;
        }
        return static_cast<LogLevel>(value[0] - '0');
    }();
    return level;
}

void log(LogLevel level, const char *format, ...) noexcept {
    if (level < log_threshold()) return;
    va_list arguments;
    va_start(arguments, format);
    log_v(level, format, arguments);
    va_end(arguments);
}

void log_v(LogLevel level, const char *format, va_list arguments) noexcept {
    static const char *const names[] = {"DEBUG", "INFO", "WARNING", "ERROR"};
    if (level < log_threshold() || level > LogLevel::error) return;
    print(names[static_cast<int>(level)], format, arguments);
}

void notice(const char *format, ...) noexcept {
    if (log_threshold() == LogLevel::silent) return;
    va_list arguments;
    va_start(arguments, format);
    print("NOTICE", format, arguments);
    va_end(arguments);
}

int unsupported(const char *function) noexcept {
    EntryScope scope(function);
    count(counters().unsupported_calls);
    bool first = true;
    try {
        UnsupportedCalls &calls = unsupported_set();
        std::lock_guard<std::mutex> lock(calls.mutex);
        first = calls.names.insert(function).second;
    } catch (...) {
        // Without memory for the set the note appears again: better twice than never.
    }
    if (first) notice("%s is not implemented by softnpu and returns an error", function);
    return fail(ACL_ERROR_FEATURE_UNSUPPORTED,
                "softnpu has no implementation of this function; see af.softnpu.conformance()");
}

unsigned unsupported_calls(const char **names, unsigned capacity) noexcept {
    UnsupportedCalls &calls = unsupported_set();
    std::lock_guard<std::mutex> lock(calls.mutex);
    unsigned count = 0;
    for (const std::string &name : calls.names) {
        if (count < capacity) names[count] = name.c_str();
        ++count;
    }
    return count;
}

}  // namespace softnpu

/// The generated stubs call this.
extern "C" SOFTNPU_API int softnpu_unsupported(const char *function) {
    return softnpu::unsupported(function);
}
