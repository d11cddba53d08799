#pragma once

#include "reconciler/observed.h"

#include <string>
#include <vector>

// Records of the state database as JSON. Reading throws Error{Exit::Failed} for any text that writing did not make.
namespace bottle {

std::string to_record(const StartRecord& start);
StartRecord start_from_record(const std::string& text);
std::string to_record(const GuestProof& proof);
GuestProof proof_from_record(const std::string& text);
std::string to_record(Unproved unproved);
Unproved unproved_from_record(const std::string& text);
std::string to_record(const std::map<std::string, std::string>& copied);
std::map<std::string, std::string> copied_from_record(const std::string& text);
std::string to_record(const std::vector<SecretGrant>& grants);
std::vector<SecretGrant> grants_from_record(const std::string& text);

}  // namespace bottle
