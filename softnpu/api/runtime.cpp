// aclInit, aclFinalize, versions, messages, last error, log.
#include <cstdio>
#include <cstring>

#include "softnpu/api/entry.hpp"
#include "softnpu/core/config.hpp"
#include "softnpu/core/device.hpp"
#include "softnpu/core/log.hpp"

using namespace softnpu;

namespace {

/// The CANN whose interface this is.
constexpr char kCannVersion[] = "8.1.RC1";

}  // namespace

extern "C" {

aclError aclInit(const char *configPath) {
    return guarded("aclInit", [&] { return runtime().init(configPath); });
}

aclError aclFinalize() {
    return guarded("aclFinalize", [] { return runtime().finalize(); });
}

aclError aclFinalizeReference(uint64_t *refCount) {
    return guarded("aclFinalizeReference", [&] { return runtime().finalize_reference(refCount); });
}

const char *aclGetRecentErrMsg() {
    return take_message();
}

aclError aclrtGetLastError(aclrtLastErrLevel level) {
    const int last = thread_state().last_error;
    if (level != ACL_RT_THREAD_LEVEL) {
        return guarded("aclrtGetLastError", [&] {
            return fail(ACL_ERROR_INVALID_PARAM, "level %d: only ACL_RT_THREAD_LEVEL exists",
                        static_cast<int>(level));
        });
    }
    thread_state().last_error = 0;
    return last;
}

aclError aclrtPeekAtLastError(aclrtLastErrLevel level) {
    if (level != ACL_RT_THREAD_LEVEL) {
        return guarded("aclrtPeekAtLastError", [&] {
            return fail(ACL_ERROR_INVALID_PARAM, "level %d: only ACL_RT_THREAD_LEVEL exists",
                        static_cast<int>(level));
        });
    }
    return thread_state().last_error;
}

aclError aclrtGetVersion(int32_t *majorVersion, int32_t *minorVersion, int32_t *patchVersion) {
    return guarded("aclrtGetVersion", [&] {
        SOFTNPU_CHECK(require_pointer(majorVersion, "majorVersion"));
        SOFTNPU_CHECK(require_pointer(minorVersion, "minorVersion"));
        SOFTNPU_CHECK(require_pointer(patchVersion, "patchVersion"));
        *majorVersion = ACL_MAJOR_VERSION;
        *minorVersion = ACL_MINOR_VERSION;
        *patchVersion = ACL_PATCH_VERSION;
        return 0;
    });
}

aclError aclsysGetCANNVersion(aclCANNPackageName name, aclCANNPackageVersion *version) {
    return guarded("aclsysGetCANNVersion", [&] {
        SOFTNPU_CHECK(require_pointer(version, "version"));
        if (name < ACL_PKG_NAME_CANN || name > ACL_PKG_NAME_DRIVER) {
            return fail(ACL_ERROR_INVALID_PARAM, "%d names no package", static_cast<int>(name));
        }
        std::memset(version, 0, sizeof *version);
        std::snprintf(version->version, sizeof version->version, "%s", kCannVersion);
        std::snprintf(version->majorVersion, sizeof version->majorVersion, "8");
        std::snprintf(version->minorVersion, sizeof version->minorVersion, "1");
        std::snprintf(version->releaseVersion, sizeof version->releaseVersion, "RC1");
        return 0;
    });
}

aclError aclsysGetVersionStr(char *pkgName, char *versionStr) {
    return guarded("aclsysGetVersionStr", [&] {
        SOFTNPU_CHECK(require_pointer(pkgName, "pkgName"));
        SOFTNPU_CHECK(require_pointer(versionStr, "versionStr"));
        if (*pkgName == '\0') return fail(ACL_ERROR_INVALID_PARAM, "pkgName is empty");
        std::snprintf(versionStr, ACL_PKG_VERSION_MAX_SIZE, "%s", kCannVersion);
        return 0;
    });
}

void aclAppLog(aclLogLevel logLevel, const char *func, const char *file, uint32_t line,
               const char *fmt, ...) {
    if (fmt == nullptr || logLevel < ACL_DEBUG || logLevel > ACL_ERROR) return;
    const auto level = static_cast<LogLevel>(logLevel);
    if (level < log_threshold()) return;
    char text[2048];
    va_list arguments;
    va_start(arguments, fmt);
    std::vsnprintf(text, sizeof text, fmt, arguments);
    va_end(arguments);
    log(level, "%s:%u %s: %s", file != nullptr ? file : "", line, func != nullptr ? func : "",
        text);
}

}  // extern "C"
