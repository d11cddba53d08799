#pragma once

#include <fcntl.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <fstream>
#include <string>
#include <thread>
#include <vector>

/// A process of the test's own that does nothing but wait: /bin/sh with more arguments behind its program, so that it looks like another.
class Standin {
public:
    explicit Standin(const std::vector<std::string>& arguments, const std::vector<std::string>& environment = {}) {
        int ready[2] = {-1, -1};
        if (pipe2(hold_, O_CLOEXEC) != 0 || pipe2(ready, O_CLOEXEC) != 0) return;
        std::vector<std::string> words = {"/bin/sh", "-c", "read line"};
        words.insert(words.end(), arguments.begin(), arguments.end());
        auto argv = pointers(words);
        auto envp = pointers(environment);
        pid_ = fork();
        if (pid_ == 0) {
            dup2(hold_[0], 0);
            execve(argv[0], argv.data(), envp.data());
            _exit(127);
        }
        close(ready[1]);
        // Closed by exec: from here on it has the argv that it shall have.
        char none = 0;
        [[maybe_unused]] const auto count = read(ready[0], &none, 1);
        close(ready[0]);
    }
    ~Standin() {
        end();
        close(hold_[0]);
        close(hold_[1]);
    }
    Standin(const Standin&) = delete;
    Standin& operator=(const Standin&) = delete;

    pid_t pid() const { return pid_; }
    void kill_it() const { kill(pid_, SIGKILL); }
    void end() {
        if (pid_ <= 0) return;
        kill_it();
        waitpid(pid_, nullptr, 0);
        pid_ = -1;
    }

private:
    static std::vector<char*> pointers(const std::vector<std::string>& texts) {
        std::vector<char*> all;
        for (const auto& text : texts) all.push_back(const_cast<char*>(text.c_str()));
        all.push_back(nullptr);
        return all;
    }

    pid_t pid_ = -1;
    int hold_[2] = {-1, -1};
};

/// The state letter in /proc/PID/stat; 'gone' as '-'.
inline char process_state(pid_t pid) {
    std::ifstream stat("/proc/" + std::to_string(pid) + "/stat");
    std::string text;
    std::getline(stat, text);
    const auto end = text.rfind(')');
    return end == std::string::npos || end + 2 >= text.size() ? '-' : text[end + 2];
}

/// Waits until the process runs no more (a zombie of somebody else's counts); false after some seconds.
inline bool comes_to_an_end(pid_t pid) {
    for (int i = 0; i < 500; ++i) {
        const char state = process_state(pid);
        if (state == '-' || state == 'Z' || state == 'X') return true;
        std::this_thread::sleep_for(std::chrono::milliseconds(10));
    }
    return false;
}

/// The process was not killed: it still runs a moment later.
inline bool goes_on(pid_t pid) {
    std::this_thread::sleep_for(std::chrono::milliseconds(100));
    const char state = process_state(pid);
    return state == 'S' || state == 'R' || state == 'D';
}
