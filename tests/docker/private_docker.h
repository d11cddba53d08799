#pragma once

#include "controllers/docker/docker_controller.h"
#include "tests/support/sample_bottle.h"

#include <string>

namespace bottle {

/// The Docker that DOCKER_HOST names: one that this test may do anything with (tests/support/with-dockerd). A test without it fails.
std::string private_docker_socket();

/// Somebody's hand on Docker, past bottle.
class DockerHand {
public:
    explicit DockerHand(Engine& engine) : engine_(engine) {}

    void import_image(const std::string& reference, const std::string& changes);
    void restart(const std::string& container);
    void kill(const std::string& container);
    void remove_container(const std::string& container);
    void remove_network(const std::string& network);
    void connect(const std::string& network, const std::string& container);
    void disconnect(const std::string& network, const std::string& container);
    void add_network(const std::string& name, const std::string& subnet);
    void add_container(const std::string& name, const std::string& network);
    /// One that is made, not started, and would be published at that address.
    void add_publishing(const std::string& name, const std::string& network, const std::string& address, const std::string& port);
    void start(const std::string& container);
    /// Removes everything: containers, networks, volumes.
    void clear();
    nlohmann::json get(const std::string& path);

private:
    void call(const std::string& method, const std::string& path, const nlohmann::json& body = nullptr);

    Engine& engine_;
};

/// The in-memory host with a real Docker in it.
class DockerWorld : public Observer, public Executor {
public:
    DockerWorld(Engine& engine, model::ModelWorld& model) : controller_(engine), model_(model) {}

    Snapshot observe(const Scope& scope) override;
    Outcome execute(const Step& step, const Desired& desired, const Snapshot& snapshot) override;

    int docker_mutations = 0;

private:
    DockerController controller_;
    model::ModelWorld& model_;
};

}  // namespace bottle
