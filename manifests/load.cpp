#include "manifests/load.h"

#include "manifests/check_manifest.h"
#include "manifests/decode.h"
#include "manifests/extends.h"
#include "manifests/find_files.h"
#include "manifests/read_file.h"

#include <fmt/format.h>

#include <algorithm>
#include <filesystem>
#include <map>
#include <tuple>

namespace bottle {
namespace {

/// Whether a template may be named, or is there to be extended only.
enum class Templates { Checked, Refused };

ManifestFolder folder_of(const std::string& file) {
    std::error_code error;
    const auto path = file == "-" ? std::filesystem::path() : std::filesystem::path(file);
    const auto parent = path.parent_path();
    return {std::filesystem::canonical(parent.empty() ? "." : parent, error).string(), parent.string(), path.filename().string()};
}

class Loader {
public:
    explicit Loader(Templates templates) : templates_(templates) {}

    Loaded load(const std::vector<std::string>& named, bool recursive, std::istream& standard_input) {
        for (const auto& file : find_files(named, recursive, problems_)) load(file, standard_input);
        if (problems_.empty() && templates_ == Templates::Refused && loaded_.bottles.empty()) {
            problems_.push_back({Place{named.front(), 0, 0}, "there are only templates here, and no bottle", "a bottle extends one: kind: Bottle, and in its spec extends: FILE", {}});
        }
        if (!problems_.empty()) throw Error(Exit::Usage, std::move(problems_));
        return std::move(loaded_);
    }

private:
    void load(const NamedFile& file, std::istream& standard_input) {
        auto read = file.path == "-" ? read_stream(standard_input) : read_file(file.path);
        const auto shown = file.path == "-" ? std::string("<stdin>") : file.path;
        if (!read.problem.empty()) {
            problems_.push_back({Place{shown, 0, 0}, "cannot be read: " + read.problem, "", ""});
            return;
        }
        const auto source = std::make_shared<const SourceText>(shown, std::move(read.text));
        std::vector<Problem> problems;
        const auto documents = read_yaml(*source, problems);
        if (documents.empty() && problems.empty()) problems.push_back({Place{shown, 1, 1}, "there is no document in it", "", ""});
        for (const auto& document : documents) {
            Sources sources;
            sources.add(source);
            if (is_template(document)) take_template(document, file, documents.size(), sources, problems);
            else take(document, file, sources, problems);
        }
        tell(shown, std::move(problems));
    }

    void take(const YamlDocument& document, const NamedFile& file, Sources& sources, std::vector<Problem>& problems) {
        const auto folder = folder_of(file.path);
        const auto whole = checked(document, folder, sources, problems);
        if (!whole) return;
        auto manifest = decode_manifest(*whole, sources, folder.path, problems);
        const auto place = whole->place_of("/metadata/name");
        if (const auto [first, fresh] = names_.emplace(manifest.name, place); !fresh) {
            problems.push_back(sources.problem(place, fmt::format("bottle {} is also at {}", manifest.name, to_string(first->second)), "one manifest a name"));
        }
        loaded_.bottles.push_back(std::move(manifest));
        loaded_.documents.push_back(whole->json);
    }

    void take_template(const YamlDocument& document, const NamedFile& file, std::size_t documents, Sources& sources, std::vector<Problem>& problems) {
        const auto place = document.place_of("/kind");
        if (documents > 1) {
            problems.push_back(sources.problem(place, "a template stands alone in its file: no bottle can extend one that does not", "give it a file of its own"));
        } else if (!file.in_folder && templates_ == Templates::Refused) {
            problems.push_back(sources.problem(place, "this is a template: it is no bottle, only what bottles extend", "name a bottle that extends it; in a folder (-f FOLDER) templates are passed over"));
            return;
        }
        const auto folder = folder_of(file.path);
        if (const auto whole = checked(document, folder, sources, problems)) decode_manifest(*whole, sources, folder.path, problems);
        loaded_.templates.push_back({place.file, document.place_of("/apiVersion").line, 0});
    }

    /// The document with its templates, if nothing is wrong with either as far as the schema and this version go.
    static std::optional<YamlDocument> checked(const YamlDocument& document, const ManifestFolder& folder, Sources& sources, std::vector<Problem>& problems) {
        if (!check_schema(document, sources, problems)) return std::nullopt;
        auto whole = with_templates(document, folder, sources, problems);
        // Only together it is known to be whole.
        if (!whole || !check_schema(*whole, sources, problems) || !check_version(*whole, sources, problems)) return std::nullopt;
        return whole;
    }

    /// The named file first, each from its top to its end; what is wrong with a template that many extend, once.
    void tell(const std::string& named, std::vector<Problem> problems) {
        std::map<std::string, std::size_t> files = {{named, 0}};
        for (const auto& problem : problems) files.emplace(problem.place->file, files.size());
        const auto position = [&](const Problem& problem) { return std::tuple(files.at(problem.place->file), problem.place->line, problem.place->column); };
        std::stable_sort(problems.begin(), problems.end(), [&](const Problem& a, const Problem& b) { return position(a) < position(b); });
        for (auto& problem : problems) {
            if (std::find(problems_.begin(), problems_.end(), problem) == problems_.end()) problems_.push_back(std::move(problem));
        }
    }

    Templates templates_;
    Loaded loaded_;
    std::vector<Problem> problems_;
    std::map<std::string, Place> names_;
};

}  // namespace

Loaded load(const std::vector<std::string>& named, bool recursive, std::istream& standard_input) {
    return Loader(Templates::Checked).load(named, recursive, standard_input);
}

Loaded load_bottles(const std::vector<std::string>& named, bool recursive, std::istream& standard_input) {
    return Loader(Templates::Refused).load(named, recursive, standard_input);
}

std::vector<Manifest> load_manifests(const std::vector<std::string>& named, std::istream& standard_input, bool recursive) {
    return load_bottles(named, recursive, standard_input).bottles;
}

}  // namespace bottle
