#include "softnpu/prof/prof.hpp"

#include <fcntl.h>
#include <poll.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <ctime>
#include <map>
#include <memory>

#include "softnpu/core/counters.hpp"
#include "softnpu/core/log.hpp"
#include "softnpu/core/status.hpp"
#include "softnpu/model/model.hpp"

namespace softnpu::prof {

std::atomic<int> g_watchers{0};

namespace {

struct Close {
    void operator()(FILE *file) const { std::fclose(file); }
};
using File = std::unique_ptr<FILE, Close>;

struct State {
    std::mutex mutex;  // a leaf lock; rows are written under it
    bool is_open = false;
    std::string folder;
    File models, ops, steps, ranges;
    std::vector<const void *> started;     // configurations
    std::map<uint32_t, int> pipes;         // of subscribed models
    std::map<uint32_t, uint64_t> dropped;  // records that found a pipe full
};

// Never destroyed: executions may end while static objects die.
State &state() {
    static auto *const instance = new State;
    return *instance;
}

ObjectTable &table() noexcept {
    return only_table<ObjectTable>();
}

// Quotes as CSV wants it: names come from the program.
std::string quoted(const std::string &text) {
    std::string made = "\"";
    for (const char c : text) made += c == '"' ? "\"\"" : std::string(1, c);
    return made + "\"";
}

File open_file(const std::string &folder, const char *name, const char *header) {
    File file(std::fopen((folder + "/" + name).c_str(), "we"));
    if (file != nullptr) std::fprintf(file.get(), "%s\n", header);
    return file;
}

std::string new_folder(const std::string &root) {
    const std::time_t seconds = std::time(nullptr);
    std::tm parts{};
    localtime_r(&seconds, &parts);
    char text[64];
    std::strftime(text, sizeof text, "/PROF_%Y%m%d%H%M%S_", &parts);
    const std::string base = root + text + std::to_string(getpid());
    for (int attempt = 0; attempt < 1000; ++attempt) {
        const std::string folder = attempt == 0 ? base : base + "_" + std::to_string(attempt);
        if (mkdir(folder.c_str(), 0750) == 0) return folder;
        if (errno != EEXIST) break;
    }
    return {};
}

void flush(State &s) {
    for (const File *file : {&s.models, &s.ops, &s.steps, &s.ranges})
        if (*file != nullptr) std::fflush(file->get());
}

void copy_text(char *to, size_t room, const std::string &text) {
    std::strncpy(to, text.c_str(), room - 1);
}

// Never waits: a reader that is slow loses records, the device goes on.
void send(State &s, uint32_t model, const Record &record) {
    const auto found = s.pipes.find(model);
    if (found == s.pipes.end()) return;
    pollfd ready{found->second, POLLOUT, 0};
    const bool writable = poll(&ready, 1, 0) == 1 && (ready.revents & POLLOUT) != 0 &&
                          (ready.revents & (POLLERR | POLLHUP | POLLNVAL)) == 0;
    if (writable && write(found->second, &record, sizeof record) == ssize_t{sizeof record}) return;
    if (s.dropped[model]++ == 0)
        log(LogLevel::warning,
            "the pipe that model %u is subscribed with takes no more; records are dropped", model);
}

}  // namespace

uint64_t now() noexcept {
    std::timespec time{};
    clock_gettime(CLOCK_MONOTONIC, &time);
    return static_cast<uint64_t>(time.tv_sec) * 1'000'000'000u +
           static_cast<uint64_t>(time.tv_nsec);
}

uint64_t clock() noexcept {
    return now();
}

void end_model(uint32_t model, int device, const std::string &name, uint64_t start) noexcept {
    const uint64_t end = now();
    State &s = state();
    try {
        Record record{};
        record.model = model;
        record.start = start;
        record.end = end;
        copy_text(record.type, sizeof record.type, "Model");
        copy_text(record.name, sizeof record.name, name);
        const std::string text = quoted(name);
        const std::lock_guard lock(s.mutex);
        send(s, model, record);
        if (s.models == nullptr || s.started.empty()) return;
        std::fprintf(s.models.get(), "%u,%s,%d,%llu,%llu,%.3f\n", model, text.c_str(), device,
                     static_cast<unsigned long long>(start), static_cast<unsigned long long>(end),
                     static_cast<double>(end - start) / 1e3);
    } catch (const std::bad_alloc &) {  // a row less
    }
}

void end_op(const std::string &type, int device, uint64_t start) noexcept {
    const uint64_t end = now();
    State &s = state();
    const std::lock_guard lock(s.mutex);
    if (s.ops == nullptr || s.started.empty()) return;
    std::fprintf(s.ops.get(), "%s,%d,%llu,%llu,%.3f\n", type.c_str(), device,
                 static_cast<unsigned long long>(start), static_cast<unsigned long long>(end),
                 static_cast<double>(end - start) / 1e3);
}

void write_step(const void *step, int stream, uint64_t start, uint64_t end) noexcept {
    State &s = state();
    const std::lock_guard lock(s.mutex);
    if (s.steps == nullptr || s.started.empty()) return;
    std::fprintf(s.steps.get(), "%p,%d,%llu,%llu,%.3f\n", step, stream,
                 static_cast<unsigned long long>(start), static_cast<unsigned long long>(end),
                 static_cast<double>(end - start) / 1e3);
}

void write_range(const char *kind, const std::string &message, uint64_t start,
                 uint64_t end) noexcept {
    State &s = state();
    try {
        const std::string text = quoted(message);
        const std::lock_guard lock(s.mutex);
        if (s.ranges == nullptr || s.started.empty()) return;
        std::fprintf(s.ranges.get(), "%s,%s,%llu,%llu,%.3f\n", kind, text.c_str(),
                     static_cast<unsigned long long>(start), static_cast<unsigned long long>(end),
                     static_cast<double>(end - start) / 1e3);
    } catch (const std::bad_alloc &) {  // a row less
    }
}

// ---- objects ----

ObjectRef create(Object::Kind kind) {
    ObjectRef made = table().create();
    made->kind = kind;
    count(counters().live_prof_objects);
    return made;
}

ObjectRef find(const void *handle, Object::Kind kind) noexcept {
    ObjectRef found = table().find(handle);
    return found && found->kind == kind ? found : ObjectRef{};
}

bool destroy(const void *handle, Object::Kind kind) noexcept {
    if (!find(handle, kind) || !table().remove(handle)) return false;
    uncount(counters().live_prof_objects);
    return true;
}

// ---- sessions ----

int open(const std::string &folder) {
    State &s = state();
    const std::lock_guard lock(s.mutex);
    if (s.is_open)
        return fail(ACL_ERROR_PROF_ALREADY_RUN, "profiling was begun; aclprofFinalize comes first");
    if (!s.pipes.empty())
        return fail(ACL_ERROR_PROF_API_CONFLICT,
                    "a model is subscribed; files and subscriptions exclude each other");
    if (mkdir(folder.c_str(), 0750) != 0 && errno != EEXIST)
        return fail(ACL_ERROR_INVALID_FILE, "the folder '%s' cannot be made: %s", folder.c_str(),
                    std::strerror(errno));
    const std::string made = new_folder(folder);
    if (made.empty())
        return fail(ACL_ERROR_INVALID_FILE, "nothing can be written to '%s': %s", folder.c_str(),
                    std::strerror(errno));
    s.models = open_file(made, "model_executions.csv",
                         "model_id,model_name,device_id,start_ns,end_ns,duration_us");
    s.ops = open_file(made, "op_executions.csv", "op_type,device_id,start_ns,end_ns,duration_us");
    s.steps = open_file(made, "steps.csv", "step,stream_id,start_ns,end_ns,duration_us");
    s.ranges = open_file(made, "ranges.csv", "kind,message,start_ns,end_ns,duration_us");
    s.folder = made;
    s.is_open = true;
    return 0;
}

int start(const void *config) {
    const ObjectRef found = find(config, Object::Kind::config);
    if (!found)
        return fail(ACL_ERROR_INVALID_PROFILING_CONFIG, "the config is not a live aclprofConfig");
    State &s = state();
    const std::lock_guard lock(s.mutex);
    if (!s.is_open)
        return fail(ACL_ERROR_PROF_NOT_RUN, "profiling was not begun; call aclprofInit first");
    if (std::find(s.started.begin(), s.started.end(), config) != s.started.end())
        return fail(ACL_ERROR_PROF_ALREADY_RUN, "this config was started already");
    s.started.push_back(config);
    g_watchers.fetch_add(1);
    return 0;
}

int stop(const void *config) {
    State &s = state();
    const std::lock_guard lock(s.mutex);
    const auto found = std::find(s.started.begin(), s.started.end(), config);
    if (found == s.started.end())
        return fail(ACL_ERROR_PROF_NOT_RUN, "this config was not started");
    s.started.erase(found);
    g_watchers.fetch_sub(1);
    flush(s);
    return 0;
}

int close() {
    State &s = state();
    const std::lock_guard lock(s.mutex);
    if (!s.is_open) return fail(ACL_ERROR_PROF_NOT_RUN, "profiling was not begun");
    g_watchers.fetch_sub(static_cast<int>(s.started.size()));
    s.started.clear();
    for (File *file : {&s.models, &s.ops, &s.steps, &s.ranges}) file->reset();
    s.is_open = false;
    return 0;
}

int subscribe(uint32_t model, const void *config) {
    const ObjectRef found = find(config, Object::Kind::subscription);
    if (!found)
        return fail(ACL_ERROR_INVALID_PARAM, "the config is not a live aclprofSubscribeConfig");
    if (peek_model(model) == nullptr)
        return fail(ACL_ERROR_INVALID_MODEL_ID, "there is no model %u", model);
    State &s = state();
    const std::lock_guard lock(s.mutex);
    if (s.is_open)
        return fail(ACL_ERROR_PROF_API_CONFLICT,
                    "aclprofInit was called; files and subscriptions exclude each other");
    if (s.pipes.count(model) != 0)
        return fail(ACL_ERROR_PROF_REPEAT_SUBSCRIBE, "model %u is subscribed already", model);
    s.pipes[model] = found->pipe;
    g_watchers.fetch_add(1);
    return 0;
}

// Programs read records until the pipe ends and wait for that before they close anything: the
// library ends it. Its descriptor stays one, since some programs close it themselves afterwards.
void end_pipe(int pipe) {
    struct stat about{};
    if (fstat(pipe, &about) != 0 || !S_ISFIFO(about.st_mode)) return;
    const int nowhere = ::open("/dev/null", O_WRONLY | O_CLOEXEC);
    if (nowhere < 0) return;
    dup3(nowhere, pipe, O_CLOEXEC);
    ::close(nowhere);
}

int unsubscribe(uint32_t model) {
    State &s = state();
    const std::lock_guard lock(s.mutex);
    const auto found = s.pipes.find(model);
    if (found == s.pipes.end())
        return fail(ACL_ERROR_INVALID_MODEL_ID, "model %u is not subscribed", model);
    const int pipe = found->second;
    s.pipes.erase(found);
    const auto is_shared = [&](const auto &other) { return other.second == pipe; };
    if (std::none_of(s.pipes.begin(), s.pipes.end(), is_shared)) end_pipe(pipe);
    s.dropped.erase(model);
    g_watchers.fetch_sub(1);
    return 0;
}

}  // namespace softnpu::prof
