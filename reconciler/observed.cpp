#include "reconciler/observed.h"

#include <algorithm>

namespace bottle {
namespace {

template <class Item>
const Item* find_named(const std::vector<Item>& items, const std::string& name) {
    const auto found = std::find_if(items.begin(), items.end(), [&](const Item& item) { return item.is.name == name; });
    return found == items.end() ? nullptr : &*found;
}

}  // namespace

const ObservedContainer* find_container(const DockerView& view, const std::string& name) {
    return find_named(view.containers, name);
}

const ObservedNetwork* find_network(const DockerView& view, const std::string& name) {
    return find_named(view.networks, name);
}

}  // namespace bottle
