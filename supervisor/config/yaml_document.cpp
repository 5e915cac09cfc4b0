// SPDX-License-Identifier: Apache-2.0
// Builds the tree from the parser's events and refuses what the library lets pass. See yaml_document.h.
// The library throws; nothing of that leaves parse_yaml.
#include "config/yaml_document.h"

#include "config/concat.h"
#include "config/yaml_reason.h"

#include <yaml-cpp/eventhandler.h>
#include <yaml-cpp/exceptions.h>
#include <yaml-cpp/parser.h>

#include <algorithm>
#include <map>
#include <ranges>
#include <spanstream>
#include <unordered_map>

namespace davit::config {

namespace {

/// Ends the reading of a text whose problem has been told.
struct Refused {};

constexpr std::string_view open_quote = "a quote that is never closed begins here";

/// Above this many entries a map is searched by hash.
constexpr std::size_t small_map = 16;

std::string_view line_at(std::string_view text, std::size_t line) {
    std::size_t begin = 0;
    for (std::size_t skipped = 0; skipped < line; ++skipped) {
        std::size_t end = text.find('\n', begin);
        if (end == std::string_view::npos) {
            return {};
        }
        begin = end + 1;
    }
    return text.substr(begin, text.find('\n', begin) - begin);
}

std::uint32_t characters_in(std::string_view bytes) {
    auto begins_character = [](char byte) { return (static_cast<unsigned char>(byte) & 0xC0U) != 0x80U; };
    return static_cast<std::uint32_t>(std::ranges::count_if(bytes, begins_character));
}

/// Length of the well-formed UTF-8 character at the front (no surrogate, no overlong form); 0: none.
std::size_t character_length(std::string_view text) {
    auto byte = [&](std::size_t index) -> unsigned {
        return index < text.size() ? static_cast<unsigned char>(text[index]) : 0U;
    };
    auto continues = [&](std::size_t index) { return (byte(index) & 0xC0U) == 0x80U; };
    unsigned first = byte(0);
    if (first < 0x80) {
        return 1;
    }
    if (first >= 0xC2 && first <= 0xDF) {
        return continues(1) ? 2 : 0;
    }
    if (first >= 0xE0 && first <= 0xEF) {
        bool overlong = first == 0xE0 && byte(1) < 0xA0;
        bool surrogate = first == 0xED && byte(1) > 0x9F;
        return continues(1) && continues(2) && !overlong && !surrogate ? 3 : 0;
    }
    if (first >= 0xF0 && first <= 0xF4) {
        bool overlong = first == 0xF0 && byte(1) < 0x90;
        bool beyond = first == 0xF4 && byte(1) > 0x8F;
        return continues(1) && continues(2) && continues(3) && !overlong && !beyond ? 4 : 0;
    }
    return 0;
}

/// What YAML calls printable, but for a second byte order mark, which nobody sees and nobody means.
std::string_view reason_against_character(std::string_view text) {
    const auto first = static_cast<unsigned char>(text.front());
    const bool is_c1 = first == 0xC2 && static_cast<unsigned char>(text[1]) < 0xA0 && text.substr(0, 2) != "\xC2\x85";
    if (first == 0) {
        return "a NUL character: this is no text file, or it is UTF-16: save it as UTF-8";
    }
    if (first == '\r' && !text.starts_with("\r\n")) {
        return "a carriage return (\\r) alone ends no line: save the file with Unix line ends";
    }
    if (text.starts_with("\xEF\xBB\xBF")) {
        return "a byte order mark inside the file: take it out";
    }
    if ((first < 0x20 && first != '\t' && first != '\n' && first != '\r') || first == 0x7F || is_c1) {
        return "a control character: take it out, or write it as an escape in double quotes (\"\\e\")";
    }
    return "";
}

/// Length of the plain ASCII at the front, line ends left out: nearly all of every file.
std::size_t plain_length(std::string_view text) {
    auto is_plain = [](char byte) { return byte >= 0x20 && byte < 0x7F; };
    return static_cast<std::size_t>(std::ranges::find_if_not(text, is_plain) - text.begin());
}

/// The library writes the escapes `\_` and `\N` of a double quote as the one byte of Latin-1. The text was UTF-8
/// before, so a byte that is none can be nothing else.
std::string with_whole_characters(const std::string& value) {
    std::string whole;
    for (std::size_t at = 0; at < value.size();) {
        const std::size_t length = character_length(std::string_view{value}.substr(at));
        whole.append(length == 0 ? "\xC2" : "").append(value, at, std::max<std::size_t>(length, 1));
        at += std::max<std::size_t>(length, 1);
    }
    return whole;
}

/// Tells the first byte that is not text; true: all is text.
bool check_bytes(std::string_view text, std::uint32_t file, Problems& problems) {
    Place place{.file = file, .line = 1, .column = 1};
    if (text.starts_with("\xFF\xFE") || text.starts_with("\xFE\xFF")) {
        problems.add(place, "", "this is UTF-16: save the file as UTF-8");
        return false;
    }
    for (std::size_t at = 0; at < text.size();) {
        if (const std::size_t plain = plain_length(text.substr(at)); plain > 0) {
            at += plain;
            place.column += static_cast<std::uint32_t>(plain);
            continue;
        }
        const std::size_t length = character_length(text.substr(at, 4));
        const std::string_view reason =
            length == 0 ? "a byte that is no UTF-8: save the file as UTF-8" : reason_against_character(text.substr(at));
        if (!reason.empty()) {
            problems.add(place, "", reason);
            return false;
        }
        ++place.column;
        if (text[at] == '\n') {
            ++place.line;
            place.column = 1;
        }
        at += length;
    }
    return true;
}

/// Whether the quoted text whose node begins at `at` (perhaps with a tag or an anchor) has its closing quote.
bool quote_is_closed(std::string_view text, std::size_t at) {
    at = text.find_first_of("\"'|>", at);
    if (at == std::string_view::npos || text[at] == '|' || text[at] == '>') {
        return true; // a block: it needs no quote
    }
    const char quote = text[at];
    for (++at; at < text.size(); ++at) {
        if (quote == '"' && text[at] == '\\') {
            ++at;
        } else if (text[at] == quote) {
            if (quote == '"' || at + 1 >= text.size() || text[at + 1] != '\'') {
                return true;
            }
            ++at;
        }
    }
    return false;
}

Node clone(const Node& node) {
    Node copy;
    copy.kind = node.kind;
    copy.in_quotes = node.in_quotes;
    copy.place = node.place;
    copy.key_place = node.key_place;
    copy.key = node.key;
    copy.written = node.written;
    copy.children.reserve(node.children.size());
    for (const Node& child : node.children) {
        copy.children.push_back(clone(child));
    }
    return copy;
}

std::size_t size_of(const Node& node) {
    std::size_t size = 1;
    for (const Node& child : node.children) {
        size += size_of(child);
    }
    return size;
}

class TreeBuilder final : public YAML::EventHandler {
public:
    TreeBuilder(std::string_view text, std::uint32_t file, const YamlRules& rules, Problems& problems)
        : text_(text), file_(file), ascii_(characters_in(text) == text.size()), rules_(rules), problems_(problems) {}

