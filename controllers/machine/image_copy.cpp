#include "controllers/machine/image_copy.h"

#include "controllers/machine/folder_copy.h"
#include "controllers/state/private_file.h"
#include "manifests/error.h"

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstring>
#include <filesystem>

namespace bottle {
namespace {

std::string record_of(const std::string& folder) {
    return folder + ".json";
}

/// Throws Error{Exit::Failed} for a folder that cannot be read.
std::string listing_of(const std::string& folder) {
    auto listing = folder_listing(folder);
    if (!listing.present())
        throw Error(Exit::Precondition, listing.unknown() ? listing.why() : folder + " is not there");
    return *listing;
}

}  // namespace

Observation<ImageCopy> image_copy(const std::string& folder) {
    try {
        const auto text = read_own_file(record_of(folder), false);
        if (!text) return Absent{};
        const auto json = nlohmann::json::parse(*text);
        return ImageCopy{json.at("source").get<std::string>(), json.at("sourceListing").get<std::string>(),
                         json.at("listing").get<std::string>()};
    } catch (const Error& error) {
        return Unknown{error.what()};
    } catch (const nlohmann::json::exception&) {
        return Unknown{record_of(folder) + " is not what bottle wrote there"};
    }
}

Outcome make_image_copy(const std::string& source, const std::string& folder) {
    try {
        make_private_folder(std::filesystem::path(folder).parent_path());
        if (unlink(record_of(folder).c_str()) != 0 && errno != ENOENT)
            throw Error(Exit::Failed, fmt::format("cannot remove {}: {}", record_of(folder), std::strerror(errno)));
        const auto beside = folder + ".new";
        remove_folder(beside);
        const auto before = listing_of(source);
        copy_folder(source, beside);
        if (listing_of(source) != before)
            throw Error(Exit::Failed, fmt::format("{} changed while it was copied", source),
                        "apply again when nobody writes in it");
        remove_folder(folder);
        if (std::rename(beside.c_str(), folder.c_str()) != 0)
            throw Error(Exit::Failed, fmt::format("cannot make {}: {}", folder, std::strerror(errno)));
        const nlohmann::json record = {{"source", source}, {"sourceListing", before}, {"listing", listing_of(folder)}};
        write_private_file(record_of(folder), record.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace));
        return {};
    } catch (const Error& error) {
        return {Outcome::Kind::Failed, error.what(), error.problems().front().hint, error.exit()};
    }
}

}  // namespace bottle
