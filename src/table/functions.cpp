#include "table/functions.hpp"

namespace aclfast {

const Function kFunctions[kFunctionCount] = {
#define ACLFAST_FUNCTION(name, library, required, since, params) \
    {#name, lib_##library, required, since, params},
#include "functions_gen.inc"
#undef ACLFAST_FUNCTION
};

const char *const kLibraries[kLibraryCount] = {
#define ACLFAST_LIBRARY(name) "lib" #name ".so",
#include "functions_gen.inc"
#undef ACLFAST_LIBRARY
};

}  // namespace aclfast
