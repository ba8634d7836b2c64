#include "softnpu/dvpp/engines.hpp"

#include <dlfcn.h>

#include <cstring>

#include "acl/acl_base.h"
#include "softnpu/core/log.hpp"
#include "softnpu/core/status.hpp"

namespace softnpu {
namespace {

/// One engine library: opened at the first question and never closed.
struct Library {
    const void *engine = nullptr;
    std::string why;

    Library(const char *file, const char *function) {
        // Beside this library. Its own symbols first: the process may hold another FFmpeg.
        Dl_info here{};
        std::string path = file;
        if (dladdr(reinterpret_cast<const void *>(&engine_version), &here) != 0) {
            const std::string own = here.dli_fname;
            path = own.substr(0, own.rfind('/') + 1) + file;
        }
        int flags = RTLD_NOW | RTLD_LOCAL;
#if !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__)
        flags |= RTLD_DEEPBIND;
#endif
        void *library = dlopen(path.c_str(), flags);
        if (library == nullptr) {
            why = dlerror();
            return;
        }
        auto *entry = reinterpret_cast<const void *(*)()>(dlsym(library, function));
        if (entry == nullptr) {
            why = dlerror();
            return;
        }
        engine = entry();
    }
};

const Library &image_library() {
    static const auto *library = new Library("libsoftnpu_image.so", "softnpu_engine_image");
    return *library;
}

const Library &scale_library() {
    static const auto *library = new Library("libsoftnpu_scale.so", "softnpu_engine_scale");
    return *library;
}

const Library &video_library() {
    static const auto *library = new Library("libsoftnpu_video.so", "softnpu_engine_video");
    return *library;
}

template <class Engine>
const Engine *engine_of(const Library &library, const char *packages) {
    if (library.engine == nullptr) {
        fail(ACL_ERROR_FEATURE_UNSUPPORTED,
             "softnpu was built without this engine, or its libraries are gone: %s; install %s "
             "and build again (./run.sh setup)",
             library.why.c_str(), packages);
    }
    return static_cast<const Engine *>(library.engine);
}

}  // namespace

const ImageEngine *image_engine() {
    return engine_of<ImageEngine>(image_library(), "libjpeg-dev and libpng-dev");
}

const ScaleEngine *scale_engine() {
    return engine_of<ScaleEngine>(scale_library(), "libyuv-dev and libswscale-dev");
}

const VideoEngine *video_engine() {
    return engine_of<VideoEngine>(video_library(), "libavcodec-dev");
}

const char *engine_version(const char *kind) noexcept {
    const auto version = [](auto *engine) { return engine != nullptr ? engine->version() : ""; };
    if (std::strcmp(kind, "image") == 0) {
        return version(static_cast<const ImageEngine *>(image_library().engine));
    }
    if (std::strcmp(kind, "scale") == 0) {
        return version(static_cast<const ScaleEngine *>(scale_library().engine));
    }
    if (std::strcmp(kind, "video") == 0) {
        return version(static_cast<const VideoEngine *>(video_library().engine));
    }
    return "";
}

}  // namespace softnpu
