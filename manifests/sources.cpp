#include "manifests/sources.h"

namespace bottle {

void Sources::add(std::shared_ptr<const SourceText> source) {
    auto file = source->file();
    by_file_[std::move(file)] = std::move(source);
}

Problem Sources::problem(const Place& place, std::string text, std::string hint) const {
    const auto source = by_file_.find(place.file);
    if (source == by_file_.end()) return {place, std::move(text), std::move(hint), {}};
    return source->second->problem(place, std::move(text), std::move(hint));
}

}  // namespace bottle
