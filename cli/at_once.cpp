#include "cli/at_once.h"

#include <algorithm>
#include <atomic>
#include <thread>
#include <vector>

namespace bottle {

void at_once(std::size_t count, std::size_t parallel, const std::function<void(std::size_t)>& work) {
    std::atomic<std::size_t> next{0};
    const auto take = [&] {
        for (auto i = next++; i < count; i = next++) work(i);
    };
    std::vector<std::thread> workers;
    for (std::size_t i = 1; i < std::min(parallel, count); ++i) workers.emplace_back(take);
    take();
    for (auto& worker : workers) worker.join();
}

}  // namespace bottle
