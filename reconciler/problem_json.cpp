#include "reconciler/problem_json.h"

#include <nlohmann/json.hpp>

namespace bottle {

nlohmann::json problem_json(const Problem& problem) {
    return {{"text", problem.text}, {"hint", problem.hint}, {"place", problem.place ? nlohmann::json(to_string(*problem.place)) : nlohmann::json()}};
}

}  // namespace bottle
