// Detection of fork(): a child of a process that runs the device has none of its threads.
#pragma once

namespace softnpu {

/// The runtime has threads or mappings from now on: children forked later are refused.
void note_started() noexcept;

}  // namespace softnpu
