#pragma once

#include <cstdint>
#include <map>
#include <string>

// The uids that bottles of this host hold, whatever state folder they are kept in: one file a uid, named by it, that says whose it is. Without
// it two state folders would both begin at the first uid of the pool, and a VMM of one could signal and read that of the other.
namespace bottle {

/// Where it stands for root.
inline constexpr const char* kUidRegistry = "/var/lib/bottle/uids";

/// "<state folder> <bottle>".
std::string uid_holder(const std::string& state_folder, const std::string& bottle);

/// Who holds which uid. Empty when there is no registry yet. Throws Error{Exit::Failed} when others than us could have written in it.
std::map<std::int64_t, std::string> registered_uids(const std::string& registry);

/// Enters the holder, unless somebody else has the uid: then false. True as well when it stood there already. Throws Error{Exit::Failed}.
bool register_uid(const std::string& registry, std::int64_t uid, const std::string& holder);

/// Takes the holder's entry out; another's stays. Throws Error{Exit::Failed}.
void unregister_uid(const std::string& registry, std::int64_t uid, const std::string& holder);

}  // namespace bottle
