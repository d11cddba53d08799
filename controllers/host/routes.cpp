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

/// "a.b.c.d/n" of a route that counts as taken; nothing for default routes, and for the kernel's own table of the host's addresses, which
/// only repeats what the networks' routes say.
std::optional<std::string> destination(const nlmsghdr* header) {
    const auto* message = static_cast<const rtmsg*>(NLMSG_DATA(header));
    const auto target = attribute(header, RTA_DST);
    if (message->rtm_dst_len == 0 || !target || message->rtm_table == RT_TABLE_LOCAL) return std::nullopt;
    return format_subnet({ntohl(*target), message->rtm_dst_len});
}

/// Nothing when the table changed while it was read. Throws Error{Exit::Failed}.
std::optional<std::vector<std::string>> dump_destinations() {
    const Netlink netlink;
    const auto ask = request(NLM_F_REQUEST | NLM_F_DUMP);
    const auto silent = [] { return Error(Exit::Failed, "the kernel does not list its routes"); };
    if (!netlink.send(&ask, ask.header.nlmsg_len)) throw silent();
    std::vector<std::string> destinations;
    bool whole = true;
    for (;;) {
        std::array<char, 65536> buffer{};
        auto received = netlink.receive(buffer);
        if (received <= 0) throw silent();
        for (auto* header = reinterpret_cast<const nlmsghdr*>(buffer.data()); NLMSG_OK(header, static_cast<std::size_t>(received));
             header = NLMSG_NEXT(header, received)) {
            if ((header->nlmsg_flags & NLM_F_DUMP_INTR) != 0) whole = false;
            if (header->nlmsg_type == NLMSG_DONE) return whole ? std::optional(destinations) : std::nullopt;
            if (header->nlmsg_type == NLMSG_ERROR) throw silent();
            if (header->nlmsg_type != RTM_NEWROUTE || header->nlmsg_len < NLMSG_LENGTH(sizeof(rtmsg))) continue;
            if (const auto text = destination(header)) destinations.push_back(*text);
        }
    }
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
    if (header->nlmsg_type == RTM_NEWROUTE && header->nlmsg_len >= NLMSG_LENGTH(sizeof(rtmsg))) return read_route(header);
    if (header->nlmsg_type != NLMSG_ERROR || header->nlmsg_len < NLMSG_LENGTH(sizeof(nlmsgerr))) return Unknown{"the kernel's answer on the route makes no sense"};
    const int error = -static_cast<const nlmsgerr*>(NLMSG_DATA(header))->error;
    // What a route of type unreachable, prohibit or blackhole says: EHOSTUNREACH, EACCES, EINVAL.
    if (error == ENETUNREACH || error == EHOSTUNREACH || error == EACCES || error == EINVAL) return Absent{};
    return Unknown{fmt::format("the kernel does not say where the address leads: {}", std::strerror(error))};
}

std::vector<std::string> routed_destinations() {
    // A dump that a change interrupted may have left routes out; on a host that never rests it is an error in the end.
    constexpr int kTries = 5;
    for (int i = 0; i < kTries; ++i) {
        if (auto destinations = dump_destinations()) {
            std::sort(destinations->begin(), destinations->end());
            destinations->erase(std::unique(destinations->begin(), destinations->end()), destinations->end());
            return *destinations;
        }
    }
    throw Error(Exit::Failed, "the kernel's routes change all the time: no whole list of them could be read");
}

}  // namespace bottle
