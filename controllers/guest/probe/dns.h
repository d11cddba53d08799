#pragma once

#include "controllers/guest/probe/attempt.h"

namespace probe {

/// Writes a query for the A record of `name` with a random id; returns its length, 0 if it does not fit.
size_t dns_query(const char* name, unsigned char* to, size_t size);

/// True if the message answers the query that the attempt sent: same id, and a response.
bool is_dns_answer(const Attempt& attempt, const unsigned char* message, size_t length);

/// Ends the attempt by a DNS message: Nxdomain for exactly that, Answered for any other answer.
void judge_dns(Attempt& attempt, const unsigned char* message, size_t length);

}  // namespace probe
