// Marks what libascendcl.so and its siblings may use of libsoftnpu.so. Everything else stays
// hidden.
#pragma once

#define SOFTNPU_API __attribute__((visibility("default")))
