// Stands in for libkrun and libkrunfw: only its name in /proc/PID/maps matters.
extern "C" int stand_in_krun() {
    return 0;
}
