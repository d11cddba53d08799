#include "guest.h"

#include "records.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <signal.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <netinet/in.h>
#include <poll.h>
#include <sched.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstddef>
#include <cstring>
#include <fstream>

namespace stand_in {
namespace {

void write_to(const char* path, const std::string& text) {
    if (!(std::ofstream(path) << text << std::flush)) throw Failure{"SMOLVM_ERROR", std::string("cannot write ") + path};
}

/// Asks for connect and listen; every other call is the kernel's. The supervisor has the descriptor that is returned.
int install_filter() {
    sock_filter filter[] = {
        BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(seccomp_data, nr)),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_connect, 1, 0),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_listen, 0, 1),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_USER_NOTIF),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
    };
    const sock_fprog program{sizeof filter / sizeof *filter, filter};
    if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0) return -1;
    return static_cast<int>(syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, SECCOMP_FILTER_FLAG_NEW_LISTENER, &program));
}

/// A message of one byte, with room for one descriptor beside it.
struct DescriptorMessage {
    char byte = 0;
    iovec data{&byte, 1};
    alignas(cmsghdr) char control[CMSG_SPACE(sizeof(int))] = {};
    msghdr message{};

    DescriptorMessage() {
        message.msg_iov = &data;
        message.msg_iovlen = 1;
        message.msg_control = control;
        message.msg_controllen = sizeof control;
    }
    DescriptorMessage(const DescriptorMessage&) = delete;
    DescriptorMessage& operator=(const DescriptorMessage&) = delete;
};

void send_descriptor(int to, int fd) {
    DescriptorMessage sent;
    auto* header = CMSG_FIRSTHDR(&sent.message);
    header->cmsg_level = SOL_SOCKET;
    header->cmsg_type = SCM_RIGHTS;
    header->cmsg_len = CMSG_LEN(sizeof fd);
    std::memcpy(CMSG_DATA(header), &fd, sizeof fd);
    if (sendmsg(to, &sent.message, 0) != 1) _exit(126);
}

int receive_descriptor(int from) {
    DescriptorMessage received;
    int fd = -1;
    if (recvmsg(from, &received.message, MSG_CMSG_CLOEXEC) != 1) return -1;
    const auto* header = CMSG_FIRSTHDR(&received.message);
    if (header != nullptr && header->cmsg_type == SCM_RIGHTS) std::memcpy(&fd, CMSG_DATA(header), sizeof fd);
    return fd;
}

[[noreturn]] void be_guest(const std::string& root, int supervisor, const std::vector<std::string>& command) {
    const auto uid = geteuid();
    const auto gid = getegid();
    if (unshare(CLONE_NEWUSER | CLONE_NEWNS) != 0) {
        std::perror("stand-in guest: unshare");
        _exit(126);
    }
    write_to("/proc/self/setgroups", "deny");
    write_to("/proc/self/uid_map", "0 " + std::to_string(uid) + " 1");
    write_to("/proc/self/gid_map", "0 " + std::to_string(gid) + " 1");
    // Every guest has one.
    const auto null = root + "/dev/null";
    close(open(null.c_str(), O_WRONLY | O_CREAT | O_CLOEXEC, 0666));
    if (mount("/dev/null", null.c_str(), nullptr, MS_BIND, nullptr) != 0) _exit(126);
    if (chroot(root.c_str()) != 0 || chdir("/") != 0) _exit(126);
    // What runs in a guest ends with smolvm's client, however that ends (1.32.2).
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    send_descriptor(supervisor, install_filter());
    close(supervisor);
    std::vector<char*> argv;
    for (const auto& word : command) argv.push_back(const_cast<char*>(word.c_str()));
    argv.push_back(nullptr);
    execvp(argv[0], argv.data());
    _exit(127);
}

