// Time and short waits.
#pragma once

#include <sched.h>
#include <time.h>

#include <cstdint>

namespace softnpu {

inline uint64_t now_ns() noexcept {
    timespec time;
    clock_gettime(CLOCK_MONOTONIC, &time);
    return static_cast<uint64_t>(time.tv_sec) * 1'000'000'000u +
           static_cast<uint64_t>(time.tv_nsec);
}

inline void cpu_relax() noexcept {
#if defined(__x86_64__)
    __builtin_ia32_pause();
#elif defined(__aarch64__)
    asm volatile("yield");
#endif
}

/// Busy-wait for something expected within microseconds; true when it came.
template <class Done>
bool spin_until(Done &&done, uint64_t budget_ns) noexcept {
    const uint64_t end = now_ns() + budget_ns;
    do {
        for (int i = 0; i < 32; ++i) {
            if (done()) return true;
            cpu_relax();
        }
        // What is waited for may need this very core.
        sched_yield();
    } while (now_ns() < end);
    return done();
}

}  // namespace softnpu
