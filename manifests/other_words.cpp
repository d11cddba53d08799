#include "manifests/other_words.h"

#include <algorithm>

namespace bottle {
namespace {

struct OtherWord {
    const char* parent;  ///< where the unknown key stands; /*: any entry of a list
    const char* key;
    const char* hint;
};

constexpr const char* kContainer = "/spec/bundle/containers/*";

constexpr OtherWord kWords[] = {
    {"", "name", "write metadata: {name: …}"},
    {"", "version", "write apiVersion: bottle/v1"},
    {"", "machine", "machine stands beneath spec"},
    {"", "agent", "agent stands beneath spec"},
    {"", "network", "network stands beneath spec"},
    {"", "bundle", "bundle stands beneath spec"},
    {"", "extends", "extends stands beneath spec"},
    {"", "services", "the sidecars stand in spec.bundle.containers"},
    {"/metadata", "namespace", "bottles have no namespaces: leave it out"},
    {"/metadata", "annotations", "write labels"},
    {"/spec", "image", "write machine: {image: {rootfs: …}}, or docker, archive or pack"},
    {"/spec", "command", "write agent: {command: […]}"},
    {"/spec", "env", "write agent: {env: {…}}, or env in a container"},
    {"/spec", "containers", "write bundle: {containers: […]}"},
    {"/spec", "services", "write bundle: {containers: […]}"},
    {"/spec", "template", "write extends: base.yaml"},
    {"/spec/machine", "ram", "write memory"},
    {"/spec/machine", "mem", "write memory"},
    {"/spec/machine", "vcpus", "write cpus"},
    {"/spec/machine", "rootfs", "write image: {rootfs: …}"},
    {"/spec/machine", "docker", "write image: {docker: …}"},
    {"/spec/machine", "archive", "write image: {archive: …}"},
    {"/spec/machine", "pack", "write image: {pack: …}"},
    {"/spec/machine/image", "folder", "write rootfs"},
    {"/spec/machine/image", "tar", "write archive"},
    {"/spec/machine/image", "oci", "write archive: an OCI layout as one tar"},
    {"/spec/machine/image", "name", "write docker: the image's name:tag"},
    {"/spec/machine/image", "tag", "write docker: the image's name:tag"},
    {"/spec/machine/image", "reference", "write docker: the image's name:tag, id or digest"},
    {"/spec/machine/image", "pull", "bottle pulls no image: leave it out"},
    {"/spec/machine", "storage", "write disk: {storage: …}"},
    {"/spec/machine", "overlay", "write disk: {overlay: …}"},
    {"/spec/machine", "command", "the agent's command is spec.agent.command; the machine's own process is bottle's"},
    {"/spec/machine", "env", "write spec.agent.env"},
    {"/spec/agent", "environment", "write env"},
    {"/spec/agent", "args", "write command: the program and its arguments in one list"},
    {"/spec/agent", "cmd", "write command"},
    {"/spec/agent", "entrypoint", "write command"},
    {"/spec/agent", "user", "write spec.machine.user"},
    {"/spec/agent", "image", "write spec.machine.image"},
    {"/spec/network", "allow", "the guest reaches the bundle's ports and nothing else; what those let through is up to the bundle"},
    {"/spec/network", "ports", "ports stand in spec.bundle.containers"},
    {"/spec/bundle", "services", "write containers"},
    {"/spec/bundle", "sidecars", "write containers"},
    {kContainer, "environment", "write env"},
    {kContainer, "cap_add", "write capabilities"},
    {kContainer, "cap_drop", "every capability is dropped already: leave it out"},
    {kContainer, "cmd", "write command"},
    {kContainer, "args", "write command: Docker's Cmd; entrypoint is Docker's Entrypoint"},
    {kContainer, "mem_limit", "write limits: {memory: …}"},
    {kContainer, "memory", "write limits: {memory: …}"},
    {kContainer, "cpus", "write limits: {cpus: …}"},
    {kContainer, "resources", "write limits: {memory: …, cpus: …, pids: …}"},
    {kContainer, "restart", "bottle itself starts what has ended: leave it out"},
    {kContainer, "privileged", "no container of a bundle is privileged: leave it out"},
    {kContainer, "network_mode", "all containers of a bundle share one network namespace: leave it out"},
    {kContainer, "networks", "all containers of a bundle share one network namespace: leave it out"},
    {kContainer, "read_only", "the root file system is read-only already: leave it out"},
    {kContainer, "build", "bottle builds no images: name one that is on this host"},
    {"/spec/bundle/containers/*/ports/*", "containerPort", "write port"},
    {"/spec/bundle/containers/*/ports/*", "hostPort", "bottle publishes no port on the host: leave it out"},
    {"/spec/bundle/containers/*/ports/*", "protocol", "ports are TCP: leave it out"},
    {"/spec/bundle/containers/*/volumes/*", "mountPath", "write path"},
    {"/spec/bundle/containers/*/volumes/*", "hostPath", "no folder of the host is mounted: leave it out"},
};

/// The pointer with * for the numbers of list entries.
std::string without_numbers(const std::string& pointer) {
    std::string text;
    for (std::size_t begin = 1; begin <= pointer.size();) {
        const auto end = std::min(pointer.find('/', begin), pointer.size());
        const auto part = pointer.substr(begin, end - begin);
        const bool number = !part.empty() && part.find_first_not_of("0123456789") == std::string::npos;
        text += "/" + (number ? "*" : part);
        begin = end + 1;
    }
    return text;
}

}  // namespace

std::string hint_for_other_word(const std::string& pointer) {
    const auto slash = pointer.rfind('/');
    const auto key = pointer.substr(slash + 1);
    const auto parent = without_numbers(pointer.substr(0, slash));
    for (const auto& word : kWords) {
        if (parent == word.parent && key == word.key) return word.hint;
    }
    return {};
}

}  // namespace bottle
