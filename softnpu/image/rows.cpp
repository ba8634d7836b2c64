// Chroma rows between their two layouts: loops that the compiler turns into vector code.
#include "softnpu/image/jpeg.hpp"

namespace softnpu::image {

__attribute__((optimize("O3"))) void interleave(const uint8_t *__restrict u,
                                                const uint8_t *__restrict v,
                                                uint8_t *__restrict out, size_t pairs) {
    for (size_t x = 0; x < pairs; ++x) {
        out[2 * x] = u[x];
        out[2 * x + 1] = v[x];
    }
}

__attribute__((optimize("O3"))) void separate(const uint8_t *__restrict pairs,
                                              uint8_t *__restrict u, uint8_t *__restrict v,
                                              size_t count) {
    for (size_t x = 0; x < count; ++x) {
        u[x] = pairs[2 * x];
        v[x] = pairs[2 * x + 1];
    }
}

}  // namespace softnpu::image
