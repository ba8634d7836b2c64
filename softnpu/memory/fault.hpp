// Explains a touch of device memory by the host in discrete mode before the process dies of it.
#pragma once

namespace softnpu {

/// Installs a SIGSEGV handler in front of the one there. Called once, in discrete mode only.
void install_fault_handler() noexcept;

}  // namespace softnpu
