#pragma once

#include "reconciler/resources.h"

#include <string>

// Bodies of Docker's create calls (API 1.41), as texts: pure, so that they can be compared. An unknown field would be ignored by Docker in
// silence (20.10): what was really made is always read back.
namespace bottle {

std::string network_body(const Network& network);
std::string volume_body(const Volume& volume);
/// `network_id`: of its first attachment, empty for a container that joins another; `joined_id`: of the container whose namespace it joins.
std::string container_body(const Container& container, const std::string& network_id, const std::string& joined_id);
std::string connect_body(const std::string& container_id, const std::string& ipv4);

}  // namespace bottle
