#pragma once

// Ctrl-C: the first ends the work at the next step, after leaving things safe; the second ends bottle at once.
namespace bottle {

/// From now on SIGINT, SIGTERM and SIGHUP ask for an end, which `interrupted` tells, and a SIGINT after one of SIGINT ends the program at once with exit
/// code 130: what it was doing dies with it, and the guard of a start that is not proved kills its machine (controllers/machine/guard.h). Two within a
/// fifth of a second are one: a wrapper passes on what the terminal sent to it and to us. Once a process.
void watch_interrupts();

/// An end was asked for.
bool interrupted();

/// What was asked for until now is done: the next signal is a first one again.
void forget_interrupts();

/// What is written to standard error at once when the first comes, and when the second does. Texts that live for ever; null: nothing.
void set_interrupt_words(const char* first, const char* second);

}  // namespace bottle
