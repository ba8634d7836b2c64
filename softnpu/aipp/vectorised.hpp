// How the kernels of AIPP are compiled: loops that the compiler turns into vectors.
#pragma once

// Without traps the compiler may compute both sides of a choice between floats.
#if defined(__x86_64__) && !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__)
#define SOFTNPU_VECTORISED \
    __attribute__((target_clones("avx2", "default"), optimize("O3", "no-trapping-math")))
#else
#define SOFTNPU_VECTORISED __attribute__((optimize("O3", "no-trapping-math")))
#endif
