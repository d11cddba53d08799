#include "manifests/extends.h"

#include "manifests/check_manifest.h"
#include "manifests/merge.h"
#include "manifests/paths.h"
#include "manifests/read_file.h"

#include <fmt/format.h>

#include <algorithm>
#include <filesystem>

namespace bottle {
namespace {

using nlohmann::json;

constexpr std::size_t kMaxLinks = 16;

std::string normal(const std::filesystem::path& path) {
    return path.lexically_normal().string();
}

/// A path in a template means beneath the template's folder; one that leads out of it stays as it is, and is refused for that later.
void move_path(json& value, const std::string& folder) {
    if (folder.empty() || !value.is_string() || leads_out(value.get<std::string>())) return;
    value = normal(std::filesystem::path(folder) / value.get<std::string>());
}

void move_paths(json& document, const std::string& folder) {
    for (const auto* pointer : {"/spec/machine/image/rootfs", "/spec/machine/image/archive", "/spec/machine/image/pack", "/spec/agent/prompt"}) {
        if (document.contains(json::json_pointer(pointer))) move_path(document.at(json::json_pointer(pointer)), folder);
    }
    const json::json_pointer skills("/spec/agent/skills");
    if (!document.contains(skills)) return;
    for (auto& skill : document.at(skills)) move_path(skill, folder);
}

class Chain {
public:
    Chain(const ManifestFolder& folder, Sources& sources, std::vector<Problem>& problems) : folder_(folder), sources_(sources), problems_(problems) {}

    std::optional<YamlDocument> merged(const YamlDocument& document) {
        if (!folder_.file.empty()) files_.push_back(folder_.file);
        std::vector<YamlDocument> documents = {document};
        std::string folder;
        while (documents.back().json["spec"].contains("extends")) {
            const auto& extending = documents.back();
            const auto place = extending.place_of("/spec/extends");
            links_.push_back(place);
            const auto named = extending.json["spec"]["extends"].get<std::string>();
            auto next = read(named, folder);
            if (!next) return std::nullopt;
            folder = std::filesystem::path(files_.back()).parent_path().string();
            move_paths(next->json, folder);
            documents.push_back(std::move(*next));
        }
        YamlDocument whole;
        for (auto next = documents.rbegin(); next != documents.rend(); ++next) whole = merge(std::move(whole), *next);
        return whole;
    }

private:
    /// The template that `named` means from `folder` (relative to the manifest's). Its own path is then the last of `files_`.
    std::optional<YamlDocument> read(const std::string& named, const std::string& folder) {
        if (leads_out(named)) return refuse(fmt::format("{} leads out of this file's folder", printable(named)), "a template stands beneath the file that extends it");
        const auto file = normal(std::filesystem::path(folder) / named);
        const auto shown = normal(std::filesystem::path(folder_.shown) / file);
        if (std::find(files_.begin(), files_.end(), file) != files_.end()) return refuse("extends leads in a circle: " + trail(shown), "take one of these links out");
        if (links_.size() > kMaxLinks) return refuse(fmt::format("extends is more than {} links deep: {}", kMaxLinks, trail(shown)), "merge some of these templates into one");
        auto text = read_file_beneath(folder_.path, folder.empty() ? named : folder + "/" + named);
        if (!text.problem.empty()) return refuse(fmt::format("{}: {}", trail(shown), text.problem), std::move(text.hint));
        files_.push_back(file);
        return parse(shown, std::move(text.text));
    }

    std::optional<YamlDocument> parse(const std::string& shown, std::string text) {
        const auto source = std::make_shared<const SourceText>(shown, std::move(text));
        sources_.add(source);
        const auto before = problems_.size();
        auto documents = read_yaml(*source, problems_);
        if (problems_.size() > before) return std::nullopt;
        if (documents.size() != 1) return refuse(fmt::format("{}: {} holds {} documents", trail(shown), printable(shown), documents.size()), "a template stands alone in its file");
        auto& document = documents.front();
        if (!is_template(document)) return refuse(fmt::format("{}: {} is no BottleTemplate", trail(shown), printable(shown)), fmt::format("only a template can be extended: kind: BottleTemplate, at {}", to_string(document.place_of("/kind"))));
        if (!check_schema(document, sources_, problems_)) return std::nullopt;
        return std::move(document);
    }

    /// At the link that cannot be followed.
    std::nullopt_t refuse(std::string what, std::string hint) {
        problems_.push_back(sources_.problem(links_.back(), std::move(what), std::move(hint)));
        return std::nullopt;
    }

    /// "a.yaml:5 → b.yaml:3 → c.yaml"
    std::string trail(const std::string& end) const {
        std::string text;
        for (const auto& link : links_) text += to_string(Place{link.file, link.line, 0}) + " → ";
        return text + printable(end);
    }

    const ManifestFolder& folder_;
    Sources& sources_;
    std::vector<Problem>& problems_;
    std::vector<std::string> files_;
    std::vector<Place> links_;
};

}  // namespace

std::optional<YamlDocument> with_templates(const YamlDocument& document, const ManifestFolder& folder, Sources& sources, std::vector<Problem>& problems) {
    return Chain(folder, sources, problems).merged(document);
}

}  // namespace bottle
