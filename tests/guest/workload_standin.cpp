#include "controllers/guest/exec.h"
#include "controllers/guest/workload.h"

#include <cstring>

// What the tests start as another process: the keeper, as bottle runs it, or `exec USER COMMAND…` with the program
// that the first argument names as smolvm.
int main(int argc, char** argv) {
    if (argc >= 2 && std::strcmp(argv[1], "__keep-workload") == 0) return bottle::keep_workload_main(argc, argv);
    if (argc < 5 || std::strcmp(argv[1], "exec") != 0) return 2;
    bottle::ForegroundCommand command;
    command.user = argv[3];
    command.command.assign(argv + 4, argv + argc);
    return bottle::exec_in_guest({argv[2], {"PATH=/usr/bin:/bin"}, "m"}, command);
}
