#include "table/search.hpp"

#include <dlfcn.h>
#include <unistd.h>

#include <cstdlib>
#include <cstring>

namespace aclfast {
namespace {

// NOW: a library whose own dependency is broken says so here, by name, and not at some later call.
// LOCAL: two AscendCL libraries may live in one process (a framework's CANN and softnpu), and
// neither may answer for the other; symbols are only ever sought through the handle. dlsym() on a
// handle also looks into what that library links, so split CANN libraries need no GLOBAL either.
constexpr int kFlags = RTLD_NOW | RTLD_LOCAL;

// Parts of the core that newer CANN moved out of libascendcl.so.
constexpr const char *kCoreParts[] = {"libacl_rt.so", "libacl_mdl.so", "libacl_op.so",
                                      "libacl_rt_impl.so"};

const char *environment(const char *name) {
    const char *value = std::getenv(name);
    return value ? value : "";
}

std::string error_text() {
    const char *text = dlerror();
    return text ? text : "unknown error";
}

std::string folder(const std::string &path) {
    char *real = realpath(path.c_str(), nullptr);
    std::string whole = real ? real : path;
    std::free(real);
    size_t slash = whole.rfind('/');
    return slash == std::string::npos ? std::string(".") : whole.substr(0, slash);
}

/// The file that an address was loaded from.
std::string path_of(void *address) {
    Dl_info info;
    return address && dladdr(address, &info) && info.dli_fname ? info.dli_fname : "";
}

void *open_path(const std::string &path, SearchLog &log) {
    if (access(path.c_str(), F_OK) != 0) {
        log.add(path, "no such file");
        return nullptr;
    }
    void *handle = dlopen(path.c_str(), kFlags);
    if (!handle) log.fail(path, error_text());
    return handle;
}

std::string missing_required(const Module &module, Library library) {
    std::string names;
    unsigned count = 0;
    for (const Function &function : kFunctions) {
        if (function.library != library || !function.required) continue;
        if (module.symbol(function.name)) continue;
        if (++count <= 8) names += (count > 1 ? ", " : "") + std::string(function.name);
    }
    if (count > 8) names += " and " + std::to_string(count - 8) + " more";
    return names;
}

void add_core_parts(Module &core) {
    for (const char *part : kCoreParts) {
        void *handle = dlopen((folder(core.path) + "/" + part).c_str(), kFlags);
        if (handle) core.handles.push_back(handle);
    }
}

/// Turns an open handle into a core, or refuses it.
Module accept_core(void *handle, const std::string &place, SearchLog &log) {
    Module core;
    core.handles.push_back(handle);
    core.path = path_of(core.symbol("aclInit"));
    if (core.path.empty()) core.path = place;
    std::string missing = missing_required(core, kCore);
    if (!missing.empty()) {
        add_core_parts(core);
        missing = missing_required(core, kCore);
    }
    if (!missing.empty()) {
        log.fail(place, "refused: it lacks the required " + missing);
        return Module();
    }
    core.softnpu = core.symbol("softnpuVersion") != nullptr;
    return core;
}

Module core_at(const std::string &path, SearchLog &log) {
    void *handle = open_path(path, log);
    return handle ? accept_core(handle, path, log) : Module();
}

/// Loaded already, by the program itself or by a framework: the one to join, whatever the paths
/// say.
Module loaded_core(SearchLog &log) {
    if (dlsym(RTLD_DEFAULT, "aclInit")) {
        return accept_core(RTLD_DEFAULT, "the symbols of this process", log);
    }
    void *handle = dlopen("libascendcl.so", kFlags | RTLD_NOLOAD);
    return handle ? accept_core(handle, "libascendcl.so of this process", log) : Module();
}

std::vector<std::string> cann_folders() {
    std::vector<std::string> folders;
    for (const char *name : {"ASCEND_HOME_PATH", "ASCEND_TOOLKIT_HOME"}) {
        std::string root = environment(name);
        if (!root.empty()) folders.push_back(root + "/lib64");
    }
    std::vector<std::string> roots = {"/usr/local/Ascend"};
    std::string home = environment("HOME");
    if (!home.empty()) roots.push_back(home + "/Ascend");
    for (const std::string &root : roots) {
        for (const char *product : {"ascend-toolkit/latest", "nnrt/latest", "latest"}) {
            folders.push_back(root + "/" + product + "/lib64");
        }
    }
    return folders;
}

/// Whether a core is CANN's and, where asked, sees a device; says why not.
bool is_usable_cann(const Module &core, bool need_device, std::string &choice, SearchLog &log) {
    if (core.softnpu) {
        log.add(core.path, "is softnpu, not CANN");
        return false;
    }
    choice = "CANN found";
    if (!need_device) return true;
    using Count = aclError (*)(uint32_t *);
    auto count = reinterpret_cast<Count>(core.symbol("aclrtGetDeviceCount"));
    uint32_t devices = 0;
    aclError code = count(&devices);
    if (code != ACL_SUCCESS || devices == 0) {
        // It stays loaded: CANN's libraries do not survive being unloaded.
        log.fail(core.path, code == ACL_SUCCESS ? "loads, but sees no device"
                                                : "loads, but aclrtGetDeviceCount returned " +
                                                      std::to_string(code));
        return false;
    }
    choice = "CANN sees " + std::to_string(devices) + (devices == 1 ? " device" : " devices");
    return true;
}

Module find_cann(bool need_device, SearchLog &log) {
    std::string choice;
    auto usable = [&](Module &core) {
        if (!core || !is_usable_cann(core, need_device, choice, log)) return false;
        core.choice = choice;
        log.add(core.path, choice);
        return true;
    };
    Module core = loaded_core(log);
    if (usable(core)) return core;
    for (const std::string &folder : cann_folders()) {
        core = core_at(folder + "/libascendcl.so", log);
        if (usable(core)) return core;
    }
    void *handle = dlopen("libascendcl.so", kFlags);
    if (!handle) {
        log.add("libascendcl.so by the loader's own search", error_text());
        return Module();
    }
    core = accept_core(handle, "libascendcl.so by the loader's own search", log);
    return usable(core) ? core : Module();
}

Module find_softnpu(const std::string &folder, SearchLog &log) {
    std::string path = folder + "/libascendcl.so";
    Module core = core_at(path, log);
    if (!core) return core;
    if (!core.softnpu) {
        log.fail(path, "refused: it is not softnpu (no softnpuVersion)");
        return Module();
    }
    log.add(path, "softnpu");
    return core;
}

Module find_named(const std::string &path, SearchLog &log) {
    if (access(path.c_str(), F_OK) != 0) {
        log.fail(path, "ACL_FAST_LIBRARY names it, but there is no such file");
        return Module();
    }
    Module core = core_at(path, log);
    if (core) {
        core.choice = "named by ACL_FAST_LIBRARY";
        log.add(path, core.choice);
    }
    return core;
}

}  // namespace

void SearchLog::add(const std::string &place, const std::string &outcome) {
    // dlerror() usually begins with the path itself.
    bool repeats = outcome.compare(0, place.size(), place) == 0;
    text_ += (repeats ? outcome : place + ": " + outcome) + "\n";
}

void SearchLog::fail(const std::string &place, const std::string &outcome) {
    size_t start = text_.size();
    add(place, outcome);
    if (cause_.empty()) cause_ = text_.substr(start, text_.size() - start - 1);
}

void *Module::symbol(const char *name) const noexcept {
    for (void *handle : handles) {
        if (void *address = dlsym(handle, name)) return address;
    }
    return nullptr;
}

SearchResult find_core(const std::string &softnpu_dir, Module &core, SearchLog &log) {
    log.restart();
    std::string named = environment("ACL_FAST_LIBRARY");
    std::string backend = environment("ACL_FAST_BACKEND");
    if (backend.empty()) backend = "auto";
    if (backend != "auto" && backend != "cann" && backend != "softnpu") {
        log.fail("ACL_FAST_BACKEND=" + backend, "must be auto, cann or softnpu");
        return SearchResult::bad_setting;
    }
    if (!named.empty()) {
        core = find_named(named, log);
    } else {
        if (backend != "softnpu") core = find_cann(backend == "auto", log);
        if (!core && backend != "cann") {
            core = find_softnpu(softnpu_dir, log);
            core.choice = backend == "auto" ? "no CANN that sees a device was found"
                                            : "chosen by ACL_FAST_BACKEND";
        }
        if (!core && log.cause().empty()) {
            log.fail("libascendcl.so", "not found in any of the places tried");
        }
    }
    return core ? SearchResult::found : SearchResult::none;
}

Module find_sibling(const Module &core, Library library, SearchLog &log) {
    // Some releases, and single-file libraries, have everything in the core.
    for (const Function &function : kFunctions) {
        if (function.library == library && core.symbol(function.name)) return core;
    }
    std::string name = kLibraries[library];
    std::string path = folder(core.path) + "/" + name;
    Module module;
    void *handle = open_path(path, log);
    // softnpu never falls back to a name: that could find CANN's library and mix the two.
    if (!handle && !core.softnpu) {
        handle = dlopen(name.c_str(), kFlags);
        if (!handle) log.add(name + " by the loader's own search", error_text());
        path = name;
    }
    if (!handle) return module;
    module.handles.push_back(handle);
    module.path = path;
    std::string missing = missing_required(module, library);
    if (!missing.empty()) {
        log.fail(path, "refused: it lacks the required " + missing);
        return Module();
    }
    log.add(path, "loaded");
    return module;
}

}  // namespace aclfast
