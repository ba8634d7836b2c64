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
    std::string problem;

    Library(const char *file, const char *function, const char *packages) {
        std::string why;
        engine = open(file, function, why);
        if (engine != nullptr) return;
        problem = "softnpu was built without this engine, or its libraries are gone: " + why +
                  "; install " + packages + " and build again (./run.sh setup)";
    }

  private:
    static const void *open(const char *file, const char *function, std::string &why) {
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
        void *entry = library != nullptr ? dlsym(library, function) : nullptr;
        if (entry != nullptr) return reinterpret_cast<const void *(*)()>(entry)();
        const char *error = dlerror();
        why = error != nullptr ? error : path;
        return nullptr;
    }
};

const Library &image_library() {
    static const auto *library =
        new Library("libsoftnpu_image.so", "softnpu_engine_image", "libjpeg-dev and libpng-dev");
    return *library;
}

const Library &scale_library() {
    static const auto *library =
        new Library("libsoftnpu_scale.so", "softnpu_engine_scale", "libyuv-dev and libswscale-dev");
    return *library;
}

const Library &video_library() {
    static const auto *library = new Library("libsoftnpu_video.so", "softnpu_engine_video",
                                             "libavcodec-dev, libyuv-dev and libswscale-dev");
    return *library;
}

template <class Engine>
const Engine *engine_of(const Library &library) {
    if (library.engine == nullptr) {
        fail(ACL_ERROR_FEATURE_UNSUPPORTED, "%s", library.problem.c_str());
    }
    return static_cast<const Engine *>(library.engine);
}

template <class Engine>
const char *version_of(const Library &library) {
    return library.engine != nullptr ? static_cast<const Engine *>(library.engine)->version() : "";
}

}  // namespace

const ImageEngine *image_engine() {
    return engine_of<ImageEngine>(image_library());
}

const ScaleEngine *scale_engine() {
    return engine_of<ScaleEngine>(scale_library());
}

const VideoEngine *video_engine() {
    return engine_of<VideoEngine>(video_library());
}

const char *engine_version(const char *kind) noexcept {
    if (std::strcmp(kind, "image") == 0) return version_of<ImageEngine>(image_library());
    if (std::strcmp(kind, "scale") == 0) return version_of<ScaleEngine>(scale_library());
    if (std::strcmp(kind, "video") == 0) return version_of<VideoEngine>(video_library());
    return "";
}

const char *engine_problem(const char *kind) noexcept {
    if (std::strcmp(kind, "image") == 0) return image_library().problem.c_str();
    if (std::strcmp(kind, "scale") == 0) return scale_library().problem.c_str();
    if (std::strcmp(kind, "video") == 0) return video_library().problem.c_str();
    return "there is no such engine: want image, scale or video";
}

}  // namespace softnpu
