#pragma once

#include <functional>
#include <map>
#include <string>

/// How a run of the real static probe on this host ended.
struct ProbeRun {
    int exit_code = -1;
    std::string out;
    std::string err;
    bool file_gone = false;  ///< it removed its own file
};

/// Writes the embedded probe to a file and runs it with these arguments and this standard input. `setup` is called in
/// the child before; a namespace of its own is made there.
ProbeRun run_probe(const std::string& arguments, const std::string& input, const std::function<bool()>& setup = {});

/// In the child: a network namespace of its own; with `loopback`, its lo is brought up. Needs root or user namespaces.
bool own_network(bool loopback);

/// The outcome words by target id: "t0" -> "refused ECONNREFUSED -".
std::map<std::string, std::string> outcomes(const ProbeRun& run, const std::string& nonce);
