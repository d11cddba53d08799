#include "controllers/guest/guest_call.h"
#include "controllers/guest/guest_controller.h"
#include "controllers/guest/guest_files.h"

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>

// The agent's prompt and skills on their way into the guest.
namespace bottle {
namespace {

constexpr std::chrono::milliseconds kAllOfIt{180'000};
constexpr std::chrono::milliseconds kPlacing{90'000};  ///< 33 MiB at most, written and read again in an emulated guest

std::string placing_text(const std::vector<GuestCopy>& copies) {
    std::string text;
    for (const auto& copy : copies) {
        text += "place " + copy.target + "\n";
        for (const auto& file : copy.files) text += "file " + copy_header(file) + file.content;
    }
    return text + "end\n";
}

/// What the guest's program prints where everything is in its place.
std::string expected_answer(const std::vector<GuestCopy>& copies, const std::string& token) {
    std::string text;
    int number = 0;
    for (const auto& copy : copies) text += fmt::format("{} {} {}\n", token, ++number, copy.files.empty() ? "-" : sha256_hex(copy_text(copy.files)));
    return text + fmt::format("{} end {}\n", token, number);
}

}  // namespace

std::string GuestController::send_file(const SmolvmInvocation& smolvm, const std::string& scratch_folder, const std::string& text, const std::string& guest_path,
                                       const GuestDeadline& deadline) {
    const auto name = "bottle-files-" + random_hex(8);
    auto problem = write_whole(scratch_folder, name, text);
    if (problem.empty()) {
        auto call = copy_command(smolvm, scratch_folder + "/" + name, guest_path, "");
        ProcessRequest request;
        request.argv = std::move(call.argv);
        request.environment = std::move(call.environment);
        request.deadline = std::min(kPlacing, deadline.left());
        const auto copied = runner_.run(request);
        if (!copied.succeeded()) problem = last_words(copied);
    }
    unlink((scratch_folder + "/" + name).c_str());
    return problem;
}

Outcome GuestController::place_copies(const SmolvmInvocation& smolvm, const std::string& scratch_folder, const std::string& user, std::vector<GuestCopy> copies) {
    if (copies.empty()) return {};
    // Root's first: the program then becomes the user.
    std::stable_partition(copies.begin(), copies.end(), [](const GuestCopy& copy) { return copy.target.front() == '/'; });
    const GuestDeadline deadline(kAllOfIt);
    const auto failed = [](const std::string& why) { return Outcome{Outcome::Kind::Failed, "the agent's files did not come into the guest: " + why, {}}; };
    const auto placed = place_probe(smolvm, scratch_folder, deadline);
    if (!placed.problem.empty()) return failed(placed.problem);
    const auto file = "/.bottle-files-" + random_hex(8);
    if (const auto problem = send_file(smolvm, scratch_folder, placing_text(copies), file, deadline); !problem.empty()) {
        remove_probe(smolvm, placed.guest_path);
        return failed(problem);
    }
    const auto token = random_hex(16);
    const auto ran = exec(smolvm, {placed.guest_path, "place", token, user, file}, "", std::min(kPlacing, deadline.left()));
    if (!ran.succeeded()) {
        // What did not run has removed neither of the two.
        remove_probe(smolvm, placed.guest_path);
        exec(smolvm, {"/bin/sh", "-c", "rm -f -- \"$1\"", "sh", file}, "", std::chrono::seconds(10));
        return failed(last_words(ran));
    }
    if (ran.out != expected_answer(copies, token)) return failed("what it has of them is not what was copied");
    return {};
}

}  // namespace bottle
