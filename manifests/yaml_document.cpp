#include "manifests/yaml_document.h"

#include "manifests/advice.h"
#include "manifests/plain_scalar.h"
#include "manifests/text_check.h"
#include "schema/pointer.h"

#include <fmt/format.h>
#include <yaml-cpp/eventhandler.h>
#include <yaml-cpp/yaml.h>

#include <set>
#include <sstream>

namespace bottle {
namespace {

using nlohmann::json;

constexpr std::size_t kMaxDepth = 64;
constexpr int kMaxNodes = 20'000;
constexpr std::size_t kMaxScalar = 4096;
constexpr std::size_t kMaxText = 65'536;

/// Thrown inside the handler when going on makes no sense; the problem is already told.
struct GiveUp {};

/// The way out of the errors of yaml-cpp (0.7, exceptions.h) that newcomers meet.
std::string hint_for(const std::string& message) {
    const auto begins = [&](const char* words) { return message.rfind(words, 0) == 0; };
    if (begins(YAML::ErrorMsg::MAP_VALUE)) return "a text with a colon in it has to be in quotes; or this line is not indented as its neighbours are";
    if (begins(YAML::ErrorMsg::END_OF_SEQ_FLOW)) return "a list that begins with [ ends with ], and its entries have commas between them";
    if (begins(YAML::ErrorMsg::END_OF_MAP_FLOW)) return "a mapping that begins with { ends with }, and its entries have commas between them";
    if (begins(YAML::ErrorMsg::END_OF_SEQ) || begins(YAML::ErrorMsg::END_OF_MAP)) return "this line is not indented as its neighbours are";
    if (begins(YAML::ErrorMsg::ALIAS_NOT_FOUND)) return "a text that begins with * has to be in quotes";
    if (begins(YAML::ErrorMsg::UNKNOWN_TOKEN)) return "a text that begins with @, ` or % has to be in quotes";
    if (begins(YAML::ErrorMsg::INVALID_ESCAPE)) return "in double quotes \\ begins an escape: write \\\\, or use single quotes";
    return {};
}

/// yaml-cpp's events to JSON and places.
class Builder : public YAML::EventHandler {
public:
    Builder(const SourceText& source, std::vector<Problem>& problems) : source_(source), problems_(problems) {}

    YamlDocument take() {
        document_.json = std::move(root_);
        return std::move(document_);
    }

    void OnDocumentStart(const YAML::Mark&) override {}
    void OnDocumentEnd() override {}

    void OnNull(const YAML::Mark& mark, YAML::anchor_t anchor) override {
        scalar(mark, "?", anchor, "");
        // Where nothing stands, the mark is that of whatever comes next.
        if (frames_.empty() || frames_.back().value.is_array() || frames_.back().has_key) return;
        const auto pointer = frames_.back().pointer + "/" + escaped_key(frames_.back().key);
        document_.values[pointer] = document_.keys[pointer];
    }
    void OnScalar(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor, const std::string& value) override { scalar(mark, tag, anchor, value); }

    void OnAlias(const YAML::Mark& mark, YAML::anchor_t) override {
        problem(mark, "aliases (*name) are not allowed", "write the value out");
        throw GiveUp{};
    }

    void OnSequenceStart(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor, YAML::EmitterStyle::value) override { open(mark, tag, anchor, json::array()); }
    void OnSequenceEnd() override { close(); }
    void OnMapStart(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor, YAML::EmitterStyle::value) override { open(mark, tag, anchor, json::object()); }
    void OnMapEnd() override { close(); }

private:
    struct Frame {
        json value;
        std::string pointer;
        std::set<std::string> seen;
        std::string key;
        bool has_key = false;
    };

    void problem(const YAML::Mark& mark, std::string text, std::string hint = {}) {
        problems_.push_back(source_.problem(place(mark), std::move(text), std::move(hint)));
    }

    Place place(const YAML::Mark& mark) const { return {source_.file(), mark.line + 1, mark.column + 1}; }

    bool expects_key() const { return !frames_.empty() && frames_.back().value.is_object() && !frames_.back().has_key; }

    std::string pointer_of_next() const {
        if (frames_.empty()) return "";
        const auto& frame = frames_.back();
        return frame.pointer + "/" + (frame.value.is_object() ? escaped_key(frame.key) : std::to_string(frame.value.size()));
    }

    void count(const YAML::Mark& mark) {
        if (++nodes_ <= kMaxNodes) return;
        problem(mark, fmt::format("the document has more than {} values", kMaxNodes));
        throw GiveUp{};
    }

    void refuse_properties(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor) {
        if (anchor != YAML::NullAnchor) {
            problem(mark, "anchors (&name) are not allowed", "write the value out where it is needed");
            throw GiveUp{};
        }
        if (!tag.empty() && tag != "?" && tag != "!") problem(mark, fmt::format("tags ({}) are not allowed", printable(tag.substr(0, 60))), "");
    }

