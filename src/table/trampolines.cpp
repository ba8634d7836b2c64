// Every trampoline has exactly the type of the function it stands for, so it can be called through
// the slot: the compiler derives it from the declaration.
#include "table/trampolines.hpp"

#include <cstdarg>
#include <cstdio>

namespace aclfast {
namespace {

template <class R>
R failure() noexcept {
    return R();
}
template <>
int failure<int>() noexcept {
    return ACL_ERROR_FEATURE_UNSUPPORTED;  // every int of the interface is a status
}
template <>
aclDataType failure<aclDataType>() noexcept {
    return ACL_DT_UNDEFINED;
}
template <>
aclFormat failure<aclFormat>() noexcept {
    return ACL_FORMAT_UNDEFINED;
}

template <unsigned I, class F>
struct Missing;
template <unsigned I, class R, class... A>
struct Missing<I, R (*)(A...)> {
    static R call(A...) {
        note_missing(static_cast<Index>(I));
        return failure<R>();
    }
};
template <unsigned I, class R, class... A>
struct Missing<I, R (*)(A..., ...)> {
    static R call(A..., ...) {
        note_missing(static_cast<Index>(I));
        return failure<R>();
    }
};

template <unsigned I, class F>
struct Lazy;
template <unsigned I, class R, class... A>
struct Lazy<I, R (*)(A...)> {
    static R call(A... arguments) {
        return reinterpret_cast<R (*)(A...)>(resolve(static_cast<Index>(I)))(arguments...);
    }
};

/// C cannot pass on a variable argument list, so the text is finished here.
void lazy_app_log(aclLogLevel level, const char *func, const char *file, uint32_t line,
                  const char *format, ...) {
    char text[1024];
    va_list arguments;
    va_start(arguments, format);
    std::vsnprintf(text, sizeof(text), format, arguments);
    va_end(arguments);
    auto target = reinterpret_cast<decltype(&aclAppLog)>(resolve(fn_aclAppLog));
    target(level, func, file, line, "%s", text);
}
template <>
struct Lazy<fn_aclAppLog, decltype(&aclAppLog)> {
    static constexpr auto call = lazy_app_log;
};

}  // namespace

const aclfast_table kLazy = {
#define ACLFAST_FUNCTION(name, library, required, since, params) \
    Lazy<fn_##name, decltype(&name)>::call,
#include "functions_gen.inc"
#undef ACLFAST_FUNCTION
};

const aclfast_table kMissing = {
#define ACLFAST_FUNCTION(name, library, required, since, params) \
    Missing<fn_##name, decltype(&name)>::call,
#include "functions_gen.inc"
#undef ACLFAST_FUNCTION
};

}  // namespace aclfast