    std::vector<Node> take() { return std::move(roots_); }

    Place place_of(const YAML::Mark& mark) const {
        auto line = static_cast<std::uint32_t>(std::max(mark.line, 0));
        auto column = static_cast<std::uint32_t>(std::max(mark.column, 0));
        if (!ascii_ && mark.pos >= mark.column) {
            column = characters_in(text_.substr(static_cast<std::size_t>(mark.pos - mark.column), column));
        }
        return {.file = file_, .line = line + 1, .column = column + 1};
    }

    /// The library closes a quote at the end of the text by itself, so only the last one can be open.
    void check_last_quote() {
        if (last_quote_is_open()) {
            refuse(*last_scalar_, open_quote);
        }
    }

    bool last_quote_is_open() const {
        return last_scalar_ && last_scalar_in_quotes_ && !quote_is_closed(text_, position_of(*last_scalar_));
    }

    std::optional<Place> place_of_last_scalar() const {
        return last_scalar_ ? std::optional{place_of(*last_scalar_)} : std::nullopt;
    }

    /// The first quote behind the last text that was understood: the one that swallowed the rest.
    std::optional<Place> first_quote_after_last_scalar() const {
        if (!last_scalar_ || last_scalar_in_quotes_) {
            return std::nullopt;
        }
        std::size_t at = text_.find_first_of("\"'", position_of(*last_scalar_) + last_scalar_length_);
        if (at == std::string_view::npos) {
            return std::nullopt;
        }
        std::string_view before = text_.substr(0, at);
        std::size_t line_begin = before.rfind('\n') + 1;
        return Place{.file = file_,
                     .line = static_cast<std::uint32_t>(std::ranges::count(before, '\n')) + 1,
                     .column = characters_in(before.substr(line_begin)) + 1};
    }

