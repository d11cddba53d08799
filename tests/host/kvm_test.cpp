#include "controllers/host/kvm.h"

#include "tests/guest/temp_folder.h"

#include <catch2/catch.hpp>

#include <sys/stat.h>

using namespace bottle;

namespace {

KvmFacts device(unsigned mode, std::int64_t uid, std::int64_t gid) {
    KvmFacts kvm;
    kvm.exists = true;
    kvm.is_device = true;
    kvm.mode = mode;
    kvm.uid = uid;
    kvm.gid = gid;
    return kvm;
}

}  // namespace

TEST_CASE("the one class of the mode that applies decides") {
    constexpr std::int64_t kVmm = 2'900'005;
    CHECK(device(0660, 0, 995).openable_by(kVmm, {995}));
    CHECK_FALSE(device(0660, 0, 995).openable_by(kVmm, {}));
    CHECK_FALSE(device(0660, 0, 995).openable_by(kVmm, {994}));
    CHECK(device(0666, 0, 0).openable_by(kVmm, {}));
    CHECK_FALSE(device(0600, 0, 995).openable_by(kVmm, {995}));
    CHECK(device(0600, kVmm, 0).openable_by(kVmm, {}));
    // Both reading and writing are needed.
    CHECK_FALSE(device(0640, 0, 995).openable_by(kVmm, {995}));
    CHECK_FALSE(device(0620, 0, 995).openable_by(kVmm, {995}));
    // A group that is denied is not helped by what others may.
    CHECK_FALSE(device(0606, 0, 995).openable_by(kVmm, {995}));
    CHECK_FALSE(device(0066, kVmm, 0).openable_by(kVmm, {}));

    auto kvm = device(0666, 0, 0);
    kvm.is_device = false;
    CHECK_FALSE(kvm.openable_by(kVmm, {}));
    CHECK_FALSE(KvmFacts{}.openable_by(kVmm, {}));
}

TEST_CASE("the device's facts are read from the host") {
    const TempFolder folder;
    const auto null_device = read_kvm("/dev/null", folder.file("none"));
    CHECK(null_device.exists);
    CHECK(null_device.is_device);
    CHECK(null_device.mode == 0666);
    CHECK(null_device.uid == 0);
    CHECK_FALSE(null_device.cpu_can);

    write_file(folder.file("kvm"), "");
    chmod(folder.file("kvm").c_str(), 0640);
    const auto file = read_kvm(folder.file("kvm"), folder.file("none"));
    CHECK(file.exists);
    CHECK_FALSE(file.is_device);
    CHECK(file.mode == 0640);

    CHECK(read_kvm(folder.file("missing"), folder.file("none")) == KvmFacts{});
}

TEST_CASE("only the processor's flags say what it can") {
    const TempFolder folder;
    const auto can = [&](const std::string& cpuinfo) {
        write_file(folder.file("cpuinfo"), cpuinfo);
        return read_kvm(folder.file("missing"), folder.file("cpuinfo")).cpu_can;
    };
    CHECK(can("processor\t: 0\nflags\t\t: fpu vme vmx smx\nbugs\t\t: x\n"));
    CHECK(can("processor\t: 0\nflags\t\t: fpu svm\n"));
    CHECK_FALSE(can("processor\t: 0\nflags\t\t: fpu vme\n"));
    CHECK_FALSE(can("model name\t: the svm one\nflags\t\t: fpu\nvmx flags\t: vnmi\n"));
    CHECK_FALSE(can(""));
}
