// The functions of the interface as data: an index, a name and the facts of its row.
#pragma once

#include <cstddef>

#include "acl_fast/table.h"

namespace aclfast {

enum Library : unsigned {
#define ACLFAST_LIBRARY(name) lib_##name,
#include "functions_gen.inc"
#undef ACLFAST_LIBRARY
    kLibraryCount
};

enum Index : unsigned {
#define ACLFAST_FUNCTION(name, library, required, since, params) fn_##name,
#include "functions_gen.inc"
#undef ACLFAST_FUNCTION
    kFunctionCount
};

static_assert(sizeof(aclfast_table) == kFunctionCount * sizeof(void *), "one pointer per function");

struct Function {
    const char *name;
    Library library;
    bool required;
    const char *since;
    const char *params;  // names, separated by blanks
};

extern const Function kFunctions[kFunctionCount];
extern const char *const kLibraries[kLibraryCount];

constexpr Library kCore = lib_ascendcl;

}  // namespace aclfast