    /// The innermost `{` or `[` that is still open.
    std::optional<YAML::Mark> open_bracket() const {
        for (const Open& open : std::views::reverse(open_)) {
            std::size_t at = position_of(open.mark);
            if (at < text_.size() && (text_[at] == '{' || text_[at] == '[')) {
                return open.mark;
            }
        }
        return std::nullopt;
    }

    void OnDocumentStart(const YAML::Mark& mark) override {
        anchors_.clear();
        if (++documents_ == 1 || rules_.is_manifest) {
            return;
        }
        bool separated = text_.substr(position_of(mark)).starts_with("---");
        refuse(mark, separated ? "a second document begins here: a file holds one, split it into two files"
                               : "this belongs to nothing above it: check the indentation");
    }
    void OnDocumentEnd() override {}

    void OnNull(const YAML::Mark& mark, YAML::anchor_t anchor) override {
        Node node;
        node.place = place_of(mark);
        if (awaits_value() && node.place.line != keys_.back().place.line) {
            node.place = keys_.back().place; // the library points at whatever comes next
        }
        put(std::move(node), mark, anchor);
    }

    void OnScalar(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
                  const std::string& value) override {
        Node node;
        node.kind = Node::Kind::scalar;
        node.place = place_of(mark);
        node.in_quotes = scalar_is_quoted(tag, mark);
        last_scalar_in_quotes_ = node.in_quotes;
        node.written = plain_length(value) == value.size() ? value : with_whole_characters(value);
        last_scalar_ = mark;
        last_scalar_length_ = value.size();
        if (value.contains('\0')) {
            refuse(mark, "a NUL character (\\0) in a text");
        }
        put(std::move(node), mark, anchor);
    }

    void OnAlias(const YAML::Mark& mark, YAML::anchor_t anchor) override {
        auto found = anchors_.find(anchor);
        if (found == anchors_.end()) {
            refuse(mark, "an alias (*) inside the very thing that it names");
        }
        count(mark, found->second.size);
        put(clone(found->second.node), mark, 0);
    }

    void OnSequenceStart(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
                         YAML::EmitterStyle::value) override {
        open(Node::Kind::list, mark, tag, anchor);
    }
    void OnSequenceEnd() override { close(); }
    void OnMapStart(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
                    YAML::EmitterStyle::value) override {
        open(Node::Kind::map, mark, tag, anchor);
    }
    void OnMapEnd() override {
        tell_duplicates(open_.back().node);
        close();
    }

private:
    struct Open {
        Node node;
        YAML::Mark mark;
        YAML::anchor_t anchor = 0;
    };
    struct Key {
        std::optional<std::string> name; // nullopt: the map waits for a key
        Place place;
    };
    struct Anchored {
        Node node;
        std::size_t size = 0;
    };

    [[noreturn]] void refuse(const YAML::Mark& mark, std::string_view text) {
        problems_.add(place_of(mark), "", text);
        throw Refused{};
    }

    static std::size_t position_of(const YAML::Mark& mark) { return static_cast<std::size_t>(std::max(mark.pos, 0)); }

    bool awaits_value() const { return !open_.empty() && keys_.back().name.has_value(); }

    void count(const YAML::Mark& mark, std::size_t nodes) {
        nodes_ += nodes;
        if (nodes_ > rules_.most_nodes) {
            refuse(mark, concat("more than ", rules_.most_nodes,
                                " values in one file (aliases count as what they stand for)"));
        }
    }

