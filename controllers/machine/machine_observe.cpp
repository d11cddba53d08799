#include "controllers/machine/folder_copy.h"
#include "controllers/machine/image_copy.h"
#include "controllers/machine/live_channels.h"
#include "controllers/machine/machine_controller.h"
#include "controllers/machine/machine_db.h"
#include "controllers/machine/uid_claim.h"
#include "controllers/process/proc_table.h"
#include "controllers/state/digest.h"
#include "controllers/state/private_file.h"
#include "manifests/error.h"
#include "reconciler/row.h"

#include <fmt/format.h>

#include <sys/stat.h>

#include <cerrno>
#include <cstring>
#include <filesystem>

namespace bottle {
namespace {

/// A database that smolvm writes in is free again within its own 15 s.
constexpr std::chrono::milliseconds kPatience{20'000};

enum class There { No, Yes, Unknown };

There is_there(const std::string& path) {
    struct stat info {};
    if (lstat(path.c_str(), &info) == 0) return There::Yes;
    return errno == ENOENT || errno == ENOTDIR ? There::No : There::Unknown;
}

Observation<bool> look_at_folder(const std::string& folder) {
    switch (is_there(folder)) {
        case There::No: return Absent{};
        case There::Unknown: return Unknown{fmt::format("{}: {}", folder, std::strerror(errno))};
        case There::Yes: break;
    }
    std::error_code error;
    const bool empty = std::filesystem::is_empty(folder, error);
    if (error) return Unknown{fmt::format("{}: {}", folder, error.message())};
    return !empty;
}

Observation<std::string> file_text(const std::string& path) {
    try {
        if (auto text = read_private_file(path)) return *text;
        return Absent{};
    } catch (const Error& error) {
        return Unknown{error.what()};
    }
}

}  // namespace

Observation<MachineRow> MachineController::row() const {
    return read_machine_row(paths_.database, machine_, kPatience).row;
}

MachineView MachineController::observe(const ImageSource& image_source) {
    MachineView view;
    view.folders = {paths_.root, paths_.cache};
    // Processes first: one that starts while we look is then seen by its row or folder, not missed.
    view.processes = find_vmm_processes(paths_.vm_folder);
    auto look = read_machine_row(paths_.database, machine_, kPatience);
    view.row = look.row;
    view.other_rows = std::move(look.other_rows);
    if (view.row.present()) view.row_digest = sha256_hex(row_digest_material(view.row->data));
    else if (view.row.absent()) view.row_digest = Absent{};
    else view.row_digest = Unknown{view.row.why()};
    view.vm_folder = look_at_folder(paths_.vm_folder);
    view.lock_held = lock_is_held(paths_.vm_folder + "/vm.lock");
    view.running_config = file_text(paths_.vm_folder + "/agent.config.json");
    view.live_channels = live_channels(paths_.vm_folder);
    view.uid_claim = uid_claim(paths_);
    if (image_source.empty()) return view;
    view.image_copy = image_copy(paths_.image);
    view.image_listing = folder_listing(paths_.image);
    if (image_source.kind == ImageSource::Kind::Rootfs) view.source_listing = folder_listing(image_source.from);
    else if (image_source.kind != ImageSource::Kind::Docker) view.source_id = image_file_id(image_source.from, paths_.image);
    return view;
}

}  // namespace bottle
