// What a slot holds when it does not hold the function itself.
#pragma once

#include "table/functions.hpp"

namespace aclfast {

/// Finds the library of a function and returns what its slot holds from then on.
void *resolve(Index index) noexcept;

/// Keeps the reason for aclfast_last_missing() of this thread.
void note_missing(Index index) noexcept;

/// Per function: loads its library, then passes the call on.
extern const aclfast_table kLazy;

/// Per function: notes why it is missing and returns the failure of its return type.
extern const aclfast_table kMissing;

/// A slot of a table as a plain pointer.
inline void *slot_of(const aclfast_table &table, unsigned index) noexcept {
    return reinterpret_cast<void *const *>(&table)[index];
}

}  // namespace aclfast
