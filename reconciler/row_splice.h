#pragma once

#include <string>

namespace bottle {

/// The row's text with `network:true`, `allowed_cidrs:["<cidr>"]` and `dns_filter_hosts:[]`; every other byte stays as it is.
/// A key that is there is replaced in place, one that is not is put at the end of the object.
/// Throws Error{Exit::Failed} for a text that distrust_of_object refuses, and for a `cidr` that is not "a.b.c.d/32" in canonical text.
std::string splice_allowlist(const std::string& row, const std::string& cidr);

/// The row's text as of a machine that was created without a network: `network:false`, `allowed_cidrs:null` and no `dns_filter_hosts`; every other
/// byte stays as it is. Throws as above.
std::string splice_offline(const std::string& row);

}  // namespace bottle
