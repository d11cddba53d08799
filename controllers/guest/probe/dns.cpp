#include "controllers/guest/probe/dns.h"

#include <sys/random.h>

#include <cstdio>
#include <cstring>

namespace probe {
namespace {

constexpr size_t kHeader = 12;

unsigned char lower(unsigned char byte) {
    return byte >= 'A' && byte <= 'Z' ? static_cast<unsigned char>(byte + 32) : byte;
}

bool repeats_question(const Attempt& attempt, const unsigned char* message, size_t length) {
    if (length < attempt.sent_length || message[4] != 0 || message[5] != 1) return false;
    for (size_t i = kHeader; i < attempt.sent_length; ++i) {
        if (lower(message[i]) != lower(attempt.sent[i])) return false;
    }
    return true;
}

}  // namespace

size_t dns_query(const char* name, unsigned char* to, size_t size) {
    size_t name_length = strlen(name);
    if (name_length > 190 || kHeader + name_length + 2 + 4 > size) return 0;
    memset(to, 0, kHeader);
    if (getrandom(to, 2, 0) != 2) return 0;
    to[2] = 1;  // recursion desired
    to[5] = 1;  // one question
    size_t length_at = kHeader;
    size_t at = kHeader + 1;
    for (size_t i = 0; i <= name_length; ++i) {
        if (name[i] != '.' && name[i] != '\0') {
            to[at++] = static_cast<unsigned char>(name[i]);
            continue;
        }
        size_t label = at - length_at - 1;
        if (label == 0 || label > 63) return 0;
        to[length_at] = static_cast<unsigned char>(label);
        length_at = at++;
    }
    to[length_at] = 0;
    const unsigned char type_a_class_in[] = {0, 1, 0, 1};
    memcpy(to + at, type_a_class_in, sizeof type_a_class_in);
    return at + sizeof type_a_class_in;
}

bool is_dns_answer(const Attempt& attempt, const unsigned char* message, size_t length) {
    return length >= kHeader && memcmp(message, attempt.sent, 2) == 0 && (message[2] & 0x80) != 0;
}

void judge_dns(Attempt& attempt, const unsigned char* message, size_t length) {
    if (!is_dns_answer(attempt, message, length)) {
        note(attempt, "not-dns");
        return finish(attempt, Outcome::Answered);
    }
    int code = message[3] & 0x0f;
    int answers = message[6] << 8 | message[7];
    bool ours = repeats_question(attempt, message, length);
    char text[64];
    snprintf(text, sizeof text, "rcode=%d,answers=%d%s", code, answers, ours ? "" : ",other-question");
    note(attempt, text);
    finish(attempt, code == 3 && answers == 0 && ours ? Outcome::Nxdomain : Outcome::Answered);
}

}  // namespace probe
