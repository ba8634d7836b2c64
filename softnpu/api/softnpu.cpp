// softnpu's own C interface.
#include "acl_fast/softnpu.h"

#include "softnpu/core/config.hpp"
#include "softnpu/core/counters.hpp"
#include "softnpu/core/log.hpp"
#include "softnpu/dvpp/engines.hpp"

using namespace softnpu;

extern "C" {

const char *softnpuVersion(void) {
    return "0.1.0";
}

size_t softnpuCounterCount(void) {
    return counter_count();
}

const char *softnpuCounterName(size_t index) {
    return counter_name(index);
}

uint64_t softnpuCounterValue(size_t index) {
    return counter_value(index);
}

void softnpuResetCounters(void) {
    counters().reset();
}

unsigned softnpuUnsupportedCalls(const char **names, unsigned capacity) {
    return unsupported_calls(names, capacity);
}

const char *softnpuEngineVersion(const char *kind) {
    const char *version = kind != nullptr ? engine_version(kind) : "";
    return version[0] != 0 ? version : nullptr;
}

const char *softnpuEngineProblem(const char *kind) {
    const char *problem = kind != nullptr ? engine_problem(kind) : "NULL is no engine";
    return problem[0] != 0 ? problem : nullptr;
}

int softnpuMode(void) {
    return config().mode == Mode::unified ? 0 : 1;
}

}  // extern "C"
