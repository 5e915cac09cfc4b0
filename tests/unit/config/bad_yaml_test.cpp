// SPDX-License-Identifier: Apache-2.0
// Texts that are no YAML, or YAML that nobody means: each is refused with its place and words that help.
#include "config/yaml_document.h"

#include "support/catch.h"

#include <chrono>
#include <string>

namespace davit::config {

namespace {

struct Parsed {
    std::optional<Node> root;
    std::string problems;
};

Parsed parse(const std::string& text) {
    Problems problems;
    std::uint32_t file = problems.add_file("a.yaml");
    Parsed parsed{.root = parse_yaml(text, file, problems), .problems = {}};
    for (const Problem& problem : problems.take()) {
        parsed.problems += describe(problem) + "\n";
    }
    return parsed;
}

std::string problems_in(const std::string& text) {
    return parse(text).problems;
}

std::string repeated(const std::string& text, int times) {
    std::string whole;
    for (int count = 0; count < times; ++count) {
        whole += text;
    }
    return whole;
}

} // namespace

TEST_CASE("a document keeps the order and the places of its keys and values, counted in characters", "[yaml]") {
    Parsed parsed = parse("b: 1\na:\n  - é\n  - {é: ü, x: \"y\"}\nnothing:\nlast: 'q'\n");

    REQUIRE(parsed.problems.empty());
    const Node& root = *parsed.root;
    REQUIRE(root.children.size() == 4);
    CHECK(root.children[0].key == "b");
    CHECK(root.children[0].place == Place{.file = 0, .line = 1, .column = 4});
    const Node& list = root.children[1];
    CHECK(list.key_place == Place{.file = 0, .line = 2, .column = 1});
    CHECK(list.children[0].written == "é");
    const Node* x = list.children[1].find("x");
    REQUIRE(x != nullptr);
    CHECK(x->place == Place{.file = 0, .line = 4, .column = 15});
    CHECK(x->in_quotes);
    CHECK(root.find("nothing")->kind == Node::Kind::null);
    CHECK(root.find("nothing")->place == Place{.file = 0, .line = 5, .column = 1});
    CHECK(root.find("last")->in_quotes);
}

TEST_CASE("a text without a document is no tree and no problem", "[yaml]") {
    for (const char* text : {"", "\n\n", "# only a comment\n", "\xEF\xBB\xBF"}) {
        Parsed parsed = parse(text);
        CHECK(parsed.problems.empty());
        CHECK(!parsed.root);
    }
}

TEST_CASE("a byte order mark, a leading --- and a YAML directive are no problem", "[yaml]") {
    for (const char* text : {"\xEF\xBB\xBF"
                             "a: 1\n",
                             "---\na: 1\n", "%YAML 1.2\n---\na: 1\n...\n"}) {
        Parsed parsed = parse(text);
        CHECK(parsed.problems.empty());
        REQUIRE(parsed.root);
        CHECK(parsed.root->find("a")->written == "1");
    }
}

TEST_CASE("duplicate keys are told at the second one, in small maps and in large ones", "[yaml]") {
    CHECK(problems_in("a: {b: 1, c: 2, b: 3}\nd: 1\na: 2\n") ==
          "a.yaml:1:17: a: duplicate key \"b\": it is in line 1 already\n"
          "a.yaml:3:1: duplicate key \"a\": it is in line 1 already\n");
    std::string many;
    for (int index = 0; index < 40; ++index) {
        many += "k" + std::to_string(index % 39) + ": 1\n";
    }
    CHECK(problems_in(many) == "a.yaml:40:1: duplicate key \"k0\": it is in line 1 already\n");
}

TEST_CASE("a second document is refused, and so is text behind the first that fits nowhere", "[yaml]") {
    CHECK(problems_in("a: 1\n---\nb: 2\n") ==
          "a.yaml:2:1: a second document begins here: a file holds one, split it into two files\n");
    CHECK(problems_in("a: 1\n---\n") ==
          "a.yaml:2:1: a second document begins here: a file holds one, split it into two files\n");
    CHECK(problems_in("- 1\nb: 2\n") == "a.yaml:2:1: this belongs to nothing above it: check the indentation\n");
}

TEST_CASE("bytes that are no UTF-8 are refused", "[yaml]") {
    for (const char* bad : {"\xFF", "\xC0\xAF", "\xED\xA0\x80", "\xF5\x80\x80\x80", "\xE2\x82", "\x80"}) {
        CHECK(problems_in(std::string{"a: é\nb: é"} + bad + "\n") ==
              "a.yaml:2:5: a byte that is no UTF-8: save the file as UTF-8\n");
    }
    CHECK(parse("a: \xF0\x9F\x9A\xA2 \xE2\x82\xAC\n").problems.empty());
}

TEST_CASE("UTF-16 is refused by its name", "[yaml]") {
    for (const std::string& text : {std::string{"\xFF\xFE"
                                                "a\0:\0",
                                                6},
                                    std::string{"\xFE\xFF\0a\0:", 6}}) {
        CHECK(problems_in(text) == "a.yaml:1:1: this is UTF-16: save the file as UTF-8\n");
    }
    CHECK(problems_in(std::string{"a\0:\0", 4}) ==
          "a.yaml:1:2: a NUL character: this is no text file, or it is UTF-16: save it as UTF-8\n");
}

TEST_CASE("characters that nobody sees are refused where they stand", "[yaml]") {
    for (const char* bad : {"\x01", "\x1B", "\x7F", "\x0B", "\xC2\x9B"}) {
        CHECK(problems_in(std::string{"a: é\nb: \"é"} + bad + "\"\n") ==
              "a.yaml:2:6: a control character: take it out, or write it as an escape in double quotes (\"\\e\")\n");
    }
    CHECK(problems_in("a: 1\n\xEF\xBB\xBF"
                      "b: 2\n") == "a.yaml:2:1: a byte order mark inside the file: take it out\n");
    CHECK(parse("a: \"\\e[1m\"\nb: x\ty\n").problems.empty());
}

TEST_CASE("lines end with LF or CRLF, and a CR alone is refused", "[yaml]") {
    Parsed parsed = parse("# c\r\na: 1\r\nb:\r\n  - |\r\n    x\r\n    y\r\n  - z\r\n");
    REQUIRE(parsed.problems.empty());
    CHECK(parsed.root->find("a")->written == "1");
    CHECK(parsed.root->find("b")->children[1].written == "z");
    CHECK(parsed.root->find("b")->children[1].place == Place{.file = 0, .line = 7, .column = 5});
    CHECK(problems_in("a: 1\r\n# b\rc: 2\n") ==
          "a.yaml:2:4: a carriage return (\\r) alone ends no line: save the file with Unix line ends\n");
    CHECK(problems_in("a: 1\r") ==
          "a.yaml:1:5: a carriage return (\\r) alone ends no line: save the file with Unix line ends\n");
}

TEST_CASE("a very long line is a line like any other", "[yaml]") {
    const std::string longest(200'000, 'x');
    CHECK(parse("a: " + longest + "\n").root->find("a")->written == longest);
    CHECK(parse("a: \"" + longest + "\"\n").root->find("a")->written == longest);
    CHECK(problems_in("a: [" + longest + ", \"x]\n") == "a.yaml:1:200007: a quote that is never closed begins here\n");
    CHECK(problems_in(longest + ": 1\n").size() < 300);
}

TEST_CASE("NUL is refused, as a byte and as an escape", "[yaml]") {
    CHECK(problems_in(std::string{"a: b\0c\n", 7}) ==
          "a.yaml:1:5: a NUL character: this is no text file, or it is UTF-16: save it as UTF-8\n");
    CHECK(problems_in("a: \"b\\0c\"\n") == "a.yaml:1:4: a NUL character (\\0) in a text\n");
}

TEST_CASE("a quote that is never closed is told where it begins", "[yaml]") {
    const std::string text = "a.yaml:2:4: a quote that is never closed begins here\n";
    CHECK(problems_in("x: 1\na: \"foo\nb: 1\nc: 2\n") == text);
    CHECK(problems_in("x: 1\na: \"foo") == text);
    CHECK(problems_in("x: 1\na: 'foo\nb: it''s\n") == text);
    CHECK(problems_in("x: 1\na: \"foo\\\"\nb: 1\n") == text);
    CHECK(problems_in("x: 1\na: 'foo\n---\nb: 1\n") ==
          "a.yaml:3:1: a quote is never closed before the --- or ... that ends the document\n");
}

TEST_CASE("a text that ends in the middle of an escape is told inside the text", "[yaml]") {
    CHECK(problems_in("!!ports:\"\\") == "a.yaml:1:11: a quote is never closed\n");
    CHECK(problems_in("\xEF\xBB\xBF"
                      "a: {m: \"\\u0") ==
          "a.yaml:1:12: \\x, \\u and \\U in a text in double quotes are followed by 2, 4 and 8 hexadecimal digits: "
          "write \\\\ for a backslash\n");
    CHECK(problems_in("a: | x\n") ==
          "a.yaml:1:6: behind | and > stands nothing on their line: begin the text in the next one\n");
}

TEST_CASE("quotes that are closed, and blocks with quotes in them, are taken", "[yaml]") {
    for (const char* text : {"a: \"foo\"\n", "a: 'it''s'", "a: \"\\\"\"\n", "a: |\n  x \"y\n", "a: >\n  it's\n",
                             "a: 'b'\nc: it's\n", "a: !!str \"x\"", "a: &b 'x'"}) {
        CHECK(parse(text).problems.empty());
    }
}

TEST_CASE("aliases stand for what they name, a cyclic or unknown one is refused", "[yaml]") {
    Parsed parsed = parse("a: &x {p: [1, 2]}\nb: *x\n");
    REQUIRE(parsed.problems.empty());
    CHECK(parsed.root->find("b")->find("p")->children[1].written == "2");
    CHECK(problems_in("a: &x [1, *x]\n") == "a.yaml:1:11: an alias (*) inside the very thing that it names\n");
    CHECK(problems_in("a: *nope\n") == "a.yaml:1:4: an alias (*) without an anchor (&) of that name before it\n");
}

TEST_CASE("an alias bomb is refused, not suffered", "[yaml]") {
    std::string bomb = "a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n";
    for (int level = 1; level < 12; ++level) {
        std::string below = "*a" + std::to_string(level - 1);
        bomb += "a" + std::to_string(level) + ": &a" + std::to_string(level) + " [" + repeated(below + ", ", 9) +
                below + "]\n";
    }
    CHECK(problems_in(bomb) ==
          "a.yaml:4:5: more than 20000 values in one file (aliases count as what they stand for)\n");
}

TEST_CASE("nesting is 32 levels at most", "[yaml]") {
    CHECK(problems_in(repeated("[", 32) + repeated("]", 32)).empty());
    CHECK(problems_in(repeated("[", 33) + repeated("]", 33)) == "a.yaml:1:33: nested deeper than 32 levels\n");
    CHECK(problems_in(repeated("[", 20'000)) == "a.yaml:1:17: nested deeper than 32 levels\n");
    CHECK(problems_in(repeated("{a: ", 6'000)) == "a.yaml:1:125: nested deeper than 32 levels\n");
    CHECK(problems_in(repeated("- ", 10'000)) == "a.yaml:1:65: nested deeper than 32 levels\n");
}

TEST_CASE("a file is 256 KiB at most", "[yaml]") {
    CHECK(parse("a: 1\n#" + std::string(256 * 1024 - 7, 'x') + "\n").problems.empty());
    CHECK(problems_in("a: 1\n#" + std::string(256 * 1024, 'x') + "\n") ==
          "a.yaml: larger than 256 KiB, the most a configuration file may have\n");
    CHECK(problems_in(repeated("a: 1\n", 60 * 1024)) ==
          "a.yaml: larger than 256 KiB, the most a configuration file may have\n");
}

TEST_CASE("more than 20,000 values are refused", "[yaml]") {
    CHECK(problems_in(repeated("- 1\n", 19'999)).empty()); // and the list itself
    CHECK(problems_in(repeated("- 1\n", 20'000)) ==
          "a.yaml:20000:3: more than 20000 values in one file (aliases count as what they stand for)\n");
}

TEST_CASE("merge keys, keys that are no text and unknown tags are refused", "[yaml]") {
    CHECK(problems_in("a: &x {b: 1}\nc: {<<: *x}\n") ==
          "a.yaml:2:5: merge keys (<<) are not known here: write the keys out, or put them into an earlier file of the "
          "directory\n");
    CHECK(parse("\"<<\": 1\n").problems.empty());
    CHECK(problems_in("? [a, b]\n: c\n") == "a.yaml:1:3: a key must be a text\n");
    CHECK(problems_in("~: c\n") == "a.yaml:1:1: a key must be a text\n");
    CHECK(problems_in("a: !secret x\n") == "a.yaml:1:4: unknown tag \"!secret\": leave it out\n");
    CHECK(problems_in("a: !!binary aGk=\n") == "a.yaml:1:4: unknown tag \"tag:yaml.org,2002:binary\": leave it out\n");
    CHECK(problems_in("a: !!set {b}\n") == "a.yaml:1:4: unknown tag \"tag:yaml.org,2002:set\": leave it out\n");
    CHECK(parse("a: !!str 1\nb: !!map {}\nc: !!seq []\nd: !!int 3\n").problems.empty());
}

TEST_CASE("what is no YAML is said in words that help", "[yaml]") {
    CHECK(problems_in("a: b: c\n") ==
          "a.yaml:1:5: a \":\" that begins a value is not allowed here: check the indentation, "
          "and quote a text that has \": \" in it\n");
    CHECK(
        problems_in("a: 1\n b: 2\n") ==
        "a.yaml:2:3: a \":\" that begins a value is not allowed here: check the indentation, and quote a text that has "
        "\": \" in it\n");
    CHECK(problems_in("a:\n\t- b\n") == "a.yaml:2:2: a tab in the indentation: YAML takes only spaces there\n");
    CHECK(problems_in("{a: 1\n") == "a.yaml:1:1: a { or [ that begins here is never closed\n");
    CHECK(problems_in("a: [1, 2\n") == "a.yaml:1:4: a { or [ that begins here is never closed\n");
    CHECK(problems_in("a: [\"java\", \"-jar\" \"/app.jar\"]\n") ==
          "a.yaml:1:20: a comma is missing before this, or the ] or } that closes\n");
    CHECK(problems_in("a: {b: \"1\" c: 2}\n") ==
          "a.yaml:1:12: a comma is missing before this, or the ] or } that closes\n");
    CHECK(problems_in("a: [b, c\nd: e\n") == "a.yaml:1:4: a { or [ that begins here is never closed\n");
    CHECK(problems_in("a: \"x\" y\n") ==
          "a.yaml:1:8: this does not belong to the map above it: check the indentation and the quotes\n");
    CHECK(problems_in("a: \"C:\\q\"\n") ==
          "a.yaml:1:9: unknown escape \\q in a text in double quotes: write \\\\ for a "
          "backslash, or use single quotes\n");
    CHECK(problems_in("a: \"x\\é\"\n") ==
          "a.yaml:1:8: unknown escape (a backslash before this letter) in a text in double quotes: write \\\\ for a "
          "backslash, or use single quotes\n");
    CHECK(problems_in("a: {b: ${X}}\n") ==
          "a.yaml:1:9: inside { } and [ ] a text with ${...} must be quoted: \"${NAME}\"\n");
    CHECK(problems_in("a: @x\n") == "a.yaml:1:4: a text cannot begin with this character: quote it\n");
    CHECK(problems_in("a: *\n") == "a.yaml:1:5: a text that begins with * must be quoted\n");
}

TEST_CASE("text made to be slow takes no longer than text of its size", "[yaml]") {
    auto begin = std::chrono::steady_clock::now();
    for (const std::string& text :
         {repeated("a: ", 10'000), repeated("? ", 15'000), repeated("\"", 30'000), repeated("&a ", 10'000),
          repeated("!", 30'000), repeated("a\n", 15'000), repeated("[a,", 10'000), std::string(30'000, ' '),
          repeated("- a\n-\n", 5'000), repeated("%", 30'000), repeated("x: |\n ", 5'000), repeated("{", 30'000),
          repeated("#\n", 15'000), repeated("---\n", 8'000), repeated("'a' ", 8'000)}) {
        parse(text);
    }
    CHECK(std::chrono::steady_clock::now() - begin < std::chrono::seconds{10});
}

} // namespace davit::config