    void scalar(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor, const std::string& value) {
        count(mark);
        refuse_properties(mark, tag, anchor);
        const bool quoted = tag == "!";
        if (quoted) check_terminated(mark);
        if (expects_key()) return key(mark, value, quoted);
        const auto pointer = pointer_of_next();
        const bool is_text = pointer.find("/command/") != std::string::npos || pointer.find("/env/") != std::string::npos;
        if (value.size() > (is_text ? kMaxText : kMaxScalar)) {
            problem(mark, fmt::format("a value of {} bytes is longer than {}", value.size(), is_text ? kMaxText : kMaxScalar));
            return add(mark, "");
        }
        if (quoted) return add(mark, value);
        auto plain = read_plain_scalar(value);
        if (!plain.problem.empty()) problem(mark, printable(plain.problem), printable(plain_scalar_hint(pointer, value, plain.hint)));
        add(mark, std::move(plain.value));
    }

    void key(const YAML::Mark& mark, const std::string& text, bool quoted) {
        auto& frame = frames_.back();
        frame.has_key = true;
        frame.key = text;
        if (text == "<<" && !quoted) problem(mark, "merge keys (<<) are not allowed", "write the keys out");
        else if (text.empty()) problem(mark, "a key is empty", "");
        else if (text.size() > kMaxScalar) problem(mark, "a key is longer than 4096 bytes", "");
        else if (!frame.seen.insert(text).second) problem(mark, fmt::format("the key {} stands here twice", printable(text)), "one reader takes the first, another the last: keep one");
        document_.keys[frame.pointer + "/" + escaped_key(text)] = place(mark);
    }

    /// yaml-cpp 0.7 takes the end of the text for the end of a quoted scalar.
    void check_terminated(const YAML::Mark& mark) {
        const auto& text = source_.text();
        auto at = source_.offset(mark.line + 1, mark.column + 1);
        if (at >= text.size() || (text[at] != '"' && text[at] != '\'')) return;
        const char quote = text[at];
        for (++at; at < text.size(); ++at) {
            if (quote == '"' && text[at] == '\\') {
                ++at;
            } else if (text[at] == quote) {
                if (quote == '"' || at + 1 >= text.size() || text[at + 1] != quote) return;
                ++at;
            }
        }
        problem(mark, "a quoted text has no end", fmt::format("close it with {}", quote));
        throw GiveUp{};
    }

    void open(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor, json value) {
        count(mark);
        refuse_properties(mark, tag, anchor);
        if (expects_key()) {
            problem(mark, "a key must be a plain text", "a text that begins with { or [ has to be in quotes");
            throw GiveUp{};
        }
        if (frames_.size() >= kMaxDepth) {
            problem(mark, fmt::format("it is nested deeper than {}", kMaxDepth));
            throw GiveUp{};
        }
        const auto pointer = pointer_of_next();
        document_.values[pointer] = place(mark);
        frames_.push_back({std::move(value), pointer, {}, "", false});
    }

    void close() {
        auto done = std::move(frames_.back().value);
        frames_.pop_back();
        put(std::move(done));
    }

    void add(const YAML::Mark& mark, json value) {
        document_.values[pointer_of_next()] = place(mark);
        put(std::move(value));
    }

    void put(json value) {
        if (frames_.empty()) {
            root_ = std::move(value);
            return;
        }
        auto& frame = frames_.back();
        if (frame.value.is_array()) {
            frame.value.push_back(std::move(value));
        } else {
            frame.value[frame.key] = std::move(value);
            frame.has_key = false;
        }
    }

    const SourceText& source_;
    std::vector<Problem>& problems_;
    YamlDocument document_;
    std::vector<Frame> frames_;
    json root_;
    int nodes_ = 0;
};

}  // namespace

std::vector<YamlDocument> read_yaml(const SourceText& source, std::vector<Problem>& problems) {
    std::vector<YamlDocument> documents;
    const auto before = problems.size();
    check_text(source, problems);
    if (problems.size() > before) return documents;
    std::istringstream stream(source.text());
    try {
        YAML::Parser parser(stream);
        for (;;) {
            Builder builder(source, problems);
            if (!parser.HandleNextDocument(builder)) break;
            documents.push_back(builder.take());
        }
    } catch (const GiveUp&) {
        return {};
    } catch (const YAML::Exception& error) {
        const Place place{source.file(), std::max(error.mark.line, 0) + 1, std::max(error.mark.column, 0) + 1};
        problems.push_back(source.problem(place, "this is no YAML: " + printable(error.msg), hint_for(error.msg)));
        return {};
    }
    if (problems.size() > before) return {};
    return documents;
}

}  // namespace bottle
