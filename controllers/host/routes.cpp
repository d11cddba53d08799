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

    /// Size of the next answer of the kernel itself (port 0: any process may write to a netlink socket); -1 when there is none, or it does not fit.
    ssize_t receive(std::array<char, 65536>& buffer) const {
        for (;;) {
            sockaddr_nl sender{};
            iovec part{buffer.data(), buffer.size()};
            msghdr message{};
            message.msg_name = &sender;
            message.msg_namelen = sizeof sender;
            message.msg_iov = &part;
            message.msg_iovlen = 1;
            const auto count = recvmsg(fd_, &message, 0);
            if (count < 0 && errno == EINTR) continue;
            if (count < 0 || (message.msg_flags & MSG_TRUNC) != 0) return -1;
            if (message.msg_namelen == sizeof sender && sender.nl_pid == 0) return count;
        }
    }

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
    // RTA_VIA: an IPv4 route by an IPv6 neighbour.
    route.via_gateway = attribute(header, RTA_GATEWAY).has_value() || attribute(header, RTA_VIA).has_value();
    if (message->rtm_type != RTN_UNICAST && message->rtm_type != RTN_LOCAL) return Absent{};
    const auto index = attribute(header, RTA_OIF);
    std::array<char, IF_NAMESIZE> name{};
    if (!index || if_indextoname(*index, name.data()) == nullptr) return Unknown{"the route names no interface"};
    route.device = name.data();
    return route;
}

/// The kernel's own table of the host's addresses has routes of these types for each network's first and last address.
bool is_of_many(const rtmsg& message) {
    return message.rtm_type == RTN_BROADCAST || message.rtm_type == RTN_MULTICAST || message.rtm_type == RTN_ANYCAST;
}

void take_route(const nlmsghdr* header, HostRoutes& routes) {
    const auto* message = static_cast<const rtmsg*>(NLMSG_DATA(header));
    const auto target = attribute(header, RTA_DST);
    if (message->rtm_dst_len == 0 || !target || is_of_many(*message)) return;
    const auto destination = format_subnet({ntohl(*target), message->rtm_dst_len});
    const auto index = attribute(header, RTA_OIF);
    std::array<char, IF_NAMESIZE> name{};
    const bool named = index && if_indextoname(*index, name.data()) != nullptr;
    routes.carriers.push_back({destination, named ? name.data() : ""});
    // The table of the host's own addresses only repeats what the networks' routes say.
    if (message->rtm_table != RT_TABLE_LOCAL) routes.destinations.push_back(destination);
}

template <class T>
void sort_once(std::vector<T>& list) {
    std::sort(list.begin(), list.end());
    list.erase(std::unique(list.begin(), list.end()), list.end());
}

/// Nothing when the table changed while it was read. Throws Error{Exit::Failed}.
std::optional<HostRoutes> dump_routes() {
    const Netlink netlink;
    const auto ask = request(NLM_F_REQUEST | NLM_F_DUMP);
    const auto silent = [] { return Error(Exit::Failed, "the kernel does not list its routes"); };
    if (!netlink.send(&ask, ask.header.nlmsg_len)) throw silent();
    HostRoutes routes;
    bool whole = true;
    for (;;) {
        std::array<char, 65536> buffer{};
        auto received = netlink.receive(buffer);
        if (received <= 0) throw silent();
        for (auto* header = reinterpret_cast<const nlmsghdr*>(buffer.data()); NLMSG_OK(header, static_cast<std::size_t>(received));
             header = NLMSG_NEXT(header, received)) {
            if ((header->nlmsg_flags & NLM_F_DUMP_INTR) != 0) whole = false;
            if (header->nlmsg_type == NLMSG_DONE) return whole ? std::optional(routes) : std::nullopt;
            if (header->nlmsg_type == NLMSG_ERROR) throw silent();
            if (header->nlmsg_type != RTM_NEWROUTE || header->nlmsg_len < NLMSG_LENGTH(sizeof(rtmsg))) continue;
            take_route(header, routes);
        }
    }
}

}  // namespace

Observation<Route> route_to(const std::string& address, std::int64_t uid) {
    const auto parsed = parse_address(address);
    if (!parsed) return Unknown{"no address: " + address};
    const auto target = htonl(*parsed);
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
    if (header->nlmsg_type == RTM_NEWROUTE && header->nlmsg_len >= NLMSG_LENGTH(sizeof(rtmsg))) return read_route(header);
    if (header->nlmsg_type != NLMSG_ERROR || header->nlmsg_len < NLMSG_LENGTH(sizeof(nlmsgerr))) return Unknown{"the kernel's answer on the route makes no sense"};
    const int error = -static_cast<const nlmsgerr*>(NLMSG_DATA(header))->error;
    // What a route of type unreachable, prohibit or blackhole says: EHOSTUNREACH, EACCES, EINVAL.
    if (error == ENETUNREACH || error == EHOSTUNREACH || error == EACCES || error == EINVAL) return Absent{};
    return Unknown{fmt::format("the kernel does not say where the address leads: {}", std::strerror(error))};
}

HostRoutes host_routes() {
    // A dump that a change interrupted may have left routes out; on a host that never rests it is an error in the end.
    constexpr int kTries = 5;
    for (int i = 0; i < kTries; ++i) {
        if (auto routes = dump_routes()) {
            sort_once(routes->destinations);
            sort_once(routes->carriers);
            return *routes;
        }
    }
    throw Error(Exit::Failed, "the kernel's routes change all the time: no whole list of them could be read");
}

}  // namespace bottle
