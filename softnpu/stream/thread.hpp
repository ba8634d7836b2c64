// Threads of the runtime.
#pragma once

#include <pthread.h>
#include <signal.h>

#include <thread>
#include <utility>

namespace softnpu {

/// Start a detached thread that takes no signals but faults: the others are for the program's
/// threads. Throws std::system_error.
template <class Body>
void start_thread(const char *name, Body body) {
    sigset_t all, outer;
    sigfillset(&all);
    for (int fault : {SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGABRT}) sigdelset(&all, fault);
    pthread_sigmask(SIG_SETMASK, &all, &outer);  // the new thread inherits the mask
    struct Restore {
        const sigset_t &mask;
        ~Restore() { pthread_sigmask(SIG_SETMASK, &mask, nullptr); }
    } restore{outer};
    std::thread([name, body = std::move(body)]() mutable {
        pthread_setname_np(pthread_self(), name);
        body();
    }).detach();
}

}  // namespace softnpu
