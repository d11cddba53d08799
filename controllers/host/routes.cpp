#include "controllers/host/routes.h"

#include "manifests/error.h"
#include "reconciler/address.h"

#include <fmt/format.h>

#include <arpa/inet.h>
#include <linux/rtnetlink.h>
#include <net/if.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <optional>

namespace bottle {
namespace {

class Netlink {
public:
    Netlink() : fd_(socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_ROUTE)) {
        const timeval patience{2, 0};
        setsockopt(fd_, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
    }
    ~Netlink() {
        if (fd_ >= 0) close(fd_);
    }
    Netlink(const Netlink&) = delete;
    Netlink& operator=(const Netlink&) = delete;

    bool send(const void* data, std::size_t size) const { return ::send(fd_, data, size, 0) == static_cast<ssize_t>(size); }
    ssize_t receive(std::array<char, 65536>& buffer) const { return recv(fd_, buffer.data(), buffer.size(), 0); }

private:
    int fd_;
};

struct Request {
    nlmsghdr header{};
    rtmsg message{};
    std::array<char, 64> attributes{};

    void add(unsigned short type, const void* data, unsigned short size) {
        const auto at = NLMSG_ALIGN(header.nlmsg_len);
        rtattr attribute{};
        attribute.rta_type = type;
        attribute.rta_len = static_cast<unsigned short>(RTA_LENGTH(size));
        std::memcpy(reinterpret_cast<char*>(this) + at, &attribute, sizeof attribute);
        std::memcpy(reinterpret_cast<char*>(this) + at + RTA_LENGTH(0), data, size);
        header.nlmsg_len = static_cast<std::uint32_t>(at + RTA_LENGTH(size));
    }
};

Request request(unsigned short flags) {
    Request r;
    r.header.nlmsg_type = RTM_GETROUTE;
    r.header.nlmsg_flags = flags;
    r.header.nlmsg_len = NLMSG_LENGTH(sizeof(rtmsg));
    r.message.rtm_family = AF_INET;
    return r;
}

std::optional<std::uint32_t> attribute(const nlmsghdr* header, unsigned short wanted) {
    const auto* message = static_cast<const rtmsg*>(NLMSG_DATA(header));
    auto left = static_cast<int>(RTM_PAYLOAD(header));
    for (auto* a = RTM_RTA(message); RTA_OK(a, left); a = RTA_NEXT(a, left)) {
        if (a->rta_type != wanted || RTA_PAYLOAD(a) < sizeof(std::uint32_t)) continue;
        std::uint32_t value = 0;
        std::memcpy(&value, RTA_DATA(a), sizeof value);
        return value;
    }
    return std::nullopt;
}

Observation<Route> read_route(const nlmsghdr* header) {
    const auto* message = static_cast<const rtmsg*>(NLMSG_DATA(header));
    Route route;
    route.local = message->rtm_type == RTN_LOCAL;
    route.via_gateway = attribute(header, RTA_GATEWAY).has_value();
    if (message->rtm_type != RTN_UNICAST && message->rtm_type != RTN_LOCAL) return Absent{};
    const auto index = attribute(header, RTA_OIF);
    std::array<char, IF_NAMESIZE> name{};
    if (!index || if_indextoname(*index, name.data()) == nullptr) return Unknown{"the route names no interface"};
    route.device = name.data();
    return route;
}

/// "a.b.c.d/n" of a route that counts as taken; nothing for default, loopback and single-address routes of the kernel's own table.
std::optional<std::string> destination(const nlmsghdr* header) {
    const auto* message = static_cast<const rtmsg*>(NLMSG_DATA(header));
    const auto target = attribute(header, RTA_DST);
    if (message->rtm_dst_len == 0 || !target || message->rtm_table == RT_TABLE_LOCAL) return std::nullopt;
    return format_subnet({ntohl(*target), message->rtm_dst_len});
}

}  // namespace

Observation<Route> route_to(const std::string& address, std::int64_t uid) {
    in_addr target{};
    if (inet_pton(AF_INET, address.c_str(), &target) != 1) return Unknown{"no address: " + address};
    const Netlink netlink;
    auto ask = request(NLM_F_REQUEST);
    ask.message.rtm_dst_len = 32;
    const auto id = static_cast<std::uint32_t>(uid);
    ask.add(RTA_DST, &target, sizeof target);
    ask.add(RTA_UID, &id, sizeof id);
    std::array<char, 65536> buffer{};
    const auto received = netlink.send(&ask, ask.header.nlmsg_len) ? netlink.receive(buffer) : -1;
    const auto* header = reinterpret_cast<const nlmsghdr*>(buffer.data());
    if (received < 0 || !NLMSG_OK(header, static_cast<std::size_t>(received))) return Unknown{"the kernel does not say where the address leads"};
    if (header->nlmsg_type != NLMSG_ERROR) return read_route(header);
    const int error = -static_cast<const nlmsgerr*>(NLMSG_DATA(header))->error;
    if (error == ENETUNREACH || error == EHOSTUNREACH || error == EACCES || error == EINVAL) return Absent{};
    return Unknown{fmt::format("the kernel does not say where the address leads: {}", std::strerror(error))};
}

std::vector<std::string> routed_destinations() {
    const Netlink netlink;
    const auto ask = request(NLM_F_REQUEST | NLM_F_DUMP);
    std::vector<std::string> destinations;
    bool done = !netlink.send(&ask, ask.header.nlmsg_len);
    if (done) throw Error(Exit::Failed, "the kernel does not list its routes");
    while (!done) {
        std::array<char, 65536> buffer{};
        auto received = netlink.receive(buffer);
        if (received <= 0) throw Error(Exit::Failed, "the kernel does not list its routes");
        for (auto* header = reinterpret_cast<const nlmsghdr*>(buffer.data()); NLMSG_OK(header, static_cast<std::size_t>(received));
             header = NLMSG_NEXT(header, received)) {
            if (header->nlmsg_type == NLMSG_DONE) done = true;
            if (header->nlmsg_type == NLMSG_ERROR) throw Error(Exit::Failed, "the kernel does not list its routes");
            if (header->nlmsg_type != RTM_NEWROUTE) continue;
            if (const auto text = destination(header)) destinations.push_back(*text);
        }
    }
    std::sort(destinations.begin(), destinations.end());
    destinations.erase(std::unique(destinations.begin(), destinations.end()), destinations.end());
    return destinations;
}

}  // namespace bottle
