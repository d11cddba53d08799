#pragma once

#include <grp.h>
#include <sys/wait.h>
#include <unistd.h>

#include <exception>

inline constexpr unsigned kNobody = 65534;

/// In a child before exec: root becomes a user like any other, in no group of root's.
inline bool become_nobody() {
    return setgroups(0, nullptr) == 0 && setresgid(kNobody, kNobody, kNobody) == 0 &&
           setresuid(kNobody, kNobody, kNobody) == 0;
}

/// Whether `work` returns true in a child that is no root. (Tests run as root.)
template <class Work>
bool true_as_user(Work work) {
    const pid_t child = fork();
    if (child == 0) {
        bool good = false;
        try {
            good = become_nobody() && work();
        } catch (const std::exception&) {
        }
        _exit(good ? 0 : 1);
    }
    int status = 0;
    return waitpid(child, &status, 0) == child && WIFEXITED(status) && WEXITSTATUS(status) == 0;
}