    bool scalar_is_quoted(const std::string& tag, const YAML::Mark& mark) {
        if (tag == "?" || tag.empty()) {
            return false;
        }
        if (tag == "!" || tag == "tag:yaml.org,2002:str") {
            return true;
        }
        if (tag == "tag:yaml.org,2002:int" || tag == "tag:yaml.org,2002:float" || tag == "tag:yaml.org,2002:bool") {
            return false;
        }
        refuse(mark, concat("unknown tag ", quoted(tag), ": leave it out"));
    }

    void open(Node::Kind kind, const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor) {
        std::string_view own_tag = kind == Node::Kind::map ? "tag:yaml.org,2002:map" : "tag:yaml.org,2002:seq";
        if (tag != "?" && !tag.empty() && tag != own_tag) {
            refuse(mark, concat("unknown tag ", quoted(tag), ": leave it out"));
        }
        if (open_.size() >= deepest_nesting) {
            refuse(mark, concat("nested deeper than ", deepest_nesting, " levels"));
        }
        count(mark, 1);
        Node node;
        node.kind = kind;
        node.place = place_of(mark);
        open_.push_back({.node = std::move(node), .mark = mark, .anchor = anchor});
        keys_.emplace_back();
    }

    void close() {
        Open done = std::move(open_.back());
        open_.pop_back();
        keys_.pop_back();
        --nodes_; // `put` counts it again
        put(std::move(done.node), done.mark, done.anchor);
    }

    void put(Node node, const YAML::Mark& mark, YAML::anchor_t anchor) {
        count(mark, 1);
        if (anchor != 0) {
            std::size_t size = size_of(node);
            count(mark, size); // the copy that is kept
            anchors_.emplace(anchor, Anchored{.node = clone(node), .size = size});
        }
        if (open_.empty()) {
            roots_.push_back(std::move(node));
            return;
        }
        Node& parent = open_.back().node;
        if (parent.kind == Node::Kind::list) {
            parent.children.push_back(std::move(node));
            return;
        }
        Key& key = keys_.back();
        if (!key.name) {
            set_key(key, std::move(node), mark);
            return;
        }
        node.key = std::move(*key.name);
        node.key_place = key.place;
        key.name.reset();
        parent.children.push_back(std::move(node));
    }

    void set_key(Key& key, Node node, const YAML::Mark& mark) {
        if (node.kind != Node::Kind::scalar) {
            refuse(mark, "a key must be a text");
        }
        if (node.written == "<<" && !node.in_quotes && !rules_.is_manifest) {
            refuse(mark, "merge keys (<<) are not known here: write the keys out, or put them into an earlier file of "
                         "the directory");
        }
        key.place = node.place;
        key.name = std::move(node.written);
    }

    /// The way to the innermost open map or list.
    std::string path() const {
        std::string way;
        for (std::size_t depth = 0; depth + 1 < open_.size(); ++depth) {
            const Node& outer = open_[depth].node;
            if (outer.kind == Node::Kind::list) {
                way += concat("[", outer.children.size(), "]");
            } else {
                way += concat(way.empty() ? "" : ".", keys_[depth].name.value_or(""));
            }
        }
        return way;
    }

    void tell_duplicate(const Node& first, const Node& second) {
        problems_.add(
            second.key_place, path(),
            concat("duplicate key ", quoted(second.key), ": it is in line ", first.key_place.line, " already"));
    }

    void tell_duplicates(const Node& map) {
        std::unordered_map<std::string_view, const Node*> seen;
        for (std::size_t index = 0; index < map.children.size(); ++index) {
            const Node& child = map.children[index];
            if (map.children.size() > small_map) {
                auto [place, added] = seen.emplace(child.key, &child);
                if (!added) {
                    tell_duplicate(*place->second, child);
                }
                continue;
            }
            auto before = std::span{map.children}.first(index);
            auto same = std::ranges::find(before, child.key, &Node::key);
            if (same != before.end()) {
                tell_duplicate(*same, child);
            }
        }
    }

