#include "softnpu/core/counters.hpp"

#include "softnpu/core/context.hpp"
#include "softnpu/stream/event.hpp"
#include "softnpu/stream/notify.hpp"
#include "softnpu/stream/stream.hpp"

namespace softnpu {
namespace {

struct Named {
    const char *name;
    Counters::Value Counters::*value;
};

#define SOFTNPU_NAMED(name) {#name, &Counters::name},
constexpr Named kCounters[] = {SOFTNPU_CUMULATIVE_COUNTERS(SOFTNPU_NAMED)
                                   SOFTNPU_LIVE_COUNTERS(SOFTNPU_NAMED)};
#undef SOFTNPU_NAMED

}  // namespace

void Counters::reset() noexcept {
#define SOFTNPU_ZERO(name) name.store(0, std::memory_order_relaxed);
    SOFTNPU_CUMULATIVE_COUNTERS(SOFTNPU_ZERO)
#undef SOFTNPU_ZERO
}

Counters &counters() noexcept {
    static auto *instance = new Counters;  // workers may count while static objects die
    return *instance;
}

size_t counter_count() noexcept {
    return sizeof kCounters / sizeof kCounters[0];
}

const char *counter_name(size_t index) noexcept {
    return index < counter_count() ? kCounters[index].name : nullptr;
}

uint64_t counter_value(size_t index) noexcept {
    if (index >= counter_count()) return 0;
    const auto value = kCounters[index].value;
    // Valid handles, not objects: a worker may hold an object a moment longer than its handle
    // lives.
    if (value == &Counters::live_contexts) return context_table().live();
    if (value == &Counters::live_streams) return stream_table().live();
    if (value == &Counters::live_events) return event_table().live();
    if (value == &Counters::live_notifies) return notify_table().live();
    return (counters().*value).load(std::memory_order_relaxed);
}

}  // namespace softnpu
