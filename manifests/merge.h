#pragma once

#include "manifests/yaml_document.h"

namespace bottle {

/// `above` laid upon the template `below`, each value with the place where it was written: maps key by key all the way down, scalars and lists
/// replaced whole. An explicit empty clears: [] and {} stand for themselves, and "" takes the key away (but for the values of env and labels,
/// where it is a value). machine.image is one choice and replaced whole. `extends` is not inherited; a name is, but every bottle has its own.
YamlDocument merge(YamlDocument below, const YamlDocument& above);

}  // namespace bottle
