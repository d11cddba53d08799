#include "controllers/guest/probe/place.h"

#include "controllers/guest/probe/sha256.h"

#include <fcntl.h>
#include <ftw.h>
#include <grp.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <cstring>

namespace probe {
namespace {

constexpr size_t kPath = 1024;
constexpr size_t kLine = 512;
constexpr mode_t kFolder = 0755;

struct User {
    uid_t uid = 0;
    gid_t gid = 0;
    char home[256] = "";
};

struct Header {
    bool executable = false;
    long size = 0;
    const char* path = nullptr;
};

bool fail(const char* what, const char* of) {
    fprintf(stderr, "bottle-probe: cannot %s %s: %s\n", what, of, strerror(errno));
    return false;
}

bool joined(char (&path)[kPath], const char* first, const char* between, const char* last) {
    const int length = snprintf(path, sizeof path, "%s%s%s", first, between, last);
    if (length > 0 && static_cast<size_t>(length) < sizeof path) return true;
    errno = ENAMETOOLONG;
    return fail("use", last);
}

/// By the guest's own file: a static program has no other way to ask.
bool find_user(const char* name, User& user) {
    // Not blocking: it may be anything.
    const int fd = open("/etc/passwd", O_RDONLY | O_NONBLOCK | O_CLOEXEC);
    FILE* passwd = fd < 0 ? nullptr : fdopen(fd, "r");
    if (passwd == nullptr) return fail("read", "/etc/passwd");
    char line[kLine];
    bool found = false;
    while (!found && fgets(line, sizeof line, passwd) != nullptr) {
        char* fields[7] = {};
        char* rest = line;
        for (auto& field : fields) field = strsep(&rest, ":\n");
        if (fields[6] == nullptr || strcmp(fields[0], name) != 0) continue;
        user.uid = static_cast<uid_t>(strtoul(fields[2], nullptr, 10));
        user.gid = static_cast<gid_t>(strtoul(fields[3], nullptr, 10));
        found = fields[5][0] == '/' && snprintf(user.home, sizeof user.home, "%s", fields[5]) < static_cast<int>(sizeof user.home);
    }
    fclose(passwd);
    if (!found) fprintf(stderr, "bottle-probe: /etc/passwd has no user %s with a home\n", name);
    return found;
}

/// Every folder above `path`. Links on the way are followed: as who this process is.
bool make_folders_above(const char* path) {
    char folder[kPath];
    if (!joined(folder, path, "", "")) return false;
    for (char* slash = strchr(folder + 1, '/'); slash != nullptr; slash = strchr(slash + 1, '/')) {
        *slash = '\0';
        if (mkdir(folder, kFolder) != 0 && errno != EEXIST) return fail("make", folder);
        *slash = '/';
    }
    return true;
}

int remove_one(const char* path, const struct stat*, int, FTW*) {
    return remove(path);
}

/// A link goes itself, never what it leads to.
bool remove_all(const char* path) {
    struct stat info = {};
    if (lstat(path, &info) != 0 && (errno == ENOENT || errno == ENOTDIR)) return true;
    constexpr int kDescriptors = 16;
    if (nftw(path, remove_one, kDescriptors, FTW_DEPTH | FTW_PHYS) == 0) return true;
    return fail("remove", path);
}

class Placing {
public:
    Placing(const char* nonce, const User& user, FILE* archive) : nonce_(nonce), user_(user), archive_(archive) {}

    bool write_all() {
        if (for_each([this](const char* name) { return begin(name); }, [this](const Header& header) { return write(header); }, [this] { return finish(); })) return true;
        // A half of a skill beside the others would be taken for one.
        if (fresh_[0] != '\0') remove_all(fresh_);
        return false;
    }

    bool look() {
        if (fseek(archive_, 0, SEEK_SET) != 0) return fail("read", "what is to be placed");
        return for_each([this](const char* name) { return begin_look(name); }, [this](const Header& header) { return look_at(header); }, [this] { return tell(); });
    }

    int count() const { return count_; }

private:
    /// `file` is called for each file of a place, with the archive at its content; it leaves the archive behind that.
    template <class Begin, class File, class End>
    bool for_each(Begin begin, File file, End end) {
        count_ = 0;
        char line[kLine];
        while (fgets(line, sizeof line, archive_) != nullptr) {
            line[strcspn(line, "\n")] = '\0';
            const bool first = strncmp(line, "place ", 6) == 0;
            const bool last = strcmp(line, "end") == 0;
            if ((first || last) && count_ > 0 && !end()) return false;
            if (last) return true;
            Header header;
            if (first) {
                ++count_;
                files_ = 0;
                if (!begin(line + 6)) return false;
            } else if (count_ == 0 || !read_header(line, header) || !file(header)) {
                fprintf(stderr, "bottle-probe: place %d is not whole\n", count_);
                return false;
            } else {
                ++files_;
            }
        }
        fputs("bottle-probe: what is to be placed has no end\n", stderr);
        return false;
    }

