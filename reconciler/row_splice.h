#pragma once

#include <string>

namespace bottle {

/// The row's text with `network:true`, `allowed_cidrs:["<cidr>"]` and `dns_filter_hosts:[]`; every other byte stays as it is.
/// A key that is there is replaced in place, one that is not is put at the end of the object.
/// Throws Error{Exit::Failed} for a text that distrust_of_object refuses, and for a `cidr` that is not "a.b.c.d/32" in canonical text.
std::string splice_allowlist(const std::string& row, const std::string& cidr);

/// The same for a machine on TSI (0.8.0 to 1.1.2): without `dns_filter_hosts`, whose entries would join the list. Throws as well for an address that is
/// none of 127.0.0.0/8: to a list with one, smolvm adds the host's name server with every port of it (0.8.0, source).
std::string splice_loopback(const std::string& row, const std::string& cidr);

/// The row's text as of a machine that was created without a network: `network:false`, `allowed_cidrs:null` and no `dns_filter_hosts`; every other
/// byte stays as it is. Throws as above.
std::string splice_offline(const std::string& row);

}  // namespace bottle
