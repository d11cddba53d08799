#include "manifests/check_document.h"

#include "schema/validate.h"

namespace bottle {

bool fits_schema(const YamlDocument& document, const SourceText& source, DocumentKind kind, std::vector<Problem>& problems) {
    const auto violations = validate(document.json, kind);
    for (const auto& violation : violations) {
        problems.push_back(source.problem(document.place_of(violation.pointer, violation.at_key), printable(violation.text), printable(violation.hint)));
    }
    return violations.empty();
}

}  // namespace bottle
