#include "controllers/state/file_lock.h"
#include "controllers/state/state_store.h"
#include "reconciler/alias.h"

#include "tests/guest/temp_folder.h"
#include "tests/state/raised.h"

#include <catch2/catch.hpp>

#include <fmt/format.h>
#include <sys/file.h>
#include <sys/wait.h>
#include <fcntl.h>
#include <unistd.h>

#include <set>
#include <vector>

using namespace bottle;

// Addresses of the loopback, as an apply takes them: the choice and the record under one exclusive lock.
namespace {

constexpr std::chrono::seconds kPatience{60};

Allocation taken(const std::string& folder, int number) {
    const auto bottle = fmt::format("bottle-{}", number);
    const FileLock lock(folder + "/locks/allocations", kPatience);
    StateStore store(folder + "/state.db");
    std::string problem;
    const auto alias = lowest_alias(bottle, DockerView{}, store.read(bottle), problem);
    if (!alias) throw Error(Exit::Precondition, problem);
    Allocation allocation{fmt::format("10.231.0.{}/29", number * 8), "", geteuid() == 0 ? 2'900'000 + number : 0, *alias};
    store.reserve(bottle, allocation);
    return allocation;
}

bool free_for(const std::string& path, int kind) {
    const int fd = open(path.c_str(), O_RDWR | O_CLOEXEC);
    const bool got = flock(fd, kind | LOCK_NB) == 0;
    close(fd);
    return got;
}

}  // namespace

TEST_CASE("alias: the lock of allocations is exclusive: who holds it keeps readers and writers of it out") {
    const TempFolder top;
    const auto path = top.file("allocations");
    {
        const FileLock lock(path, kPatience);
        CHECK_FALSE(free_for(path, LOCK_EX));
        CHECK_FALSE(free_for(path, LOCK_SH));
    }
    CHECK(free_for(path, LOCK_EX));
}

TEST_CASE("alias: one bottle after the other takes the next, and what is given back is taken again") {
    const TempFolder top;
    const auto folder = top.file("state");
    CHECK(taken(folder, 1).alias == "127.0.0.16");
    CHECK(taken(folder, 2).alias == "127.0.0.17");
    StateStore(folder + "/state.db").forget("bottle-1");
    CHECK(taken(folder, 3).alias == "127.0.0.16");
}

TEST_CASE("alias: processes that take one at the same moment all get another, and the seventeenth is told who has them") {
    const TempFolder top;
    const auto folder = top.file("state");
    constexpr int kMany = 16;
    std::vector<pid_t> children;
    for (int i = 0; i < kMany; ++i) {
        const pid_t child = fork();
        if (child == 0) {
            bool good = false;
            try {
                good = !taken(folder, i).alias.empty();
            } catch (const Error&) {
            }
            _exit(good ? 0 : 1);
        }
        children.push_back(child);
    }
    for (const auto child : children) {
        int status = 1;
        CHECK(waitpid(child, &status, 0) == child);
        CHECK(status == 0);
    }
    std::set<std::string> aliases;
    for (const auto& [bottle, allocation] : StateStore(folder + "/state.db").allocations()) aliases.insert(allocation.alias);
    CHECK(aliases.size() == kMany);
    CHECK(raised([&] { taken(folder, kMany); }).find("3: no address is left from 127.0.0.16 to 127.0.0.31 for mode tsi-loopback: 127.0.0.16 by bottle bottle-") == 0);
}
