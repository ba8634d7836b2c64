// The table itself. Slots start lazy and are replaced library by library: the first call of any
// function of a library opens it, so a program that never compiles an operator never loads the
// compiler. The table's address never changes, so callers may keep it.
#include "acl_fast/table.h"

#include <dlfcn.h>

#include <cstdio>
#include <cstring>
#include <mutex>
#include <string>
#include <unordered_map>

#include "layers/layer.hpp"
#include "table/functions.hpp"
#include "table/search.hpp"
#include "table/trampolines.hpp"

namespace aclfast {
namespace {

enum class LibraryState { unopened, open, absent };

struct State {
    std::mutex lock;  // guards everything below; never taken while calling a function of the table
    Module core;
    Module modules[kLibraryCount];
    LibraryState states[kLibraryCount] = {};
    SearchLog log;
    std::string softnpu_dir;
    std::string layers;
};

// Leaked on purpose: threads may still call while the process exits.
State &state() {
    static State &instance = *new State;
    return instance;
}

aclfast_table table = kLazy;

void **slot(unsigned index) {
    return reinterpret_cast<void **>(&table) + index;
}

/// Callers read slots as plain pointers, without a lock: whether they see the old or the new value,
/// the call arrives. An aligned pointer is written whole, but to ThreadSanitizer it is a race.
__attribute__((no_sanitize_thread)) void store_slot(unsigned index, void *value) {
    __atomic_store_n(slot(index), value, __ATOMIC_RELEASE);
}

std::string default_softnpu_dir() {
    Dl_info info;
    if (!dladdr(reinterpret_cast<void *>(&aclfast_load), &info) || !info.dli_fname) return "lib64";
    std::string path = info.dli_fname;
    size_t slash = path.rfind('/');
    return (slash == std::string::npos ? "." : path.substr(0, slash)) + "/softnpu/lib64";
}

/// Fills the slots of one library; those that it lacks get their trampoline.
void fill(State &own, Library library) {
    const Module &module = own.modules[library];
    for (unsigned i = 0; i < kFunctionCount; i++) {
        if (kFunctions[i].library != library) continue;
        void *target = module.symbol(kFunctions[i].name);
        if (!target) target = slot_of(kMissing, i);
        store_slot(i, wrap_slot(static_cast<Index>(i), target));
    }
    own.states[library] = module ? LibraryState::open : LibraryState::absent;
}

aclfast_status load_core(State &own) {
    if (own.states[kCore] == LibraryState::open) return ACLFAST_OK;
    own.log.restart();
    const char *unknown = nullptr;
    if (!choose_layers(unknown)) {
        own.log.fail(std::string("ACL_FAST_LAYERS names the unknown layer ") + unknown,
                     std::string("known layers are ") + known_layers());
        return ACLFAST_BAD_SETTING;
    }
    if (own.softnpu_dir.empty()) own.softnpu_dir = default_softnpu_dir();
    Module core;
    switch (find_core(own.softnpu_dir, core, own.log)) {
        case SearchResult::bad_setting:
            return ACLFAST_BAD_SETTING;
        case SearchResult::none:
            return ACLFAST_NO_BACKEND;
        case SearchResult::found:
            break;
    }
    own.core = core;
    own.modules[kCore] = core;
    own.layers = chosen_layers();
    fill(own, kCore);
    return ACLFAST_OK;
}

aclfast_status load_library(State &own, Library library) {
    aclfast_status status = load_core(own);
    if (status != ACLFAST_OK || own.states[library] != LibraryState::unopened) return status;
    own.modules[library] = find_sibling(own.core, library, own.log);
    fill(own, library);
    return status;
}

const std::unordered_map<std::string, Index> &index_by_name() {
    static const auto &names = *new std::unordered_map<std::string, Index>([] {
        std::unordered_map<std::string, Index> all;
        for (unsigned i = 0; i < kFunctionCount; i++) {
            all.emplace(kFunctions[i].name, static_cast<Index>(i));
        }
        return all;
    }());
    return names;
}

struct Note {
    bool pending;
    char text[1024];
};
thread_local Note note;

/// Hands a text to C; it lives until the thread's next call.
const char *hand_out(const std::string &text) {
    thread_local std::string copy;
    copy = text;
    return copy.c_str();
}

/// softnpu exports every name; those it does not implement are still stubs.
bool implements(const Module &module, const char *name) {
    if (!module.symbol(name)) return false;
    auto is_stub = reinterpret_cast<int (*)(const char *)>(module.symbol("softnpu_is_stub"));
    return !is_stub || is_stub(name) != 1;
}

}  // namespace

void *resolve(Index index) noexcept {
    State &own = state();
    {
        std::lock_guard<std::mutex> guard(own.lock);
        try {
            load_library(own, kFunctions[index].library);
        } catch (const std::bad_alloc &) {
            own.log.restart();
        }
    }
    void *target = __atomic_load_n(slot(index), __ATOMIC_ACQUIRE);
    // Still lazy: nothing could be loaded, and a later aclfast_load() may yet succeed.
    return target == slot_of(kLazy, index) ? slot_of(kMissing, index) : target;
}

void note_missing(Index index) noexcept {
    State &own = state();
    std::lock_guard<std::mutex> guard(own.lock);
    const Function &function = kFunctions[index];
    note.pending = true;
    if (own.states[kCore] != LibraryState::open) {
        std::snprintf(note.text, sizeof(note.text), "%s: no AscendCL library could be loaded: %s",
                      function.name, own.log.cause().c_str());
    } else if (own.states[function.library] == LibraryState::absent) {
        std::snprintf(note.text, sizeof(note.text),
                      "%s: %s was not found or was refused beside %s; it came with CANN %s",
                      function.name, kLibraries[function.library], own.core.path.c_str(),
                      function.since);
    } else {
        std::snprintf(note.text, sizeof(note.text), "%s: not in %s; it came with CANN %s",
                      function.name, own.modules[function.library].path.c_str(), function.since);
    }
}

}  // namespace aclfast

