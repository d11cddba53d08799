#include "reconciler/plan_image.h"

#include "reconciler/diff.h"

#include <fmt/format.h>

namespace bottle {
namespace {

/// Why a whole copy is one of another image than the manifest's, whose id is known; empty: it is that one's, and a folder may have changed since.
std::string other_image(const ImageSource& source, const ImageCopy& copy) {
    const bool same_name = copy.source == source.from;
    const bool same = source.kind == ImageSource::Kind::Rootfs ? same_name : copy.source_listing == source.id;
    if (same) return {};
    if (!same_name) return "the copy is one of " + copy.source;
    if (source.kind == ImageSource::Kind::Docker) return fmt::format("the tag {} moved from {} to {}", source.from, short_id(copy.source_listing), short_id(source.id));
    return "the file changed since it was unpacked";
}

/// Why the bottle's copy of its image has to be made; empty where it stands. Only with a look at what the manifest names.
std::string reason_to_copy(const Desired& desired, const MachineView& machine) {
    if (!machine.image_copy.present()) return "absent";
    const auto& copy = *machine.image_copy;
    const auto& source = desired.image_source;
    if (auto why = other_image(source, copy); !why.empty()) return why;
    if (source.kind == ImageSource::Kind::Rootfs && copy.source_listing != *machine.source_listing) return "the folder changed since it was copied";
    if (!machine.image_listing.present() || copy.listing != *machine.image_listing) return "the copy is not as it was made";
    return {};
}

}  // namespace

std::string image_doubt(const Desired& desired, const MachineView& machine) {
    const auto& source = desired.image_source;
    const bool known = !source.id.empty() && machine.image_copy.present();
    return known ? other_image(source, *machine.image_copy) : std::string();
}

void plan_image(const Desired& desired, const MachineView& machine, PlanBuilder& builder) {
    if (desired.image_source.empty()) return;
    if (machine.image_copy.unknown()) {
        builder.refuse("the copy of the image could not be read: " + machine.image_copy.why(), "move it away");
        return;
    }
    const auto& source = desired.image_source;
    // (An image that Docker does not have is refused as the bundle's are, and no step is left then.)
    const auto& seen = source.kind == ImageSource::Kind::Rootfs ? machine.source_listing : machine.source_id;
    if (source.kind != ImageSource::Kind::Docker && !seen.present()) {
        builder.refuse(seen.unknown() ? "the image could not be read: " + seen.why() : "there is no image " + source.from);
        return;
    }
    const auto cause = reason_to_copy(desired, machine);
    if (cause.empty()) return;
    const char symbol = machine.image_copy.present() ? '~' : '+';
    builder.add(make_step(symbol, "image", "image", desired.machine.name, "a copy of " + to_text(source), cause, CopyImage{source, desired.vmm_uid}), builder.ids());
}

}  // namespace bottle