    std::string_view text_;
    std::uint32_t file_;
    bool ascii_;
    YamlRules rules_;
    Problems& problems_;
    std::vector<Node> roots_;
    std::vector<Open> open_;
    std::vector<Key> keys_;
    std::map<YAML::anchor_t, Anchored> anchors_;
    std::optional<YAML::Mark> last_scalar_;
    bool last_scalar_in_quotes_ = false;
    std::size_t last_scalar_length_ = 0;
    std::size_t nodes_ = 0;
    int documents_ = 0;
};

/// The library may look past the end of the text.
Place inside(Place place, std::string_view text) {
    const auto last_line = static_cast<std::uint32_t>(std::ranges::count(text, '\n')) + 1;
    place.line = std::min(place.line, last_line);
    place.column = std::min(place.column, characters_in(line_at(text, place.line - 1)) + 1);
    return place;
}

void tell(const YAML::Exception& exception, std::string_view text, const TreeBuilder& builder, Problems& problems) {
    const auto line = static_cast<std::size_t>(std::max(exception.mark.line, 0));
    const auto column = static_cast<std::size_t>(std::max(exception.mark.column, 0));
    std::string reason = reason_in_words(exception.msg, line_at(text, line), column);
    std::optional<Place> place;
    if (exception.msg == "illegal EOF in scalar") {
        place = builder.first_quote_after_last_scalar();
        reason = place ? open_quote : reason;
    } else if (builder.last_quote_is_open()) { // it swallowed what is missing
        place = builder.place_of_last_scalar();
        reason = open_quote;
    } else if (reason == open_bracket_reason) {
        const std::optional<YAML::Mark> bracket = builder.open_bracket();
        const std::optional<Place> last = builder.place_of_last_scalar();
        const bool is_behind_bracket = bracket && exception.mark.pos > bracket->pos;
        const bool goes_on = is_behind_bracket && column > 0 && column < line_at(text, line).size();
        if (last && last->line == line + 1 && goes_on) {
            reason = "a comma is missing before this, or the ] or } that closes";
        } else if (bracket) {
            place = builder.place_of(*bracket);
        }
    }
    problems.add(place.value_or(inside(builder.place_of(exception.mark), text)), "", reason);
}

/// Empty where the text was refused.
std::vector<Node> parse_documents(std::string_view text, std::uint32_t file, const YamlRules& rules,
                                  Problems& problems) {
    if (text.size() > rules.largest) {
        problems.add({.file = file}, "",
                     concat("larger than ", rules.largest / 1024, " KiB, the most a ",
                            rules.is_manifest ? "manifest" : "configuration file", " may have"));
        return {};
    }
    constexpr std::string_view byte_order_mark = "\xEF\xBB\xBF";
    if (text.starts_with(byte_order_mark)) {
        text.remove_prefix(byte_order_mark.size());
    }
    if (!check_bytes(text, file, problems)) {
        return {};
    }
    TreeBuilder builder{text, file, rules, problems};
    try {
        std::ispanstream stream{std::span{text.data(), text.size()}};
        YAML::Parser parser{stream};
        while (parser.HandleNextDocument(builder)) {
        }
        builder.check_last_quote();
        return builder.take();
    } catch (const Refused&) {
        return {};
    } catch (const YAML::Exception& exception) {
        tell(exception, text, builder, problems);
        return {};
    }
}

} // namespace

const Node* Node::find(std::string_view name) const {
    auto found = std::ranges::find(children, name, &Node::key);
    return kind == Kind::map && found != children.end() ? &*found : nullptr;
}

Node* Node::find(std::string_view name) {
    auto found = std::ranges::find(children, name, &Node::key);
    return kind == Kind::map && found != children.end() ? &*found : nullptr;
}

std::optional<Node> parse_yaml(std::string_view text, std::uint32_t file, Problems& problems) {
    std::vector<Node> documents = parse_documents(text, file, {}, problems);
    return documents.empty() ? std::nullopt : std::optional{std::move(documents.front())};
}

std::vector<Node> parse_manifest(std::string_view text, std::uint32_t file, Problems& problems) {
    std::vector<Node> documents = parse_documents(text, file, manifest_rules, problems);
    std::erase_if(documents, [](const Node& document) { return document.kind == Node::Kind::null; });
    return documents;
}

} // namespace davit::config
