#include "controllers/image/tar_reader.h"

#include "manifests/error.h"

#include <fmt/format.h>

#include <archive.h>
#include <archive_entry.h>
#include <locale.h>

#include <algorithm>
#include <array>
#include <cstring>
#include <exception>
#include <string_view>
#include <utility>
#include <vector>

namespace bottle {
namespace {

constexpr std::size_t kBlock = 1 << 18;

/// libarchive gives names in the locale's letters, and loses the others: Docker writes UTF-8.
class Utf8Names {
public:
    Utf8Names() : before_(uselocale(utf8())) {}
    ~Utf8Names() { uselocale(before_); }
    Utf8Names(const Utf8Names&) = delete;
    Utf8Names& operator=(const Utf8Names&) = delete;

private:
    static locale_t utf8() {
        static const locale_t locale = newlocale(LC_CTYPE_MASK, "C.UTF-8", nullptr);
        return locale;
    }

    locale_t before_;
};

/// A libarchive reader over one of our sources. What a source throws passes through libarchive's C as an error, and is thrown again behind it.
class Archive {
public:
    explicit Archive(ByteSource& source) : archive_(archive_read_new()), source_(source), block_(kBlock) {
        if (archive_ == nullptr) throw Error(Exit::Failed, "libarchive has no memory");
    }
    ~Archive() { archive_read_free(archive_); }
    Archive(const Archive&) = delete;
    Archive& operator=(const Archive&) = delete;

    struct archive* get() { return archive_; }

    void open() {
        const Utf8Names names;
        archive_read_set_callback_data(archive_, this);
        archive_read_set_read_callback(archive_, read_more);
        archive_read_set_skip_callback(archive_, skip_some);
        check(archive_read_open1(archive_));
    }

    /// The next entry; null at the end.
    struct archive_entry* next() {
        const Utf8Names names;
        struct archive_entry* entry = nullptr;
        const int result = archive_read_next_header(archive_, &entry);
        if (result == ARCHIVE_EOF) return nullptr;
        check(result);
        return entry;
    }

    std::size_t read(char* data, std::size_t size) {
        const auto got = archive_read_data(archive_, data, size);
        if (got < 0) check(static_cast<int>(got));
        return static_cast<std::size_t>(got);
    }

private:
    /// A warning too: it says of a name, or of a size, that it is not what the tar means.
    void check(int result) {
        if (thrown_) std::rethrow_exception(std::exchange(thrown_, nullptr));
        if (result == ARCHIVE_OK) return;
        const auto* const why = archive_error_string(archive_);
        throw Error(Exit::Failed, fmt::format("it cannot be read: {}", printable(why == nullptr ? "it is no tar" : why)));
    }

    static la_ssize_t read_more(struct archive*, void* data, const void** block) {
        auto& self = *static_cast<Archive*>(data);
        try {
            *block = self.block_.data();
            return static_cast<la_ssize_t>(self.source_.read(self.block_.data(), self.block_.size()));
        } catch (...) {
            self.thrown_ = std::current_exception();
            return -1;
        }
    }

    static la_int64_t skip_some(struct archive*, void* data, la_int64_t count) {
        return static_cast<la_int64_t>(static_cast<Archive*>(data)->source_.skip(static_cast<std::uint64_t>(count)));
    }

    struct archive* archive_;
    ByteSource& source_;
    std::vector<char> block_;
    std::exception_ptr thrown_;
};

std::string text(const char* from) {
    return from == nullptr ? std::string() : std::string(from);
}

TarEntry::Kind kind_of(unsigned type) {
    switch (type) {
        case AE_IFDIR: return TarEntry::Kind::Folder;
        case AE_IFREG: return TarEntry::Kind::File;
        case AE_IFLNK: return TarEntry::Kind::Link;
        case AE_IFIFO: return TarEntry::Kind::Fifo;
        default: return TarEntry::Kind::Device;
    }
}

/// The first bytes of a source, put back before the rest.
class Headed : public ByteSource {
public:
    explicit Headed(ByteSource& source) : source_(source) {
        for (std::size_t got = 1; got > 0 && head_.size() < kHead;) {
            std::array<char, kHead> bytes{};
            got = source_.read(bytes.data(), kHead - head_.size());
            head_.append(bytes.data(), got);
        }
    }

    bool starts_with(std::string_view magic) const { return head_.starts_with(magic); }

    std::size_t read(char* data, std::size_t size) override {
        if (given_ == head_.size()) return source_.read(data, size);
        const auto count = std::min(size, head_.size() - given_);
        std::memcpy(data, head_.data() + given_, count);
        given_ += count;
        return count;
    }

private:
    static constexpr std::size_t kHead = 6;

    ByteSource& source_;
    std::string head_;
    std::size_t given_ = 0;
};

}  // namespace

struct TarReader::State {
    Archive archive;

    explicit State(ByteSource& source) : archive(source) {}
};

TarReader::TarReader(ByteSource& source) : state_(std::make_unique<State>(source)) {
    archive_read_support_format_tar(state_->archive.get());
    // A layer that changes nothing is an empty tar, by some tools one of no bytes.
    archive_read_support_format_empty(state_->archive.get());
    state_->archive.open();
}

TarReader::~TarReader() = default;

std::optional<TarEntry> TarReader::next() {
    auto* const read = state_->archive.next();
    if (read == nullptr) return std::nullopt;
    const Utf8Names names;
    TarEntry entry;
    entry.path = text(archive_entry_pathname(read));
    if (entry.path.empty()) throw Error(Exit::Failed, "it has an entry whose name cannot be read");
    if (const auto* const linked = archive_entry_hardlink(read)) {
        entry.kind = TarEntry::Kind::HardLink;
        entry.target = linked;
        return entry;
    }
    entry.kind = kind_of(archive_entry_filetype(read));
    if (entry.kind == TarEntry::Kind::Link) entry.target = text(archive_entry_symlink(read));
    entry.mode = archive_entry_perm(read);
    entry.uid = archive_entry_uid(read);
    entry.gid = archive_entry_gid(read);
    if (entry.kind == TarEntry::Kind::File) entry.size = static_cast<std::uint64_t>(std::max<la_int64_t>(archive_entry_size(read), 0));
    entry.changed = {archive_entry_mtime(read), archive_entry_mtime_nsec(read)};
    return entry;
}

std::size_t TarReader::read(char* data, std::size_t size) {
    return state_->archive.read(data, size);
}

struct Unpacked::State {
    Headed headed;
    std::optional<Archive> archive;

    explicit State(ByteSource& source) : headed(source) {}
};

Unpacked::Unpacked(ByteSource& source) : state_(std::make_unique<State>(source)) {
    auto& headed = state_->headed;
    if (headed.starts_with("\xFD" "7zXZ") || headed.starts_with("BZh")) throw Error(Exit::Failed, "it is packed with xz or bzip2", "pack it with gzip or zstd, or not at all");
    if (!headed.starts_with("\x1F\x8B") && !headed.starts_with("\x28\xB5\x2F\xFD")) return;
    auto& archive = state_->archive.emplace(headed);
    archive_read_support_filter_gzip(archive.get());
    archive_read_support_filter_zstd(archive.get());
    archive_read_support_format_raw(archive.get());
    archive_read_support_format_empty(archive.get());
    archive.open();
    archive.next();
}

Unpacked::~Unpacked() = default;

std::size_t Unpacked::read(char* data, std::size_t size) {
    return state_->archive ? state_->archive->read(data, size) : state_->headed.read(data, size);
}

bool Unpacked::was_packed() const {
    return state_->archive.has_value();
}

}  // namespace bottle
