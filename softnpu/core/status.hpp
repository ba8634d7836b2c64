// Error reporting of the C interface: status codes, the recent message, the guarded entry.
//
// Every extern "C" entry that returns a status is written as
//     aclError aclrtFoo(...) { return softnpu::guarded("aclrtFoo", [&] { ...; return 0; }); }
// Inside, a failure is `return fail(CODE, "rule broken; what to do")`. fail() prefixes the name of
// the entry and the name of the code, so the text never repeats them.
#pragma once

#include <cxxabi.h>

#include <cstdarg>
#include <cstdint>
#include <string>
#include <utility>

#include "softnpu/core/export.hpp"

namespace softnpu {

/// State of one thread. Plain data in initial-exec TLS: one load per access, no destructor, so it
/// may be touched by an entry called while the thread or the process is going down.
struct ThreadState {
    const char *function;          // entry being executed, for messages
    const void *explicit_context;  // handle set by aclrtSetCurrentContext / aclrtCreateContext
    const void *primary_context;   // handle of the primary context referred to by aclrtSetDevice
    int last_error;                // aclrtGetLastError
    uint32_t last_task;            // aclrtGetThreadLastTaskId
    struct ErrorText *text;        // recent message, allocated at the first failure
};

SOFTNPU_API ThreadState &thread_state() noexcept;

/// Name of a status code ("ACL_ERROR_INVALID_PARAM"), or "unknown code".
SOFTNPU_API const char *code_name(int code) noexcept;

/// Record a failure on this thread (recent message and last error) and return `code`.
[[gnu::cold]] SOFTNPU_API int fail(int code, const char *format, ...) noexcept
    __attribute__((format(printf, 2, 3)));

/// Record a failure that happened elsewhere (an asynchronous task): `message` is taken as it is.
[[gnu::cold]] SOFTNPU_API int fail_with(int code, const std::string &message) noexcept;

/// The pending message of this thread without clearing it ("" when nothing is pending).
SOFTNPU_API const char *pending_message() noexcept;

/// aclGetRecentErrMsg: hands out the pending message and clears it; nullptr when nothing is
/// pending.
SOFTNPU_API const char *take_message() noexcept;

/// Turn the exception in flight into a status: bad_alloc gives 207001, all others 500000.
[[gnu::cold]] SOFTNPU_API int fail_exception() noexcept;

/// Non-zero in a process forked after the runtime had started: no worker thread exists here.
SOFTNPU_API bool in_forked_child() noexcept;
[[gnu::cold]] SOFTNPU_API int fail_forked() noexcept;

/// Names the entry for messages while it runs; entries may nest (a callback calling an entry).
class EntryScope {
  public:
    explicit EntryScope(const char *function) noexcept
        : state_(thread_state()), outer_(state_.function) {
        state_.function = function;
    }
    ~EntryScope() { state_.function = outer_; }
    EntryScope(const EntryScope &) = delete;
    EntryScope &operator=(const EntryScope &) = delete;

  private:
    ThreadState &state_;
    const char *outer_;
};

/// Body of every entry that returns a status. No exception leaves it, but a thread may: CPython
/// ends threads that ask for the interpreter at its exit with pthread_exit, which unwinds them from
/// inside a callback of the program through the entry that called it.
template <class Body>
int guarded(const char *function, Body &&body) {
    EntryScope scope(function);
    if (__builtin_expect(in_forked_child(), false)) return fail_forked();
    try {
        return std::forward<Body>(body)();
    } catch (abi::__forced_unwind &) {
        throw;
    } catch (...) {
        return fail_exception();
    }
}

/// Body of every entry that returns a value; `failed` is returned when it throws.
template <class Result, class Body>
Result guarded_value(const char *function, Result failed, Body &&body) {
    EntryScope scope(function);
    if (__builtin_expect(in_forked_child(), false)) return fail_forked(), failed;
    try {
        return std::forward<Body>(body)();
    } catch (abi::__forced_unwind &) {
        throw;
    } catch (...) {
        return fail_exception(), failed;
    }
}

}  // namespace softnpu
