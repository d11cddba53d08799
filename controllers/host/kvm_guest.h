#pragma once

#include <string>

namespace bottle {

/// Makes a virtual machine of one processor and one page on /dev/kvm, with the one instruction HLT in it, and runs it: a device that is there and starts
/// no guest (a virtual host without nested virtualization) is told from one that does. In a process of its own, which has 10 seconds.
/// Empty: the guest ran and halted; else why not, in words. On another processor than x86-64 nothing is tried, and it says so.
std::string try_kvm_guest(const std::string& device = "/dev/kvm");

}  // namespace bottle
