#include "cli/external_diff.h"

#include "controllers/process/process_runner.h"
#include "manifests/error.h"
#include "manifests/yaml_text.h"

#include <fmt/format.h>

#include <fcntl.h>
#include <spawn.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <sstream>

namespace bottle {
namespace {

namespace fs = std::filesystem;

constexpr const char* kSeen = "observed";
constexpr const char* kWanted = "desired";
constexpr const char* kDiff = "/usr/bin/diff";

/// Two folders of files that only we can read; gone with it.
class Folders {
public:
    explicit Folders(const std::vector<ResourceDocument>& documents) {
        std::string name = (fs::temp_directory_path() / "bottle-diff.XXXXXX").string();
        if (mkdtemp(name.data()) == nullptr) throw Error(Exit::Failed, fmt::format("cannot make a folder for the diff: {}", std::strerror(errno)));
        path_ = name;
        for (const auto* side : {kSeen, kWanted}) fs::create_directory(path_ / side);
        for (const auto& document : documents) {
            write(kSeen, document.name, document.seen);
            write(kWanted, document.name, document.wanted);
        }
    }
    ~Folders() {
        std::error_code ignored;
        fs::remove_all(path_, ignored);
    }
    Folders(const Folders&) = delete;
    Folders& operator=(const Folders&) = delete;

    std::string path() const { return path_; }

private:
    void write(const char* side, const std::string& name, const nlohmann::ordered_json& document) const {
        if (document.is_null()) return;
        std::ofstream file(path_ / side / (name + ".yaml"), std::ios::binary);
        file << yaml_text(document);
        if (!file.flush()) throw Error(Exit::Failed, "cannot write the files for the diff: " + path());
    }

    fs::path path_;
};

Error failed(const std::string& program, const std::string& how) {
    return Error(Exit::Precondition, fmt::format("the program for the diff, {}, {}", printable(program), how), "BOTTLE_EXTERNAL_DIFF names another; without it diff(1) is used");
}

std::vector<std::string> words_of(const std::string& text) {
    std::vector<std::string> words;
    std::istringstream stream(text);
    for (std::string word; stream >> word;) words.push_back(word);
    return words;
}

/// Ctrl-C is the program's, as in system(3): it may be a viewer.
class InterruptsIgnored {
public:
    InterruptsIgnored() {
        struct sigaction ignore {};
        ignore.sa_handler = SIG_IGN;
        sigaction(SIGINT, &ignore, &interrupt_);
        sigaction(SIGQUIT, &ignore, &quit_);
    }
    ~InterruptsIgnored() {
        sigaction(SIGINT, &interrupt_, nullptr);
        sigaction(SIGQUIT, &quit_, nullptr);
    }
    InterruptsIgnored(const InterruptsIgnored&) = delete;
    InterruptsIgnored& operator=(const InterruptsIgnored&) = delete;

private:
    struct sigaction interrupt_ {};
    struct sigaction quit_ {};
};

/// On our own terminal, with our own environment. Its exit code, or 128 and a signal.
int run_in_foreground(const std::vector<std::string>& words) {
    std::vector<char*> argv;
    for (const auto& word : words) argv.push_back(const_cast<char*>(word.c_str()));
    argv.push_back(nullptr);
    posix_spawnattr_t attributes;
    posix_spawnattr_init(&attributes);
    sigset_t usual;
    sigemptyset(&usual);
    for (const int number : {SIGINT, SIGQUIT, SIGPIPE}) sigaddset(&usual, number);
    posix_spawnattr_setsigdefault(&attributes, &usual);
    posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETSIGDEF);
    const InterruptsIgnored ignored;
    pid_t child = 0;
    const int error = posix_spawnp(&child, argv.front(), nullptr, &attributes, argv.data(), environ);
    posix_spawnattr_destroy(&attributes);
    if (error != 0) throw failed(words.front(), fmt::format("could not be started: {}", std::strerror(error)));
    int status = 0;
    while (waitpid(child, &status, 0) < 0 && errno == EINTR) {
    }
    return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

void run_external(const std::string& external, const Folders& folders) {
    auto words = words_of(external);
    const auto program = words.front();
    words.push_back(folders.path() + "/" + kSeen);
    words.push_back(folders.path() + "/" + kWanted);
    const int code = run_in_foreground(words);
    if (code > 1) throw failed(program, fmt::format("ended with {}", code));
}

std::string run_diff(const Folders& folders) {
    SystemProcessRunner runner;
    ProcessRequest request;
    request.argv = {kDiff, "-u", "-N", "-r", kSeen, kWanted};
    request.environment = {"LC_ALL=C.UTF-8", "TZ=UTC"};
    request.working_folder = folders.path();
    request.output_cap = 64 << 20;
    const auto result = runner.run(request);
    if (result.end != ProcessResult::End::Exited || result.code > 1) throw failed(kDiff, describe(result));
    return result.out;
}

Tone tone_of(const std::string& line) {
    switch (line.empty() ? ' ' : line.front()) {
        case '+': return Tone::Good;
        case '-': return Tone::Bad;
        case '@': return Tone::Doubt;
        default: return Tone::Plain;
    }
}

}  // namespace

std::string tidy_diff(const std::string& printed, const Screen& screen) {
    std::string text;
    std::istringstream lines(printed);
    for (std::string line; std::getline(lines, line);) {
        if (line.starts_with("diff -u ")) continue;
        const bool names_file = line.starts_with("--- ") || line.starts_with("+++ ");
        if (names_file) line = line.substr(0, line.find('\t'));
        text += screen.paint(names_file ? Tone::Plain : tone_of(line), printable(line)) + "\n";
    }
    return text;
}

std::string unified_diff(const std::vector<ResourceDocument>& documents, const std::string& external, const Screen& screen) {
    if (documents.empty()) return {};
    const Folders folders(documents);
    if (words_of(external).empty()) return tidy_diff(run_diff(folders), screen);
    run_external(external, folders);
    return {};
}

}  // namespace bottle
