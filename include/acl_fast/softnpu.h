/* softnpu's own C interface, exported by libascendcl.so: version, counters, what is implemented. */
#ifndef ACL_FAST_SOFTNPU_H_INCLUDED
#define ACL_FAST_SOFTNPU_H_INCLUDED

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif
#pragma GCC visibility push(default)

/* "major.minor.patch"; static storage. Present in softnpu only, so also the way to tell it from
 * CANN. */
const char *softnpuVersion(void);

/* Counters are numbered from 0 to softnpuCounterCount() - 1. Names starting with "live_" and
 * "worker_threads" say what exists now; all others grow until softnpuResetCounters(). Bytes are
 * counted by direction: bytes_h2h, bytes_h2d, bytes_d2h, bytes_d2d. Safe from any thread. */
size_t softnpuCounterCount(void);
const char *softnpuCounterName(size_t index); /* NULL beyond the end */
uint64_t softnpuCounterValue(size_t index);   /* 0 beyond the end */
void softnpuResetCounters(void);              /* zeroes what grows, leaves what lives */

/* Names of the unimplemented functions that were called, each once, static storage. Fills at most
 * `capacity` and returns how many there are. */
unsigned softnpuUnsupportedCalls(const char **names, unsigned capacity);

/* 1: `function` is only a stub here, 0: implemented, -1: libascendcl.so has no such function.
 * Every library of softnpu exports softnpu_is_stub(name) for its own functions. */
int softnpu_is_stub(const char *function);

/* The library behind a media engine and its version, as "libavcodec 59.37.100"; NULL when softnpu
 * has it not, which softnpuEngineProblem() says in a sentence, with how to get it (else NULL).
 * `kind` is "image", "scale" or "video". Static storage; opens the engine's library. */
const char *softnpuEngineVersion(const char *kind);
const char *softnpuEngineProblem(const char *kind);

/* 0 unified, 1 discrete. */
int softnpuMode(void);

#pragma GCC visibility pop
#ifdef __cplusplus
}
#endif

#endif
