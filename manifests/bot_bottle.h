#pragma once

#include "manifests/error.h"

#include <string>
#include <vector>

// The bottles and agents of bot-bottle, the tool that was before this one: Markdown files with YAML front matter, one a thing, named by their file.
namespace bottle {

/// "docs.md" and what is in it.
struct MarkdownFile {
    std::string path;
    std::string text;
};

/// What an import comes to.
struct Imported {
    struct File {
        std::string name;  ///< "docs.yaml", "docs.prompt.md"
        std::string text;
    };
    std::vector<File> files;          ///< one manifest an agent, and its prompt beside it
    std::vector<std::string> report;  ///< what has no counterpart or has to be put in by hand: "agent docs: …"
    std::vector<std::string> policy;  ///< lines for `secrets` in the host policy; empty: no secret is asked for
    std::vector<Problem> problems;    ///< not empty: nothing may be written
};

/// One manifest for each agent, its bottle and that one's parents merged as bot-bottle merges them: env by key, git, git-gate, egress and supervise
/// replaced whole where the child has the key. A cycle or a missing parent is a problem that names the chain. A file whose name is none of bot-bottle's
/// ([a-z][a-z0-9-]*) is passed over, and reported. Of variables: "${NAME}" becomes a secret's name, "?…" (asked on the terminal there) is reported. An egress route of which a part has no counterpart is left out, and reported.
Imported import_bot_bottle(const std::vector<MarkdownFile>& bottles, const std::vector<MarkdownFile>& agents);

}  // namespace bottle
