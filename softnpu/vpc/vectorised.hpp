// Loops that the compiler turns into vector code; with AVX2 where the machine has it.
#pragma once

#if defined(__x86_64__) && !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__)
#define SOFTNPU_VECTORISED __attribute__((target_clones("avx2", "default"), optimize("O3")))
#else
#define SOFTNPU_VECTORISED __attribute__((optimize("O3")))
#endif
