// Profiling: what ran when, into files of a folder and into pipes of the program.
//
// A folder that aclprofInit names gets PROF_<time>_<process> with model_executions.csv,
// op_executions.csv, steps.csv and ranges.csv; rows are written while a configuration is started.
// A subscribed model writes one Record per execution into the program's pipe. Times are those of
// the engine's thread, in nanoseconds of the monotonic clock.
#pragma once

#include <atomic>
#include <cstdint>
#include <mutex>
#include <string>
#include <vector>

#include "acl/acl_prof.h"
#include "softnpu/core/export.hpp"
#include "softnpu/core/handle.hpp"

namespace softnpu::prof {

extern std::atomic<int> g_watchers;  // started configurations and subscriptions

uint64_t now() noexcept;
/// The time, or 0 while nobody wants to know.
inline uint64_t start() noexcept {
    return __builtin_expect(g_watchers.load(std::memory_order_relaxed) == 0, true) ? 0 : now();
}

/// Something that began at `start`, which is not 0, ends now. Never fail.
void end_model(uint32_t model, int device, const std::string &name, uint64_t start) noexcept;
void end_op(const std::string &type, int device, uint64_t start) noexcept;

/// What goes into the pipe of a subscription.
struct Record {
    uint32_t model;
    uint32_t reserved;
    uint64_t start, end;
    char type[ACL_PROF_MAX_OP_TYPE_LEN];
    char name[ACL_PROF_MAX_OP_NAME_LEN];
};
static_assert(sizeof(Record) <= 4096, "a pipe takes records whole");

// ---- objects of programs ----

struct Object {
    enum class Kind { config, subscription, step, stamp };
    Kind kind = Kind::config;
    std::vector<uint32_t> devices;     // of a config
    int pipe = -1;                     // of a subscription
    std::mutex mutex;                  // guards the two below; a leaf lock
    std::string message;               // of a stamp
    std::atomic<uint64_t> started{0};  // of a step
};
using ObjectTable = HandleTable<Object, HandleType::prof_config>;
using ObjectRef = ObjectTable::Ref;

/// Counted in live_prof_objects.
SOFTNPU_API ObjectRef create(Object::Kind kind);
SOFTNPU_API bool destroy(const void *handle, Object::Kind kind) noexcept;
/// Empty unless it is a live object of this kind.
SOFTNPU_API ObjectRef find(const void *handle, Object::Kind kind) noexcept;

// ---- what the entries do; 0 or a failure that is recorded ----

SOFTNPU_API int open(const std::string &folder);
SOFTNPU_API int start(const void *config);
SOFTNPU_API int stop(const void *config);
SOFTNPU_API int close();
SOFTNPU_API int subscribe(uint32_t model, const void *config);
SOFTNPU_API int unsubscribe(uint32_t model);

/// A row of steps.csv or ranges.csv; nothing while no configuration is started.
SOFTNPU_API void write_step(const void *step, int stream, uint64_t start, uint64_t end) noexcept;
SOFTNPU_API void write_range(const char *kind, const std::string &message, uint64_t start,
                             uint64_t end) noexcept;
SOFTNPU_API uint64_t clock() noexcept;

}  // namespace softnpu::prof
