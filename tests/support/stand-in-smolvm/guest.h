#pragma once

#include <functional>
#include <string>
#include <vector>

// A guest on TSI, as far as one is needed without a virtual machine: a process of this host in a copy of the machine's root file system, root in a
// user namespace of its own, whose sockets are the host's, as a guest's are on TSI. What smolvm 0.8.0 to 1.1.2 is said to do with them in the VMM
// (source), seccomp does here: a connection to an address that is not on the list is refused with EACCES, and a listener is not one on the host.
// It shows what bottle makes of such a guest. It says nothing about what the real ones enforce.
namespace stand_in {

/// Runs the command in there and returns its exit code. `leaks`: as ordered by the test, "connect" (the list is not enforced), "listen" (a listener of
/// the guest's is one on the host), or nothing. Ends with the machine.
int run_in_guest(const std::string& root, const std::vector<std::string>& list, const std::string& leaks, const std::vector<std::string>& command,
                 const std::function<bool()>& vmm_lives);

}  // namespace stand_in
