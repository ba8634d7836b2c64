// Waiting for several channels of the second media interface at once: Linux's epoll under other
// numbers.
#include <sys/epoll.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <cstring>
#include <mutex>
#include <set>
#include <vector>

#include "acl/dvpp/hi_dvpp.h"
#include "softnpu/api/entry.hpp"
#include "softnpu/core/config.hpp"
#include "softnpu/dvpp/chip.hpp"

using namespace softnpu;

namespace {

int himpi(unsigned code) {
    return static_cast<int>(code);
}

/// The descriptors that were made here: others of the process are not closed by mistake.
struct Instances {
    std::mutex mutex;  // leaf lock
    std::set<int> open;

    static Instances &all() {
        static auto *instances = new Instances;  // threads may still run while the process ends
        return *instances;
    }
    bool has(int descriptor) {
        const std::lock_guard<std::mutex> lock(mutex);
        return open.count(descriptor) != 0;
    }
};

int check_chip() {
    if (himpi_on_chip()) return 0;
    return fail(himpi(HI_ERR_SYS_NOT_SUPPORT), "%s has no hi_mpi interface",
                config().soc_name.c_str());
}

int check_instance(hi_s32 descriptor) {
    if (int code = check_chip()) return code;
    if (Instances::all().has(descriptor)) return 0;
    return fail(himpi(HI_ERR_SYS_UNEXIST), "epoll_fd %d does not come from hi_mpi_sys_create_epoll",
                descriptor);
}

int check_pointer(const void *pointer, const char *name) {
    if (pointer != nullptr) return 0;
    return fail(himpi(HI_ERR_SYS_NULL_PTR), "%s is NULL", name);
}

uint32_t to_linux(hi_u32 events) {
    return (events & HI_DVPP_EPOLL_IN ? EPOLLIN : 0u) |
           (events & HI_DVPP_EPOLL_OUT ? EPOLLOUT : 0u) |
           (events & static_cast<hi_u32>(HI_DVPP_EPOLL_ET) ? static_cast<uint32_t>(EPOLLET) : 0u);
}

hi_u32 from_linux(uint32_t events) {
    const bool in = (events & (EPOLLIN | EPOLLHUP | EPOLLERR)) != 0;
    return (in ? HI_DVPP_EPOLL_IN : 0u) | (events & EPOLLOUT ? HI_DVPP_EPOLL_OUT : 0u);
}

int control(hi_s32 instance, int operation, hi_s32 descriptor, const hi_dvpp_epoll_event *event) {
    epoll_event given{};
    if (operation != EPOLL_CTL_DEL) {
        SOFTNPU_CHECK(check_pointer(event, "event"));
        given.events = to_linux(event->events);
        given.data.ptr = event->data;
    }
    if (epoll_ctl(instance, operation, descriptor, &given) == 0) return HI_SUCCESS;
    const unsigned code = errno == EEXIST   ? HI_ERR_SYS_EXIST
                          : errno == ENOENT ? HI_ERR_SYS_UNEXIST
                          : errno == ENOMEM ? HI_ERR_SYS_NO_MEM
                                            : HI_ERR_SYS_ILLEGAL_PARAM;
    return fail(himpi(code), "descriptor %d: %s", descriptor, std::strerror(errno));
}

/// Waits on where a signal broke in.
int wait_on(int instance, std::vector<epoll_event> &got, hi_s32 timeout) {
    using Clock = std::chrono::steady_clock;
    const auto until = Clock::now() + std::chrono::milliseconds(std::max(timeout, 0));
    for (int left = timeout;;) {
        const int count = epoll_wait(instance, got.data(), static_cast<int>(got.size()), left);
        if (count >= 0 || errno != EINTR) return count;
        if (timeout < 0) continue;
        const auto rest =
            std::chrono::duration_cast<std::chrono::milliseconds>(until - Clock::now());
        left = std::max(0, static_cast<int>(rest.count()));
    }
}

}  // namespace

extern "C" {

hi_s32 hi_mpi_sys_create_epoll(hi_s32 size, hi_s32 *epoll_fd) {
    return guarded(__func__, [&] {
        SOFTNPU_CHECK(check_chip());
        SOFTNPU_CHECK(check_pointer(epoll_fd, "epoll_fd"));
        if (size <= 0) {
            return fail(himpi(HI_ERR_SYS_ILLEGAL_PARAM), "size %d: want a positive number", size);
        }
        const int made = epoll_create1(EPOLL_CLOEXEC);
        if (made < 0) return fail(himpi(HI_ERR_SYS_ERR), "epoll: %s", std::strerror(errno));
        const std::lock_guard<std::mutex> lock(Instances::all().mutex);
        Instances::all().open.insert(made);
        *epoll_fd = made;
        return HI_SUCCESS;
    });
}

hi_s32 hi_mpi_sys_close_epoll(hi_s32 epoll_fd) {
    return guarded(__func__, [&] {
        SOFTNPU_CHECK(check_instance(epoll_fd));
        {
            const std::lock_guard<std::mutex> lock(Instances::all().mutex);
            Instances::all().open.erase(epoll_fd);
        }
        close(epoll_fd);
        return HI_SUCCESS;
    });
}

hi_s32 hi_mpi_sys_ctl_epoll(hi_s32 epoll_fd, hi_s32 operation, hi_s32 fd,
                            hi_dvpp_epoll_event *event) {
    return guarded(__func__, [&] {
        SOFTNPU_CHECK(check_instance(epoll_fd));
        switch (operation) {
            case HI_DVPP_EPOLL_CTL_ADD:
                return control(epoll_fd, EPOLL_CTL_ADD, fd, event);
            case HI_DVPP_EPOLL_CTL_MOD:
                return control(epoll_fd, EPOLL_CTL_MOD, fd, event);
            case HI_DVPP_EPOLL_CTL_DEL:
                return control(epoll_fd, EPOLL_CTL_DEL, fd, event);
            default:
                return fail(himpi(HI_ERR_SYS_ILLEGAL_PARAM),
                            "operation %d: want 1 (add), 2 (change) or 3 (take out)", operation);
        }
    });
}

hi_s32 hi_mpi_sys_wait_epoll(hi_s32 epoll_fd, hi_dvpp_epoll_event *events, hi_s32 max_events,
                             hi_s32 timeout, hi_s32 *event_num) {
    return guarded(__func__, [&] {
        SOFTNPU_CHECK(check_instance(epoll_fd));
        SOFTNPU_CHECK(check_pointer(events, "events"));
        SOFTNPU_CHECK(check_pointer(event_num, "event_num"));
        if (max_events <= 0 || timeout < -1) {
            return fail(himpi(HI_ERR_SYS_ILLEGAL_PARAM),
                        "max_events %d, timeout %d: want a positive number, and -1 or more",
                        max_events, timeout);
        }
        std::vector<epoll_event> got(static_cast<size_t>(std::min(max_events, 1024)));
        const int count = wait_on(epoll_fd, got, timeout);
        if (count < 0) return fail(himpi(HI_ERR_SYS_ERR), "epoll: %s", std::strerror(errno));
        for (int i = 0; i < count; ++i) {
            events[i].events = from_linux(got[static_cast<size_t>(i)].events);
            events[i].data = got[static_cast<size_t>(i)].data.ptr;
        }
        *event_num = count;
        return HI_SUCCESS;
    });
}

}  // extern "C"
