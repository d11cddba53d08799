#include "manifests/config.h"

#include "manifests/error.h"
#include "manifests/yaml_text.h"
#include "schema/defaults.h"

#include <nlohmann/json.hpp>

namespace bottle {
namespace {

using nlohmann::json;

/// Of JSON text: DEL, C1 and the marks that turn text round (all in 16 bits) as \uNNNN. What is below a space JSON itself escapes.
std::string with_unseen_escaped(const std::string& text) {
    std::string seen;
    for (std::size_t at = 0; at < text.size();) {
        const auto first = static_cast<unsigned char>(text[at]);
        const std::size_t length = first < 0x80 ? 1 : first < 0xE0 ? 2 : first < 0xF0 ? 3 : 4;
        const auto character = text.substr(at, length);
        at += length;
        if (character == "\n" || printable(character) == character) {
            seen += character;
            continue;
        }
        const auto ascii = json(character).dump(-1, ' ', true);
        seen += ascii.substr(1, ascii.size() - 2);
    }
    return seen;
}

}  // namespace

std::string config_yaml(const json& document) {
    return yaml_text(with_defaults(document));
}

std::string config_json(const json& document) {
    // Not all in ASCII: what is beyond 16 bits would be two escapes in JSON, of which yaml-cpp (0.7) makes no character.
    return with_unseen_escaped(with_defaults(document).dump(2)) + "\n";
}

}  // namespace bottle