    static bool read_header(char* line, Header& header) {
        if (strncmp(line, "file x ", 7) != 0 && strncmp(line, "file - ", 7) != 0) return false;
        header.executable = line[5] == 'x';
        char* rest = nullptr;
        header.size = strtol(line + 7, &rest, 10);
        header.path = rest + 1;
        return header.size >= 0 && *rest == ' ';
    }

    bool resolve(const char* name) {
        if (name[0] == '/') return joined(place_, name, "", "");
        return name[0] == '~' && name[1] == '/' && become_user() && joined(place_, user_.home, name + 1, "");
    }

    bool become_user() {
        if (is_user_ || user_.uid == geteuid()) return true;
        if (!make_folders_above(user_.home)) return false;
        if (mkdir(user_.home, kFolder) == 0 && chown(user_.home, user_.uid, user_.gid) != 0) return fail("give away", user_.home);
        is_user_ = setgroups(1, &user_.gid) == 0 && setgid(user_.gid) == 0 && setuid(user_.uid) == 0;
        return is_user_ || fail("become the user of", user_.home);
    }

    bool begin(const char* name) {
        if (!resolve(name)) return false;
        // Beside it: a rename to another file system does not work.
        char* slash = strrchr(place_, '/');
        *slash = '\0';
        const bool fits = joined(fresh_, place_, "/.bottle-", nonce_);
        *slash = '/';
        return fits && make_folders_above(place_);
    }

    bool write(const Header& header) {
        char path[kPath];
        if (!path_of(fresh_, header, path) || !make_folders_above(path)) return false;
        const int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
        if (fd < 0) return fail("write", path);
        bool good = fchmod(fd, header.executable ? 0755 : 0644) == 0 && copy_content(header.size, [fd](const char* bytes, size_t size) { return ::write(fd, bytes, size) == static_cast<ssize_t>(size); });
        good = close(fd) == 0 && good;
        return good || fail("write", path);
    }

    bool finish() {
        if (!remove_all(place_)) return false;
        if (files_ == 0) return true;
        return rename(fresh_, place_) == 0 || fail("put in its place", place_);
    }

    bool begin_look(const char* name) {
        sha_ = Sha256();
        return resolve(name);
    }

    bool look_at(const Header& header) {
        char path[kPath];
        if (!path_of(place_, header, path) || fseek(archive_, header.size, SEEK_CUR) != 0) return false;
        const int fd = open(path, O_RDONLY | O_NONBLOCK | O_NOFOLLOW | O_CLOEXEC);
        struct stat info = {};
        if (fd < 0 || fstat(fd, &info) != 0 || !S_ISREG(info.st_mode)) return fail("read", path);
        char text[kLine];
        const int length = snprintf(text, sizeof text, "%c %lld %s\n", (info.st_mode & S_IXUSR) != 0 ? 'x' : '-', static_cast<long long>(info.st_size), header.path);
        sha_.add(text, static_cast<size_t>(length));
        char bytes[8192];
        ssize_t got = 0;
        while ((got = read(fd, bytes, sizeof bytes)) > 0) sha_.add(bytes, static_cast<size_t>(got));
        close(fd);
        return got == 0 || fail("read", path);
    }

    bool tell() {
        char digest[65] = "-";
        struct stat info = {};
        const bool there = lstat(place_, &info) == 0;
        if (files_ > 0) sha_.finish(digest);
        else if (there) return fail("remove", place_);
        printf("%s %d %s\n", nonce_, count_, digest);
        return true;
    }

    static bool path_of(const char* place, const Header& header, char (&path)[kPath]) {
        if (strcmp(header.path, ".") == 0) return joined(path, place, "", "");
        return joined(path, place, "/", header.path);
    }

    template <class Use>
    bool copy_content(long size, Use use) {
        char bytes[8192];
        while (size > 0) {
            const size_t wanted = size < static_cast<long>(sizeof bytes) ? static_cast<size_t>(size) : sizeof bytes;
            const size_t got = fread(bytes, 1, wanted, archive_);
            if (got == 0 || !use(bytes, got)) return false;
            size -= static_cast<long>(got);
        }
        return true;
    }

    const char* nonce_;
    const User& user_;
    FILE* archive_;
    bool is_user_ = false;
    int count_ = 0;
    int files_ = 0;
    char place_[kPath] = "";
    char fresh_[kPath] = "";
    Sha256 sha_;
};

}  // namespace

int place(const char* nonce, const char* user_name, const char* file) {
    FILE* archive = fopen(file, "re");
    if (archive == nullptr) return fail("read", file) ? 0 : 1;
    unlink(file);
    umask(022);
    User user;
    if (!find_user(user_name, user)) return 1;
    Placing placing(nonce, user, archive);
    if (!placing.write_all() || !placing.look()) return 1;
    printf("%s end %d\n", nonce, placing.count());
    return fflush(stdout) == 0 ? 0 : 1;
}

}  // namespace probe