using namespace aclfast;

extern "C" {

aclfast_status aclfast_load(void) {
    State &own = state();
    std::lock_guard<std::mutex> guard(own.lock);
    try {
        return load_core(own);
    } catch (const std::bad_alloc &) {
        return ACLFAST_NO_BACKEND;
    }
}

const aclfast_table *aclfast_table_get(void) {
    return &table;
}

int aclfast_has(const char *name) {
    auto found = index_by_name().find(name ? name : "");
    if (found == index_by_name().end()) return -1;
    State &own = state();
    std::lock_guard<std::mutex> guard(own.lock);
    try {
        Library library = kFunctions[found->second].library;
        if (load_library(own, library) != ACLFAST_OK) return 0;
        return implements(own.modules[library], name);
    } catch (const std::bad_alloc &) {
        return 0;
    }
}

void *aclfast_symbol(const char *name) {
    State &own = state();
    std::lock_guard<std::mutex> guard(own.lock);
    return name ? own.core.symbol(name) : nullptr;
}

void aclfast_backend_info(aclfast_backend *info) {
    State &own = state();
    std::lock_guard<std::mutex> guard(own.lock);
    // The strings are written once, when the core opens, and never again.
    bool open = own.states[kCore] == LibraryState::open;
    info->kind = !open ? "" : own.core.softnpu ? "softnpu" : "cann";
    info->library = open ? own.core.path.c_str() : "";
    info->choice = open ? own.core.choice.c_str() : "";
    info->layers = open ? own.layers.c_str() : "";
}

const char *aclfast_search_log(void) {
    State &own = state();
    std::lock_guard<std::mutex> guard(own.lock);
    return hand_out(own.log.text());
}

const char *aclfast_load_error(void) {
    State &own = state();
    std::lock_guard<std::mutex> guard(own.lock);
    return hand_out(own.states[kCore] == LibraryState::open ? "" : own.log.cause());
}

const char *aclfast_last_missing(void) {
    if (!note.pending) return nullptr;
    note.pending = false;
    return note.text;
}

void aclfast_set_softnpu_dir(const char *folder) {
    State &own = state();
    std::lock_guard<std::mutex> guard(own.lock);
    own.softnpu_dir = folder ? folder : "";
}

}  // extern "C"
