#include "cli/log_text.h"

#include "manifests/error.h"

namespace bottle {
namespace {

std::string safe_line(std::string line) {
    if (line.ends_with('\r')) line.pop_back();
    std::string safe;
    for (std::size_t at = 0; at <= line.size();) {
        const auto tab = line.find('\t', at);
        safe += printable(line.substr(at, tab == std::string::npos ? tab : tab - at));
        if (tab == std::string::npos) break;
        safe += '\t';
        at = tab + 1;
    }
    return safe;
}

}  // namespace

std::string LogText::add(const std::string& text) {
    partial_ += text;
    std::string lines;
    std::size_t at = 0;
    for (auto end = partial_.find('\n'); end != std::string::npos; at = end + 1, end = partial_.find('\n', at)) lines += safe_line(partial_.substr(at, end - at)) + "\n";
    partial_.erase(0, at);
    return lines;
}

std::string LogText::rest() {
    const auto text = safe_line(partial_);
    partial_.clear();
    return text.empty() ? text : text + "\n";
}

}  // namespace bottle
