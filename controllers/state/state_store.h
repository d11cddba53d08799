#pragma once

#include "controllers/state/timestamp.h"
#include "reconciler/events.h"
#include "reconciler/observed.h"
#include "reconciler/report.h"

#include <chrono>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

namespace bottle {

/// `<state folder>/state.db`: allocations, journal, starts, proofs, applied manifests, condition transitions. SQLite with a rollback journal.
/// An absent file reads as empty, and reading never makes it or changes a byte of it (but for rolling back the commit that a process died in).
/// Safe for several threads; every method throws Error{Exit::Failed} in plain words when the database is locked for longer than `patience`,
/// damaged, of a newer version of bottle, or, like the folder it is in, could have been written by somebody else.
class StateStore {
public:
    /// No file is touched before the first call.
    explicit StateStore(std::string path, std::chrono::milliseconds patience = std::chrono::seconds(15));
    ~StateStore();

    StoredState read(const std::string& bottle);
    std::map<std::string, Allocation> allocations();
    std::vector<std::string> bottles();

    /// Records what the bottle holds, in place of what it held. Another bottle's subnet or uid is refused by the database itself.
    void reserve(const std::string& bottle, const Allocation& allocation);
    /// Allocation, start, proof, provisioning, applied manifests and conditions; the journal and the transitions stay.
    void forget(const std::string& bottle);

    /// Before an act: what is about to be done. Durable when it returns. The oldest entries beyond the bound go.
    std::int64_t journal_begin(const std::string& bottle, const std::string& step, const std::string& cause);
    void journal_end(std::int64_t entry, const std::string& result);

    void save_start(const std::string& bottle, const StartRecord& start);
    void save_proof(const std::string& bottle, const GuestProof& proof);
    /// Nothing: proved, or made on disks that were there.
    void save_unproved(const std::string& bottle, std::optional<Unproved> unproved);
    /// `copied`: as in StoredState.
    void save_provisioned(const std::string& bottle, const std::string& vmm, const std::map<std::string, std::string>& copied);
    void save_socket(const std::string& bottle, const std::string& identity);
    void save_grants(const std::string& bottle, const std::vector<SecretGrant>& grants);

    /// The applied manifest; its generation rises when the digest of the resolved Desired changes. Returns the generation.
    /// Writes nothing when both are as they were.
    std::int64_t save_applied(const std::string& bottle, const std::string& manifest, const std::string& desired_digest);
    struct AppliedRecord {
        std::string manifest;
        std::int64_t generation = 0;
    };
    std::optional<AppliedRecord> applied(const std::string& bottle);

    /// Stores only what changed, with the time of the change.
    void save_conditions(const std::string& bottle, const std::vector<Condition>& conditions);
    /// Since when each type has its status.
    std::map<std::string, std::string> transition_times(const std::string& bottle);

    /// When its first manifest was recorded; nothing where that was before such times were kept.
    std::optional<std::string> created(const std::string& bottle);
    /// What is kept of one bottle, also of one that was deleted, or of all for an empty name. Bounds: history_records.h.
    Records history(const std::string& bottle);

private:
    struct Connection;
    std::string path_;
    std::chrono::milliseconds patience_;
    std::mutex mutex_;
    std::unique_ptr<Connection> connection_;

    bool check_file() const;
    template <class Work>
    auto reading(Work work);
    template <class Work>
    auto writing(Work work);
};

}  // namespace bottle
