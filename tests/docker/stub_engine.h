#pragma once

#include "tests/guest/temp_folder.h"

#include <atomic>
#include <functional>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

/// A unix socket that answers as a test wants, one connection at a time, and notes every request.
class StubEngine {
public:
    class Connection {
    public:
        Connection(int fd, const std::atomic<bool>& ended) : fd_(fd), ended_(ended) {}
        /// False once the other side is gone.
        bool send(const std::string& text) const;
        /// Keeps it open, in silence, until the other side goes.
        void hold() const;
        void pause() const;

    private:
        int fd_;
        const std::atomic<bool>& ended_;
    };
    using Handler = std::function<void(const std::string& request, Connection& client)>;

    explicit StubEngine(Handler handler);
    ~StubEngine();
    StubEngine(const StubEngine&) = delete;
    StubEngine& operator=(const StubEngine&) = delete;

    const std::string& socket() const { return path_; }
    std::vector<std::string> requests() const;

private:
    void serve(const Handler& handler);

    TempFolder folder_;
    std::string path_ = folder_.file("docker.sock");
    int fd_ = -1;
    mutable std::mutex mutex_;
    std::vector<std::string> requests_;
    std::atomic<bool> ended_ = false;
    std::thread thread_;
};
