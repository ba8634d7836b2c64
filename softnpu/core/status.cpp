#include "softnpu/core/status.hpp"

#include <pthread.h>
#include <unistd.h>

#include <atomic>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <exception>
#include <new>

#include "acl/acl_base.h"
#include "softnpu/core/fork.hpp"
#include "softnpu/core/log.hpp"

namespace softnpu {

/// Two texts, because the one handed out stays valid while the next one is being made.
struct ErrorText {
    static constexpr size_t kRoom = 2048;
    char pending[kRoom];
    char handed_out[kRoom];
    bool has_pending;
};

namespace {

__thread ThreadState t_state __attribute__((tls_model("initial-exec")));

std::atomic<bool> g_started{false};
std::atomic<bool> g_forked{false};

pthread_key_t text_key() noexcept {
    static const pthread_key_t key = [] {
        pthread_key_t made = 0;
        pthread_key_create(&made, std::free);
        return made;
    }();
    return key;
}

/// The text of this thread, or nullptr without memory for one.
ErrorText *error_text() noexcept {
    if (t_state.text == nullptr) {
        t_state.text = static_cast<ErrorText *>(std::calloc(1, sizeof(ErrorText)));
        if (t_state.text != nullptr) pthread_setspecific(text_key(), t_state.text);
    }
    return t_state.text;
}

void set_pending(int code, const char *format, va_list arguments) noexcept {
    ErrorText *text = error_text();
    if (text == nullptr) return;
    const char *function = t_state.function != nullptr ? t_state.function : "softnpu";
    const int used = std::snprintf(text->pending, ErrorText::kRoom, "%s: error %d (%s): ", function,
                                   code, code_name(code));
    std::vsnprintf(text->pending + used, ErrorText::kRoom - static_cast<size_t>(used), format,
                   arguments);
    text->has_pending = true;
    log(LogLevel::info, "%s", text->pending);
}

}  // namespace

ThreadState &thread_state() noexcept {
    return t_state;
}

int fail(int code, const char *format, ...) noexcept {
    t_state.last_error = code;
    va_list arguments;
    va_start(arguments, format);
    set_pending(code, format, arguments);
    va_end(arguments);
    return code;
}

int fail_with(int code, const std::string &message) noexcept {
    t_state.last_error = code;
    if (ErrorText *text = error_text()) {
        std::snprintf(text->pending, ErrorText::kRoom, "%s", message.c_str());
        text->has_pending = true;
    }
    return code;
}

const char *pending_message() noexcept {
    return t_state.text != nullptr && t_state.text->has_pending ? t_state.text->pending : "";
}

const char *take_message() noexcept {
    ErrorText *text = t_state.text;
    if (text == nullptr || !text->has_pending) return nullptr;
    std::memcpy(text->handed_out, text->pending, ErrorText::kRoom);
    text->has_pending = false;
    return text->handed_out;
}

int fail_exception() noexcept {
    try {
        throw;
    } catch (const std::bad_alloc &) {
        return fail(ACL_ERROR_RT_MEMORY_ALLOCATION, "the host is out of memory");
    } catch (const std::exception &error) {
        return fail(ACL_ERROR_INTERNAL_ERROR, "unexpected C++ exception: %s", error.what());
    } catch (...) {
        return fail(ACL_ERROR_INTERNAL_ERROR, "unexpected C++ exception of unknown type");
    }
}

void note_started() noexcept {
    if (g_started.exchange(true)) return;
    pthread_atfork(nullptr, nullptr, [] { g_forked.store(true, std::memory_order_relaxed); });
}

bool in_forked_child() noexcept {
    return g_forked.load(std::memory_order_relaxed);
}

int fail_forked() noexcept {
    return fail(
        ACL_ERROR_FEATURE_UNSUPPORTED,
        "this process was forked after its parent had started softnpu, whose worker threads "
        "do not exist here; fork before the first device call, or start the child with "
        "spawn (exec)");
}

}  // namespace softnpu
