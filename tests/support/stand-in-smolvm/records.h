#pragma once

#include <nlohmann/json.hpp>

#include <map>
#include <optional>
#include <string>
#include <vector>

struct sqlite3;

// What the stand-in keeps, where 1.32.2 keeps it.
namespace stand_in {

/// The version that it stands in for. 1.1.2 is the last one on TSI: its command line, record, files and processes are those that its source says, as no
/// registry of packages has it. (It takes a folder for an image, which no real one before 1.2.0 does.)
#ifdef STAND_IN_TSI
inline constexpr bool kTsi = true;
inline constexpr const char* kVersion = "1.1.2";
#else
inline constexpr bool kTsi = false;
inline constexpr const char* kVersion = "1.32.2";
#endif

/// What ends a call: printed as smolvm does, exit code 1.
struct Failure {
    std::string code;
    std::string message;
};

struct Places {
    std::string home;      ///< $HOME, where the test leaves its orders
    std::string database;  ///< $XDG_DATA_HOME/smolvm/server/smolvm.db
    std::string vms;       ///< $XDG_CACHE_HOME/smolvm/vms
    std::string uids;      ///< $XDG_CACHE_HOME/smolvm/uids
};
Places places();

/// The VM folder of a machine: vms/<first 16 hex digits of SHA-256 of its name>.
std::string vm_folder(const std::string& machine);

/// The table `vms`. Like smolvm, it reads every row at each call, and one that is no BLOB of JSON makes every call fail.
class Records {
public:
    Records();
    ~Records();
    Records(const Records&) = delete;
    Records& operator=(const Records&) = delete;

    std::optional<nlohmann::ordered_json> find(const std::string& machine) const;
    void insert(const nlohmann::ordered_json& record);
    void update(const nlohmann::ordered_json& record);
    void remove(const std::string& machine);

private:
    ::sqlite3* database_ = nullptr;
    std::map<std::string, nlohmann::ordered_json> all_;
};

/// As `machine create` writes it.
nlohmann::ordered_json new_record(const std::string& machine, const std::map<std::string, std::string>& options, const nlohmann::ordered_json& labels,
                                  const std::vector<std::string>& command);

}  // namespace stand_in
