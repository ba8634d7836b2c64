// A layer wraps functions of the table. It is spliced in by ACL_FAST_LAYERS and costs nothing else.
#pragma once

#include "table/functions.hpp"

namespace aclfast {

struct Layer {
    const char *name;

    /// Returns what the slot of a function is to hold, given what it would hold without the layer:
    /// `next` itself, or a function of the same type that calls `next` when it is done. Called once
    /// per function, before the slot is used, never twice at a time. May throw only bad_alloc.
    void *(*wrap)(Index index, void *next);
};

extern const Layer kTraceLayer;

/// The layers of ACL_FAST_LAYERS, outermost first. Returns false and the name that is unknown.
bool choose_layers(const char *&unknown) noexcept;

/// The names that ACL_FAST_LAYERS may hold, comma separated.
const char *known_layers() noexcept;

/// The names chosen, comma separated.
const char *chosen_layers() noexcept;

/// Passes one slot through the chosen layers.
void *wrap_slot(Index index, void *target);

}  // namespace aclfast
