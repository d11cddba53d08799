#include "controllers/guest/host_addresses.h"

#include <arpa/inet.h>
#include <ifaddrs.h>
#include <net/if.h>
#include <netinet/in.h>
#include <unistd.h>

#include <fmt/format.h>

namespace bottle {
namespace {

bool is_bridge(const std::string& interface) {
    return access(fmt::format("/sys/class/net/{}/bridge", interface).c_str(), F_OK) == 0;
}

void add_four(const ifaddrs& entry, std::vector<HostAddress>& to) {
    const in_addr& address = reinterpret_cast<const sockaddr_in*>(entry.ifa_addr)->sin_addr;
    bool link_local = (ntohl(address.s_addr) >> 16) == 0xa9fe;  // 169.254.0.0/16
    char text[INET_ADDRSTRLEN] = {};
    if (link_local || (entry.ifa_flags & IFF_LOOPBACK) != 0) return;
    to.push_back({entry.ifa_name, inet_ntop(AF_INET, &address, text, sizeof text)});
}

void add_six(const ifaddrs& entry, std::vector<HostAddress>& to, std::vector<HostAddress>& loopback) {
    const in6_addr& address = reinterpret_cast<const sockaddr_in6*>(entry.ifa_addr)->sin6_addr;
    char text[INET6_ADDRSTRLEN] = {};
    inet_ntop(AF_INET6, &address, text, sizeof text);
    if (IN6_IS_ADDR_LOOPBACK(&address))
        loopback.push_back({entry.ifa_name, text});
    else if (!IN6_IS_ADDR_LINKLOCAL(&address))
        to.push_back({entry.ifa_name, text});
}

}  // namespace

std::vector<HostAddress> host_addresses() {
    std::vector<HostAddress> four;
    std::vector<HostAddress> six;
    std::vector<HostAddress> loopback;
    ifaddrs* list = nullptr;
    if (getifaddrs(&list) != 0) return {};
    for (const ifaddrs* entry = list; entry != nullptr; entry = entry->ifa_next) {
        if (entry->ifa_addr == nullptr || (entry->ifa_flags & IFF_UP) == 0 || is_bridge(entry->ifa_name)) continue;
        if (entry->ifa_addr->sa_family == AF_INET) add_four(*entry, four);
        if (entry->ifa_addr->sa_family == AF_INET6) add_six(*entry, six, loopback);
    }
    freeifaddrs(list);
    four.insert(four.end(), six.begin(), six.end());
    four.insert(four.end(), loopback.begin(), loopback.end());
    return four;
}

}  // namespace bottle