/// The address that the call names, as the guest has it in its memory.
bool allowed(const seccomp_notif& asked, const std::vector<std::string>& list) {
    sockaddr_storage address{};
    iovec ours{&address, std::min<std::size_t>(asked.data.args[2], sizeof address)};
    // A number of the other process's memory: nothing here is reached by it.
    iovec theirs{reinterpret_cast<void*>(asked.data.args[1]), ours.iov_len};  // NOLINT(performance-no-int-to-ptr)
    if (process_vm_readv(static_cast<pid_t>(asked.pid), &ours, 1, &theirs, 1, 0) < static_cast<ssize_t>(sizeof(sa_family_t))) return false;
    if (address.ss_family == AF_UNIX) return true;
    if (address.ss_family != AF_INET) return false;
    char text[INET_ADDRSTRLEN] = {};
    inet_ntop(AF_INET, &reinterpret_cast<const sockaddr_in&>(address).sin_addr, text, sizeof text);
    return std::find(list.begin(), list.end(), std::string(text) + "/32") != list.end();
}

/// A socket that listens where nobody else is: in a network namespace of its own.
int native_listener() {
    int ends[2] = {-1, -1};
    if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) != 0) return -1;
    const pid_t child = fork();
    if (child == 0) {
        if (unshare(CLONE_NEWUSER | CLONE_NEWNET) != 0) _exit(126);
        const int fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
        if (fd < 0 || listen(fd, 1) != 0) _exit(126);
        send_descriptor(ends[1], fd);
        _exit(0);
    }
    close(ends[1]);
    const int fd = receive_descriptor(ends[0]);
    close(ends[0]);
    waitpid(child, nullptr, 0);
    return fd;
}

/// Puts it in the place of the guest's own socket, which is then closed.
bool listen_natively(int listener, const seccomp_notif& asked) {
    const int fd = native_listener();
    if (fd < 0) return false;
    seccomp_notif_addfd put{};
    put.id = asked.id;
    put.flags = SECCOMP_ADDFD_FLAG_SETFD;
    put.srcfd = static_cast<__u32>(fd);
    put.newfd = static_cast<__u32>(asked.data.args[0]);
    put.newfd_flags = O_CLOEXEC;
    const bool good = ioctl(listener, SECCOMP_IOCTL_NOTIF_ADDFD, &put) >= 0;
    close(fd);
    return good;
}

void answer(int listener, const std::vector<std::string>& list, const std::string& leaks) {
    seccomp_notif asked{};
    if (ioctl(listener, SECCOMP_IOCTL_NOTIF_RECV, &asked) != 0) return;
    seccomp_notif_resp reply{};
    reply.id = asked.id;
    if (asked.data.nr == SYS_listen) {
        if (leaks == "listen") reply.flags = SECCOMP_USER_NOTIF_FLAG_CONTINUE;
        else if (!listen_natively(listener, asked)) reply.error = -EACCES;
    } else if (leaks == "connect" || allowed(asked, list)) {
        reply.flags = SECCOMP_USER_NOTIF_FLAG_CONTINUE;
    } else {
        reply.error = -EACCES;
    }
    ioctl(listener, SECCOMP_IOCTL_NOTIF_SEND, &reply);
}

}  // namespace

int run_in_guest(const std::string& root, const std::vector<std::string>& list, const std::string& leaks, const std::vector<std::string>& command,
                 const std::function<bool()>& vmm_lives) {
    int ends[2] = {-1, -1};
    if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) != 0) return 126;
    const pid_t child = fork();
    if (child == 0) {
        close(ends[0]);
        try {
            be_guest(root, ends[1], command);
        } catch (const Failure& failure) {
            std::fprintf(stderr, "stand-in guest: %s\n", failure.message.c_str());
            _exit(126);
        }
    }
    close(ends[1]);
    const int listener = receive_descriptor(ends[0]);
    for (;;) {
        int status = 0;
        if (waitpid(child, &status, WNOHANG) == child) return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
        if (!vmm_lives()) kill(child, SIGKILL);
        pollfd waiting{listener, POLLIN, 0};
        constexpr int kPatience = 50;
        if (poll(&waiting, 1, kPatience) > 0 && (waiting.revents & POLLIN) != 0) answer(listener, list, leaks);
    }
}

}  // namespace stand_in
