#include "softnpu/memory/fault.hpp"

#include <signal.h>
#include <unistd.h>

#include <cstddef>
#include <cstdint>
#include <cstring>

#include "softnpu/memory/arena.hpp"
#include "softnpu/memory/range.hpp"

namespace softnpu {
namespace {

struct sigaction g_previous;

/// Builds a line without anything that is unsafe in a signal handler.
class Line {
  public:
    Line &text(const char *text) {
        while (*text != '\0' && length_ < sizeof buffer_) buffer_[length_++] = *text++;
        return *this;
    }
    Line &number(uint64_t value, unsigned base = 10) {
        char digits[20];
        size_t count = 0;
        do {
            digits[count++] = "0123456789abcdef"[value % base];
            value /= base;
        } while (value != 0);
        while (count > 0 && length_ < sizeof buffer_) buffer_[length_++] = digits[--count];
        return *this;
    }
    Line &address(uintptr_t value) { return text("0x").number(value, 16); }
    void print() {
        if (write(STDERR_FILENO, buffer_, length_) < 0) return;  // nothing left to tell it to
    }

  private:
    char buffer_[1024];
    size_t length_ = 0;
};

void explain(uintptr_t address) {
    Line line;
    line.text("softnpu: the host touched device memory at ").address(address);
    Allocation entry;
    bool freed = false;
    Arena *arena = arena_of(reinterpret_cast<void *>(address));
    if (arena != nullptr && arena->try_find(address, entry, freed)) {
        line.text(": byte ").number(address - entry.address).text(" of the buffer ");
        line.address(entry.address).text(" (").number(entry.requested).text(" bytes by ");
        line.text(entry.function).text(" on device ").number(static_cast<uint64_t>(entry.device));
        line.text(freed ? ", freed since)" : ")");
    } else {
        line.text(", which belongs to no live buffer");
    }
    line.text(
        ".\nsoftnpu: in discrete mode (SOFTNPU_MODE=discrete) device memory is not readable by the "
        "host, as on a PCIe card; copy it with aclrtMemcpy (af.copy, upload, download), or use "
        "aclrtMallocHost memory on the host side.\n");
    line.print();
}

/// A fault of ours is explained, then the previous handler is put back: the instruction faults
/// again and the process dies, or is handled, as it would have been without us. Other faults are
/// passed on.
void on_fault(int signal, siginfo_t *info, void *machine) {
    const DeviceRanges *ranges = device_ranges_if_any();
    if (ranges != nullptr && info->si_code == SEGV_ACCERR && ranges->contains(info->si_addr)) {
        explain(reinterpret_cast<uintptr_t>(info->si_addr));
    } else if ((g_previous.sa_flags & SA_SIGINFO) != 0) {
        g_previous.sa_sigaction(signal, info, machine);
        return;
    }
    sigaction(signal, &g_previous, nullptr);
    if (info->si_code <= 0) raise(signal);  // sent by kill(): nothing will fault again
}

}  // namespace

void install_fault_handler() noexcept {
    struct sigaction action;
    std::memset(&action, 0, sizeof action);
    action.sa_sigaction = on_fault;
    action.sa_flags = SA_SIGINFO | SA_ONSTACK;
    sigemptyset(&action.sa_mask);
    sigaction(SIGSEGV, &action, &g_previous);
}

}  // namespace softnpu
