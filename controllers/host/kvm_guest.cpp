#include "controllers/host/kvm_guest.h"

#include "controllers/guest/guest_files.h"

#include <fmt/format.h>

#include <fcntl.h>
#include <linux/kvm.h>
#include <poll.h>
#include <signal.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

namespace bottle {
namespace {

constexpr int kSeconds = 10;

#ifdef __x86_64__

constexpr std::size_t kPage = 4096;
constexpr std::uint64_t kGuestAddress = 0x1000;
constexpr unsigned char kHalt = 0xf4;

std::string failed(const char* what) {
    return fmt::format("{}: {}", what, std::strerror(errno));
}

/// Real mode, all registers 0 but the instruction pointer (Documentation/virt/kvm/api.rst of the kernel).
std::string set_registers(int processor) {
    kvm_sregs segments{};
    if (ioctl(processor, KVM_GET_SREGS, &segments) != 0) return failed("KVM_GET_SREGS");
    segments.cs.base = 0;
    segments.cs.selector = 0;
    if (ioctl(processor, KVM_SET_SREGS, &segments) != 0) return failed("KVM_SET_SREGS");
    kvm_regs registers{};
    registers.rip = kGuestAddress;
    constexpr std::uint64_t kAlwaysOne = 0x2;
    registers.rflags = kAlwaysOne;
    return ioctl(processor, KVM_SET_REGS, &registers) == 0 ? std::string() : failed("KVM_SET_REGS");
}

std::string run_guest(const std::string& device) {
    const Fd kvm(open(device.c_str(), O_RDWR | O_CLOEXEC));
    if (!kvm.valid()) return failed("it cannot be opened");
    if (const int version = ioctl(kvm.get(), KVM_GET_API_VERSION, 0); version != KVM_API_VERSION) return fmt::format("its API has version {}, not {}", version, KVM_API_VERSION);
    const Fd machine(ioctl(kvm.get(), KVM_CREATE_VM, 0));
    if (!machine.valid()) return failed("KVM_CREATE_VM");
    auto* memory = static_cast<unsigned char*>(mmap(nullptr, kPage, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0));
    if (memory == MAP_FAILED) return failed("a page of memory");
    *memory = kHalt;
    kvm_userspace_memory_region region{0, 0, kGuestAddress, kPage, reinterpret_cast<std::uint64_t>(memory)};
    if (ioctl(machine.get(), KVM_SET_USER_MEMORY_REGION, &region) != 0) return failed("KVM_SET_USER_MEMORY_REGION");
    const Fd processor(ioctl(machine.get(), KVM_CREATE_VCPU, 0));
    if (!processor.valid()) return failed("KVM_CREATE_VCPU");
    const int size = ioctl(kvm.get(), KVM_GET_VCPU_MMAP_SIZE, 0);
    if (size < static_cast<int>(sizeof(kvm_run))) return failed("KVM_GET_VCPU_MMAP_SIZE");
    auto* state = static_cast<kvm_run*>(mmap(nullptr, static_cast<std::size_t>(size), PROT_READ | PROT_WRITE, MAP_SHARED, processor.get(), 0));
    if (state == MAP_FAILED) return failed("the processor's state");
    if (auto problem = set_registers(processor.get()); !problem.empty()) return problem;
    if (ioctl(processor.get(), KVM_RUN, 0) != 0) return failed("KVM_RUN");
    return state->exit_reason == KVM_EXIT_HLT ? std::string() : fmt::format("a guest of one HLT ended with exit reason {}", state->exit_reason);
}

#else

std::string run_guest(const std::string&) {
    return "not tried: only known for x86-64";
}

#endif

}  // namespace

std::string try_kvm_guest(const std::string& device) {
    int ends[2] = {-1, -1};
    if (pipe2(ends, O_CLOEXEC) != 0) return std::strerror(errno);
    const Fd from(ends[0]);
    Fd to(ends[1]);
    const pid_t child = fork();
    if (child == 0) {
        const auto problem = run_guest(device);
        _exit(write_all(to.get(), problem) && problem.empty() ? 0 : 1);
    }
    if (child < 0) return std::strerror(errno);
    to.reset();
    std::string said;
    pollfd wait{from.get(), POLLIN, 0};
    const bool ended = poll(&wait, 1, kSeconds * 1000) == 1;
    if (!ended) kill(child, SIGKILL);
    char bytes[512];
    if (const auto got = read(from.get(), bytes, sizeof bytes); got > 0) said.assign(bytes, static_cast<std::size_t>(got));
    int status = 0;
    while (waitpid(child, &status, 0) < 0 && errno == EINTR) {
    }
    if (!ended) return fmt::format("a guest of one HLT did not end in {} s", kSeconds);
    if (WIFEXITED(status) && WEXITSTATUS(status) == 0) return {};
    return said.empty() ? std::string("the process that tried it died") : said;
}

}  // namespace bottle
