#pragma once

#include "manifests/error.h"

#include <map>
#include <string>
#include <variant>
#include <vector>

// What the names of secrets mean on this host. The keys are described in schema/host_policy.v1.schema.json.
namespace bottle {

class SourceText;
struct YamlDocument;

/// A variable of bottle's own environment.
struct SecretVariable {
    std::string name;

    bool operator==(const SecretVariable&) const = default;
};
/// A file, by its absolute path.
struct SecretFile {
    std::string path;

    bool operator==(const SecretFile&) const = default;
};
/// A program and its arguments: what it prints is the value.
struct SecretCommand {
    std::vector<std::string> argv;

    bool operator==(const SecretCommand&) const = default;
};
using SecretSource = std::variant<SecretVariable, SecretFile, SecretCommand>;

struct SecretPolicy {
    Place place;  ///< of its name
    SecretSource from;
    std::vector<std::string> bottles;  ///< patterns of the names of those that may use it
    std::vector<std::string> hosts;    ///< to which it may go, sorted
};

/// By name.
using SecretPolicies = std::map<std::string, SecretPolicy>;

/// The key `secrets` of a policy that fits the schema. Adds to `problems` a command that is none, and a host that stands there twice.
SecretPolicies decode_secrets(const YamlDocument& document, const SourceText& source, std::vector<Problem>& problems);

}  // namespace bottle
