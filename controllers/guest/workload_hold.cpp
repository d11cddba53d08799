#include "controllers/guest/workload_hold.h"

#include <fcntl.h>
#include <unistd.h>

namespace bottle {

std::string WorkloadHold::take(const std::string& state_folder, const WorkloadRecord& record) {
    folder_ = state_folder;
    lock_ = Fd(open((folder_ + "/" + kWorkloadLock).c_str(), O_RDWR | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0600));
    struct flock lock = {};
    lock.l_type = F_WRLCK;
    lock.l_whence = SEEK_SET;
    if (!lock_.valid() || fcntl(lock_.get(), F_OFD_SETLK, &lock) != 0) return "another one holds this bottle's workload";
    record_ = record;
    record_.keeper_pid = getpid();
    record_.exit_code.reset();
    return write_whole(folder_, kWorkloadRecord, to_text(record_));
}

std::string WorkloadHold::ended(int exit_code) {
    record_.exit_code = exit_code;
    return write_whole(folder_, kWorkloadRecord, to_text(record_));
}

}  // namespace bottle
