#include "controllers/state/digest.h"

#include "tests/state/raised.h"

#include <catch2/catch.hpp>

#include <set>

using namespace bottle;

TEST_CASE("digests are the published ones") {
    // FIPS 180-2, appendix B.1; RFC 4231, test case 2.
    CHECK(sha256_hex("abc") == "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
    CHECK(sha256_hex("") == "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
    CHECK(hmac_sha256_hex("Jefe", "what do ya want for nothing?") == "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843");
    CHECK(sha256_hex(std::string_view("a\0b", 3)) != sha256_hex("a"));
}

TEST_CASE("random texts have the length that was asked for, and differ") {
    std::set<std::string> seen;
    for (int i = 0; i < 100; ++i) seen.insert(random_hex(16));
    CHECK(seen.size() == 100);
    CHECK(seen.begin()->size() == 32);
    CHECK(random_hex(256).size() == 512);
    CHECK(raised([] { random_hex(257); }) == "1: the kernel gave no random bytes");
}
