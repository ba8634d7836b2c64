// The trace layer: one line per call, to stderr or to the file that ACL_FAST_TRACE names.
#include <sys/syscall.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <chrono>
#include <cinttypes>
#include <cstdarg>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <type_traits>

#include "layers/layer.hpp"
#include "table/error_names.hpp"
#include "table/trampolines.hpp"

namespace aclfast {
namespace {

std::atomic<void *> next_of[kFunctionCount];

/// A caller reads the slot without a barrier, so on ARM it may be here before it can see `next_of`;
/// the table's lock, inside resolve(), makes it visible.
void *next(unsigned index) {
    void *target = next_of[index].load(std::memory_order_acquire);
    if (!target) {
        resolve(static_cast<Index>(index));
        target = next_of[index].load(std::memory_order_acquire);
    }
    return target;
}

/// One line under construction; a line that grows too long is cut, never split.
class Line {
  public:
    void add(const char *format, ...) __attribute__((format(printf, 2, 3))) {
        va_list arguments;
        va_start(arguments, format);
        int count = std::vsnprintf(text_ + size_, sizeof(text_) - size_, format, arguments);
        va_end(arguments);
        size_ += count > 0 ? count : 0;
        if (size_ > sizeof(text_) - 2) size_ = sizeof(text_) - 2;
    }
    // A single fwrite keeps the lines of several threads apart.
    void write(std::FILE *file) {
        text_[size_++] = '\n';
        std::fwrite(text_, 1, size_, file);
    }

  private:
    char text_[2048];
    size_t size_ = 0;
};

std::FILE *output() {
    static std::FILE *file = [] {
        const char *path = std::getenv("ACL_FAST_TRACE");
        if (!path || !*path) return stderr;
        std::FILE *opened = std::fopen(path, "we");
        if (!opened) {
            std::fprintf(stderr, "acl_fast: ACL_FAST_TRACE=%s: %s; tracing to stderr\n", path,
                         std::strerror(errno));
            return stderr;
        }
        std::setvbuf(opened, nullptr, _IOLBF, 1 << 16);
        return opened;
    }();
    return file;
}

template <class T>
void add_value(Line &line, const T &value) {
    if constexpr (std::is_pointer_v<T>) {
        line.add("0x%" PRIxPTR, reinterpret_cast<uintptr_t>(value));
    } else if constexpr (std::is_floating_point_v<T>) {
        line.add("%g", static_cast<double>(value));
    } else if constexpr (std::is_enum_v<T> || std::is_signed_v<T>) {
        line.add("%lld", static_cast<long long>(value));
    } else if constexpr (std::is_integral_v<T>) {
        line.add("%llu", static_cast<unsigned long long>(value));
    } else {
        line.add("{%zu bytes}", sizeof(T));
    }
}

/// Adds "name=value", taking the name off the list.
template <class T>
void add_argument(Line &line, const char *&names, const T &value) {
    size_t length = std::strcspn(names, " ");
    line.add("%.*s=", static_cast<int>(length), names);
    add_value(line, value);
    names += length;
    if (*names) {
        names++;
        line.add(", ");
    }
}

template <class R>
void add_result(Line &line, R result) {
    line.add(" -> ");
    const char *name = nullptr;
    if constexpr (std::is_same_v<R, int>) name = error_name(result);
    if (name) {
        line.add("%s", name);
    } else {
        add_value(line, result);
    }
}

using Clock = std::chrono::steady_clock;

void finish(Line &line, Clock::time_point start) {
    std::chrono::duration<double, std::micro> spent = Clock::now() - start;
    line.add(" %.1f us", spent.count());
    line.write(output());
}

template <unsigned I, class F>
struct Trace;
template <unsigned I, class R, class... A>
struct Trace<I, R (*)(A...)> {
    static R call(A... arguments) {
        Line line;
        const char *names = kFunctions[I].params;
        line.add("[%ld] %s(", static_cast<long>(syscall(SYS_gettid)), kFunctions[I].name);
        (add_argument(line, names, arguments), ...);
        line.add(")");
        (void)names;
        auto target = reinterpret_cast<R (*)(A...)>(next(I));
        auto start = Clock::now();
        if constexpr (std::is_void_v<R>) {
            target(arguments...);
            finish(line, start);
        } else {
            R result = target(arguments...);
            add_result(line, result);
            finish(line, start);
            return result;
        }
    }
};
// A variable argument list cannot be passed on: such a function stays as it is.
template <unsigned I, class R, class... A>
struct Trace<I, R (*)(A..., ...)> {
    static constexpr R (*call)(A..., ...) = nullptr;
};

void *const kTrace[kFunctionCount] = {
#define ACLFAST_FUNCTION(name, library, required, since, params) \
    reinterpret_cast<void *>(Trace<fn_##name, decltype(&name)>::call),
#include "table/functions_gen.inc"
#undef ACLFAST_FUNCTION
};

void *wrap(Index index, void *target) {
    next_of[index].store(target, std::memory_order_release);
    return kTrace[index] ? kTrace[index] : target;
}

}  // namespace

const Layer kTraceLayer = {"trace", wrap};

}  // namespace aclfast
