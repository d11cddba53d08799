#include "manifests/load.h"

#include "manifests/check_document.h"
#include "manifests/decode.h"
#include "manifests/not_in_this_version.h"
#include "manifests/yaml_document.h"

#include <fmt/format.h>

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstring>
#include <filesystem>
#include <map>

namespace bottle {
namespace {

constexpr std::size_t kMaxFile = 1 << 20;

struct FileText {
    std::string text;
    std::string problem;
};

FileText read_file(const std::string& path) {
    // Not blocking: a FIFO must not hold us.
    const int fd = open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    if (fd < 0) return {"", std::strerror(errno)};
    struct stat info {};
    FileText file;
    if (fstat(fd, &info) != 0 || !S_ISREG(info.st_mode)) file.problem = "it is no regular file";
    std::array<char, 65536> buffer;
    while (file.problem.empty()) {
        const auto count = read(fd, buffer.data(), buffer.size());
        if (count < 0 && errno == EINTR) continue;
        if (count < 0) file.problem = std::strerror(errno);
        if (count <= 0) break;
        file.text.append(buffer.data(), static_cast<std::size_t>(count));
        if (file.text.size() > kMaxFile) file.problem = "it has more than 1 MiB";
    }
    close(fd);
    return file;
}

FileText read_stream(std::istream& stream) {
    FileText file;
    file.text.resize(kMaxFile + 1);
    stream.read(file.text.data(), static_cast<std::streamsize>(file.text.size()));
    file.text.resize(static_cast<std::size_t>(stream.gcount()));
    if (file.text.size() > kMaxFile) file.problem = "it has more than 1 MiB";
    return file;
}

std::string folder_of(const std::string& file) {
    std::error_code error;
    const auto parent = file == "-" ? std::filesystem::path() : std::filesystem::path(file).parent_path();
    return std::filesystem::canonical(parent.empty() ? "." : parent, error).string();
}

class Loader {
public:
    void load(const std::string& file, std::istream& standard_input) {
        auto read = file == "-" ? read_stream(standard_input) : read_file(file);
        const auto shown = file == "-" ? std::string("<stdin>") : file;
        if (!read.problem.empty()) {
            problems_.push_back({Place{shown, 0, 0}, "cannot be read: " + read.problem, "", ""});
            return;
        }
        const SourceText source(shown, std::move(read.text));
        const auto before = problems_.size();
        const auto documents = read_yaml(source, problems_);
        if (documents.empty() && problems_.size() == before) problems_.push_back({Place{shown, 1, 1}, "there is no document in it", "", ""});
        for (const auto& document : documents) take(document, source, folder_of(file));
    }

    std::vector<Manifest> finish() {
        if (!problems_.empty()) throw Error(Exit::Usage, std::move(problems_));
        return std::move(manifests_);
    }

private:
    void take(const YamlDocument& document, const SourceText& source, const std::string& folder) {
        if (!fits_schema(document, source, DocumentKind::Manifest, problems_)) return;
        const auto before = problems_.size();
        for (const auto& later : not_in_this_version(document.json)) {
            problems_.push_back(source.problem(document.place_of(later.pointer, later.at_key), later.text, later.hint));
        }
        if (problems_.size() > before) return;
        auto manifest = decode_manifest(document, source, folder, problems_);
        const auto place = document.place_of("/metadata/name");
        if (const auto [first, fresh] = names_.emplace(manifest.name, place); !fresh) {
            problems_.push_back(source.problem(place, fmt::format("bottle {} is also at {}", manifest.name, to_string(first->second)), "one manifest a name"));
        }
        manifests_.push_back(std::move(manifest));
    }

    std::vector<Problem> problems_;
    std::vector<Manifest> manifests_;
    std::map<std::string, Place> names_;
};

}  // namespace

std::vector<Manifest> load_manifests(const std::vector<std::string>& files, std::istream& standard_input) {
    Loader loader;
    for (const auto& file : files) loader.load(file, standard_input);
    return loader.finish();
}

}  // namespace bottle
