#include "manifests/check_manifest.h"

#include "manifests/advice.h"
#include "manifests/not_in_this_version.h"
#include "schema/validate.h"

namespace bottle {

bool is_template(const YamlDocument& document) {
    return document.json.is_object() && document.json.contains("kind") && document.json["kind"] == "BottleTemplate";
}

bool check_schema(const YamlDocument& document, const Sources& sources, std::vector<Problem>& problems) {
    const auto violations = validate(document.json, DocumentKind::Manifest);
    for (const auto& violation : violations) {
        const auto said = advised(document.json, violation);
        problems.push_back(sources.problem(document.place_of(said.pointer, said.at_key), printable(said.text), printable(said.hint)));
    }
    return violations.empty();
}

bool check_version(const YamlDocument& document, const Sources& sources, std::vector<Problem>& problems) {
    const auto found = not_in_this_version(document.json);
    for (const auto& later : found) problems.push_back(sources.problem(document.place_of(later.pointer, later.at_key), later.text, later.hint));
    return found.empty();
}

}  // namespace bottle
