#pragma once

namespace probe {

/// Reads and removes `file`, which is of lines and contents:
///
///     place PLACE                absolute, or "~/…" in the home of the user, as /etc/passwd has it; what is there goes
///     file x|- SIZE PATH         then SIZE bytes: a file of the place before it, "x" for an executable one; PATH "." is the place itself
///     end
///
/// Absolute places come first: they are root's. From the first "~/…" on, this process is the user, so that no link that the user has put there leads it
/// anywhere where the user could not write. A place appears whole, in the place of what was there. Then all is read again where it is now, and printed:
///
///     NONCE NUMBER DIGEST        for each place: SHA-256 of "x|- SIZE PATH\n" and the content of each of its files; "-" for a place without one that is not there
///     NONCE end COUNT
///
/// Returns the exit code; what went wrong stands on standard error.
int place(const char* nonce, const char* user, const char* file);

}  // namespace probe
