#include "manifests/pattern.h"

#include <vector>

namespace bottle {

bool matches(std::string_view pattern, std::string_view text) {
    // reached[i]: the pattern so far can have taken the first i characters. One row after the other, so that no pattern takes longer than its length times the text's.
    std::vector<bool> reached(text.size() + 1, false);
    reached[0] = true;
    while (!pattern.empty()) {
        const bool star = pattern.front() == '*';
        const bool any = pattern.substr(0, 2) == "**";
        if (star) {
            for (std::size_t i = 1; i <= text.size(); ++i) reached[i] = reached[i] || (reached[i - 1] && (any || text[i - 1] != '/'));
        } else {
            for (std::size_t i = text.size(); i > 0; --i) reached[i] = reached[i - 1] && text[i - 1] == pattern.front();
            reached[0] = false;
        }
        pattern.remove_prefix(any ? 2 : 1);
    }
    return reached[text.size()];
}

}  // namespace bottle
