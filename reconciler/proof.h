#pragma once

#include "reconciler/desired.h"
#include "reconciler/diff.h"
#include "reconciler/observed.h"
#include "reconciler/smolvm_build.h"

#include <string>
#include <vector>

namespace bottle {

/// "row", "process", …: as printed.
const char* name_of(EvidenceKind kind);
const char* name_of(Verdict verdict);

/// The evidence that each look takes anew: row, process, config, bundle (and route), and firewall where one is desired, or where the machine's smolvm
/// logs no refusals: it fails there without one. Pure.
/// `changes` is diff_docker's answer for the same snapshot.
std::vector<Evidence> host_evidence(const Desired& desired, const Snapshot& snapshot, const std::vector<Change>& changes);

/// The smolvm of our last start, by the program whose digest was taken then. The newest where no start is recorded: other evidence fails then.
const SmolvmBuild& started_build(const Observation<StoredState>& stored);

/// What a guest proof taken now would be bound to. Only with exactly one VMM and an infra container in the snapshot; nothing otherwise.
std::optional<ProofKey> proof_key(const Desired& desired, const Snapshot& snapshot);

/// The stored guest evidence, if it is of exactly this boot and these things; Unknown otherwise.
std::vector<Evidence> guest_evidence(const Desired& desired, const Snapshot& snapshot);

/// Host and guest evidence together.
std::vector<Evidence> all_evidence(const Desired& desired, const Snapshot& snapshot, const std::vector<Change>& changes);

/// Holds only if every required kind is there and every evidence of it holds; Fails if one fails; else Unknown.
Verdict judge(const std::vector<EvidenceKind>& required, const std::vector<Evidence>& evidence);

/// The first reading that does not hold, in words; empty if all do.
std::string first_doubt(const std::vector<Evidence>& evidence);

/// A VMM of this bottle lives, or may: a process, a held lock, or no way to tell.
enum class Life { Dead, Alive, Unknown };
Life life_of(const MachineView& machine);

/// Its one VMM is seen to be paused.
bool is_paused(const MachineView& machine);

/// A digest of file identities, for the proof's key.
std::string binaries_text(const std::vector<FileIdentity>& binaries);

}  // namespace bottle
