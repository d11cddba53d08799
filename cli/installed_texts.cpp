#include "cli/completion_script.h"
#include "cli/man_page.h"

#include <cstdio>
#include <filesystem>
#include <fstream>
#include <string>

/// Run while building: `bottle_texts FOLDER` writes the manual pages and the completions where they stand beneath an installation's share.
int main(int argc, char** argv) {
    if (argc != 2) return 2;
    const std::filesystem::path folder = argv[1];
    bool good = true;
    const auto write = [&](const std::string& name, const std::string& text) {
        std::error_code error;
        std::filesystem::create_directories((folder / name).parent_path(), error);
        std::ofstream file(folder / name, std::ios::binary);
        file << text;
        good = file.flush().good() && good;
    };
    write("man/man1/bottle.1", bottle::man_overview(BOTTLE_VERSION));
    for (const auto& command : bottle::command_texts()) write(std::string("man/man1/bottle-") + command.name + ".1", bottle::man_page(command, BOTTLE_VERSION));
    write("bash-completion/completions/bottle", bottle::completion_script("bash"));
    write("zsh/site-functions/_bottle", bottle::completion_script("zsh"));
    write("fish/vendor_completions.d/bottle.fish", bottle::completion_script("fish"));
    if (!good) std::fprintf(stderr, "the texts cannot be written into %s\n", folder.c_str());
    return good ? 0 : 1;
}
