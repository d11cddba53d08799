#pragma once

#include "controllers/host/preflight.h"
#include "reconciler/observed.h"

#include <cstdint>
#include <string>
#include <vector>

// What `bottle doctor` looks at, and what it thinks of it.
namespace bottle {

/// Something that carries our owner's id, or says that it is ours, and of which our records know nothing.
struct Leftover {
    enum class Kind { Bottle, FirewallTable, Uid };
    Kind kind = Kind::Bottle;
    std::string name;      ///< the bottle's, where it is known
    std::int64_t uid = 0;  ///< FirewallTable, Uid
    bool ours = false;     ///< proved: by our owner's id on it, or by the registry that names our state folder. Nothing else is repaired
    bool has_data = false; ///< disks or volumes: not repaired either, but deleted by name

    bool operator==(const Leftover&) const = default;
};

struct DoctorFacts {
    PreflightFacts preflight;
    std::string smolvm_build;                   ///< why smolvm's files are not a measured build; empty: they are
    std::string kvm_guest;                      ///< why a guest did not run; empty: one did
    std::string firewall;                       ///< why the kernel's tables cannot be used; empty: they can
    Observation<std::vector<HostSocket>> sockets;  ///< who takes connections and datagrams from anybody
    Observation<std::vector<Leftover>> leftovers;
};

enum class Finding { Good, Note, Bad, Unknown };

/// One line of `bottle doctor`.
struct HostCheck {
    std::string subject;  ///< Docker, smolvm, KVM, …
    Finding finding = Finding::Unknown;
    std::string reading;
    std::string hint;     ///< the next command, where there is something to do

    bool operator==(const HostCheck&) const = default;
};

/// Every fact with what it comes to. Pure.
std::vector<HostCheck> examine(const DoctorFacts& facts);

/// "bottle docs", "firewall table bottle-2900004": as it is printed.
std::string in_words(const Leftover& leftover);

}  // namespace bottle
