#include "tests/guest/probe_run.h"

#include "controllers/guest/probe/embedded.h"
#include "tests/guest/temp_folder.h"

#include <fcntl.h>
#include <net/if.h>
#include <poll.h>
#include <sched.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstring>
#include <sstream>
#include <vector>

namespace {

std::vector<std::string> split(const std::string& text) {
    std::istringstream stream(text);
    std::vector<std::string> words;
    for (std::string word; stream >> word;) words.push_back(word);
    return words;
}

void drain(int out, int err, ProbeRun& run) {
    pollfd polled[2] = {{out, POLLIN, 0}, {err, POLLIN, 0}};
    std::string* to[2] = {&run.out, &run.err};
    for (int open = 2; open > 0;) {
        poll(polled, 2, -1);
        for (int i = 0; i < 2; ++i) {
            char bytes[4096];
            if (polled[i].fd < 0 || polled[i].revents == 0) continue;
            ssize_t got = read(polled[i].fd, bytes, sizeof bytes);
            if (got > 0)
                to[i]->append(bytes, static_cast<std::size_t>(got));
            else
                polled[i].fd = -1, --open;
        }
    }
}

}  // namespace

bool own_network(bool loopback) {
    int flags = geteuid() == 0 ? CLONE_NEWNET : CLONE_NEWNET | CLONE_NEWUSER;
    if (unshare(flags) != 0) return false;
    if (!loopback) return true;
    int fd = socket(AF_INET, SOCK_DGRAM, 0);
    ifreq request = {};
    std::strcpy(request.ifr_name, "lo");
    request.ifr_flags = IFF_UP;
    return ioctl(fd, SIOCSIFFLAGS, &request) == 0 && close(fd) == 0;
}

ProbeRun run_probe(const std::string& arguments, const std::string& input, const std::function<bool()>& setup) {
    TempFolder folder;
    std::string path = folder.file("probe");
    write_file(path, std::string(bottle::embedded_probe()));
    std::filesystem::permissions(path, std::filesystem::perms::owner_all);
    std::vector<std::string> words = split(arguments);
    std::vector<char*> argv{path.data()};
    for (std::string& word : words) argv.push_back(word.data());
    argv.push_back(nullptr);

    int in[2], out[2], err[2];
    if (pipe2(in, O_CLOEXEC) != 0 || pipe2(out, O_CLOEXEC) != 0 || pipe2(err, O_CLOEXEC) != 0) return {};
    pid_t child = fork();
    if (child == 0) {
        if (setup && !setup()) _exit(99);
        dup2(in[0], 0);
        dup2(out[1], 1);
        dup2(err[1], 2);
        char* environment[] = {nullptr};
        execve(argv[0], argv.data(), environment);
        _exit(98);
    }
    close(in[0]);
    close(out[1]);
    close(err[1]);
    // Small enough for the pipe's buffer. Left open until the end: an agent may do that, too.
    bool written = write(in[1], input.data(), input.size()) == static_cast<ssize_t>(input.size());
    ProbeRun run;
    drain(out[0], err[0], run);
    for (int fd : {in[1], out[0], err[0]}) close(fd);
    int status = 0;
    waitpid(child, &status, 0);
    run.exit_code = written && WIFEXITED(status) ? WEXITSTATUS(status) : -1;
    run.file_gone = !std::filesystem::exists(path);
    return run;
}

std::map<std::string, std::string> outcomes(const ProbeRun& run, const std::string& nonce) {
    std::map<std::string, std::string> found;
    std::istringstream lines(run.out);
    for (std::string line; std::getline(lines, line);) {
        std::istringstream words(line);
        std::string first, id, rest;
        words >> first >> id;
        std::getline(words >> std::ws, rest);
        if (first == nonce) found[id] = rest;
    }
    return found;
}
