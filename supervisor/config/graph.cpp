// SPDX-License-Identifier: Apache-2.0
// Drawing the graph. See graph.h.
#include "config/graph.h"

#include "config/concat.h"
#include "config/number_text.h"
#include "model/overloaded.h"

#include <algorithm>
#include <array>
#include <iterator>
#include <utility>
#include <vector>

namespace davit::config {

namespace {

using model::Condition;
using model::PodSpec;
using model::ServiceIndex;
using model::ServiceSpec;

constexpr std::size_t columns = 80;
/// Names longer than this push what stands beside them to the right.
constexpr std::size_t widest_names = 28;

struct Glyphs {
    std::string_view line;   // from layer to layer
    std::string_view corner; // the first of several in a layer
    std::string_view tee;
    std::string_view last;
    std::string_view single;
    std::string_view waits;
    std::string_view down;
    std::string_view bar;
};
constexpr Glyphs drawn{"│", "┬", "├", "└", "─", "◄─", "▼", "━━━━━━━━"};
constexpr Glyphs typed{"|", "+", "|", "`", "-", "<-", "v", "========"};

std::string_view name_of(Condition condition) {
    switch (condition) {
    case Condition::started: return "started";
    case Condition::ready: return "ready";
    case Condition::completed: break;
    }
    return "completed";
}

bool is_drawn(const ServiceSpec& service) {
    return service.enabled && !service.removed;
}

/// The dependencies that are there.
std::vector<model::Dependency> waits_of(const PodSpec& pod, const ServiceSpec& service) {
    std::vector<model::Dependency> waits;
    std::ranges::copy_if(service.depends_on, std::back_inserter(waits), [&](const model::Dependency& dependency) {
        return is_drawn(pod.services[dependency.service]);
    });
    return waits;
}

/// Each service's layer: 0 for those that wait for nobody, else one more than the last it waits for.
std::vector<std::size_t> layers_of(const PodSpec& pod) {
    std::vector<std::size_t> layers(pod.services.size(), 0);
    // The longest chain settles after as many rounds as it has links.
    for (bool changed = true; changed;) {
        changed = false;
        for (ServiceIndex index = 0; index < pod.services.size(); ++index) {
            for (const model::Dependency& wait : waits_of(pod, pod.services[index])) {
                const bool is_above = layers[wait.service] < layers[index];
                if (is_drawn(pod.services[index]) && !is_above && layers[index] < pod.services.size()) {
                    layers[index] = layers[wait.service] + 1;
                    changed = true;
                }
            }
        }
    }
    return layers;
}

std::string with_unit(Duration length) {
    return number_text(to_seconds(length)) + " s";
}

std::string command_text(const std::vector<model::Text>& command) {
    const std::string& path = command.empty() ? std::string{} : command.front().written;
    return path.substr(path.rfind('/') + 1);
}

std::string action_text(const model::StepSpec& step) {
    return std::visit(model::Overloaded{
                          [](const model::ExecStep& exec) { return concat("exec ", command_text(exec.command)); },
                          [](const model::HttpStep& http) { return concat(http.method, " ", http.url.written); },
                          [](const model::TcpStep& tcp) {
                              return concat("connect to ", tcp.host.written.empty() ? "localhost" : tcp.host.written,
                                            ":", tcp.port);
                          },
                          [](const model::SleepStep& sleep) { return concat("sleep ", with_unit(sleep.length)); },
                      },
                      step.action);
}

std::string drain_text(const model::DrainSpec& drain) {
    std::string text = concat(number_text(to_seconds(drain.min)), " to ", with_unit(drain.max));
    for (const std::uint16_t& port : drain.ports) {
        text += concat(&port == drain.ports.data() ? ", until no connection is on " : ", ", port);
    }
    return text;
}

// ---- text --------------------------------------------------------------------------------------

class Picture {
public:
    Picture(const PodSpec& pod, Charset charset)
        : pod_(pod), glyphs_(charset == Charset::utf8 ? drawn : typed), layers_(layers_of(pod)) {
        for (const ServiceSpec& service : pod.services) {
            if (is_drawn(service)) {
                ++count_;
                widest_ = std::max(widest_, std::min(label(service).size(), widest_names));
            }
        }
    }

    std::string draw() {
        text_ = concat(pod_.app, ": ", count_, count_ == 1 ? " service" : " services",
                       count_ == 1 ? "\n\n" : ", started from top to bottom\n\n");
        const std::size_t last = deepest();
        for (std::size_t layer = 0; count_ > 0 && layer <= last; ++layer) {
            if (layer > 0) {
                text_ += concat("    ", glyphs_.line, "\n");
            }
            draw_layer(layer);
        }
        draw_lifecycle();
        draw_disabled();
        return std::move(text_);
    }

private:
    static std::string label(const ServiceSpec& service) {
        return concat(service.name, service.main ? " (main)" : service.oneshot ? " (oneshot)" : "");
    }

    std::size_t deepest() const {
        std::size_t deepest = 0;
        for (ServiceIndex index = 0; index < layers_.size(); ++index) {
            deepest = is_drawn(pod_.services[index]) ? std::max(deepest, layers_[index]) : deepest;
        }
        return deepest;
    }

    void draw_layer(std::size_t layer) {
        std::vector<ServiceIndex> members;
        for (ServiceIndex index = 0; index < layers_.size(); ++index) {
            if (is_drawn(pod_.services[index]) && layers_[index] == layer) {
                members.push_back(index);
            }
        }
        for (std::size_t place = 0; place < members.size(); ++place) {
            const bool is_last = place + 1 == members.size();
            const std::string_view branch = members.size() == 1 ? glyphs_.single
                                            : place == 0        ? glyphs_.corner
                                            : is_last           ? glyphs_.last
                                                                : glyphs_.tee;
            const std::string number = std::to_string(layer + 1);
            const std::string head = place == 0 ? std::string(3 - std::min<std::size_t>(number.size(), 3), ' ') + number
                                                : std::string(3, ' ');
            // After the last one the line goes on to the next layer.
            draw_service(members[place], concat(head, " ", branch, glyphs_.single, " "),
                         concat("    ", is_last ? std::string_view{" "} : glyphs_.line, "  "));
        }
    }

    void draw_service(ServiceIndex index, const std::string& head, const std::string& margin) {
        const ServiceSpec& service = pod_.services[index];
        const std::string name = label(service);
        text_ += head + name;
        std::vector<std::string> words = wait_words(service);
        if (words.empty()) {
            text_ += "\n";
            return;
        }
        const std::size_t pad = name.size() < widest_ ? widest_ - name.size() : 0;
        text_ += concat(std::string(pad, ' '), "  ", glyphs_.waits, " ");
        constexpr std::size_t head_width = 7;
        constexpr std::size_t arrow_width = 5;
        wrap(words, head_width + std::max(name.size(), widest_) + arrow_width,
             margin + std::string(widest_ + arrow_width, ' '), head_width + widest_ + arrow_width);
    }

    /// "ready:", "mesh,", "proxy;", "started:", "log-agent".
    std::vector<std::string> wait_words(const ServiceSpec& service) const {
        std::vector<std::string> words;
        const std::vector<model::Dependency> waits = waits_of(pod_, service);
        for (const Condition condition : {Condition::completed, Condition::ready, Condition::started}) {
            bool first = true;
            for (const model::Dependency& wait : waits) {
                if (wait.condition != condition) {
                    continue;
                }
                if (!words.empty()) {
                    words.back() += first ? ';' : ',';
                }
                if (std::exchange(first, false)) {
                    words.push_back(concat(name_of(condition), ":"));
                }
                words.push_back(concat(pod_.services[wait.service].name, wait.required ? "" : " (optional)"));
            }
        }
        return words;
    }

    /// Words up to the edge; the next lines begin with `margin`, which is `margin_width` wide.
    void wrap(const std::vector<std::string>& words, std::size_t column, const std::string& margin,
              std::size_t margin_width) {
        bool line_is_empty = true;
        for (const std::string& word : words) {
            if (!line_is_empty && column + 1 + word.size() > columns) {
                text_ += "\n" + margin;
                column = margin_width;
                line_is_empty = true;
            }
            text_ += concat(line_is_empty ? "" : " ", word);
            column += word.size() + (line_is_empty ? 0 : 1);
            line_is_empty = false;
        }
        text_ += "\n";
    }

    void line(std::string_view name, const std::string& what) {
        constexpr std::size_t name_width = 9;
        std::string head = concat("      ", name);
        head.resize(std::max(head.size() + 1, 6 + name_width), ' ');
        std::string all = head + what;
        if (all.size() > columns) {
            all.replace(columns - 4, std::string::npos, " ...");
        }
        text_ += all + "\n";
    }

    void draw_steps(std::string_view name, const std::vector<model::StepSpec>& steps) {
        for (const model::StepSpec& step : steps) {
            std::string what = action_text(step);
            if (step.timeout) {
                what += concat(", at most ", with_unit(*step.timeout));
            }
            if (step.attempts > 1) {
                what += concat(", ", step.attempts, " attempts");
            }
            line(&step == steps.data() ? name : "", what);
        }
    }

    std::string gate_text() const {
        std::string names;
        for (const ServiceSpec& service : pod_.services) {
            if (is_drawn(service) && service.readiness_probe) {
                names += (names.empty() ? "" : ", ") + service.name;
            }
        }
        return names.empty() ? "nothing to wait for: no service has a readiness probe" : names;
    }

    void draw_lifecycle() {
        const auto main = pod_.main();
        if (!main || !is_drawn(pod_.services[*main])) {
            return;
        }
        const model::LifecycleSpec& lifecycle = pod_.lifecycle;
        text_ += concat("    ", glyphs_.line, "\n    ", glyphs_.down, " ", pod_.services[*main].name, " runs\n");
        draw_steps("preload", lifecycle.preload);
        line("ready", gate_text());
        if (lifecycle.go_online == model::GoOnline::manual) {
            line("gate", "manual: waits for `davit online`");
        }
        draw_steps("online", lifecycle.online);
        text_ += concat("    ", glyphs_.bar, " ONLINE ", glyphs_.bar, "\n");
        draw_steps("offline", lifecycle.offline);
        if (lifecycle.drain.max > Duration::zero()) {
            line("drain", drain_text(lifecycle.drain));
        }
        draw_steps("stop", lifecycle.stop);
        line("then", count_ == 1 ? concat(pod_.services[*main].name, " stops")
                                 : concat(pod_.services[*main].name, " stops, then the others from bottom to top"));
    }

    void draw_disabled() {
        std::vector<std::string> words;
        for (const ServiceSpec& service : pod_.services) {
            if (!service.enabled && !service.removed) {
                if (!words.empty()) {
                    words.back() += ",";
                }
                words.push_back(service.name);
            }
        }
        if (!words.empty()) {
            text_ += "\ndisabled: ";
            wrap(words, 10, std::string(10, ' '), 10);
        }
    }

    const PodSpec& pod_;
    const Glyphs& glyphs_;
    std::vector<std::size_t> layers_;
    std::size_t count_ = 0;
    std::size_t widest_ = 0;
    std::string text_;
};

// ---- dot ---------------------------------------------------------------------------------------

std::string dot_quoted(std::string_view text) {
    std::string quoted = "\"";
    for (const char character : text) {
        if (character == '"' || character == '\\') {
            quoted += '\\';
        }
        quoted += character == '\n' ? ' ' : character;
    }
    return quoted += '"';
}

/// Steps have names of their own; a service's name never has a space.
void draw_steps_as_dot(std::string& text, std::string& before, model::StepKind kind, const model::LifecycleSpec& all) {
    constexpr std::array<std::string_view, 4> names = {"preload", "online", "offline", "stop"};
    const std::string_view name = names[static_cast<std::size_t>(kind)];
    std::size_t number = 0;
    for (const model::StepSpec& step : all.steps(kind)) {
        const std::string node = dot_quoted(concat("step ", name, " ", ++number));
        text += concat("  ", node, " [shape=ellipse, label=", dot_quoted(concat(name, ": ", action_text(step))),
                       "];\n  ", before, " -> ", node, ";\n");
        before = node;
    }
}

std::string node_style(const ServiceSpec& service) {
    if (!service.enabled) {
        return " [style=dotted, label=" + dot_quoted(service.name + " (disabled)") + "]";
    }
    if (service.main) {
        return " [style=bold, label=" + dot_quoted(service.name + " (main)") + "]";
    }
    return service.oneshot ? " [label=" + dot_quoted(service.name + " (oneshot)") + "]" : std::string{};
}

} // namespace

std::string graph_text(const PodSpec& pod, Charset charset) {
    return Picture{pod, charset}.draw();
}

std::string graph_dot(const PodSpec& pod) {
    std::string text = concat("digraph ", dot_quoted(pod.app), " {\n  rankdir=LR;\n  node [shape=box];\n");
    for (const ServiceSpec& service : pod.services) {
        if (service.removed) {
            continue;
        }
        text += concat("  ", dot_quoted(service.name), node_style(service), ";\n");
        for (const model::Dependency& wait : service.depends_on) {
            const ServiceSpec& target = pod.services[wait.service];
            if (!target.removed) {
                text += concat("  ", dot_quoted(target.name), " -> ", dot_quoted(service.name),
                               " [label=", name_of(wait.condition), wait.required ? "" : ", style=dashed", "];\n");
            }
        }
    }
    if (const auto main = pod.main()) {
        std::string before = dot_quoted(pod.services[*main].name);
        for (const model::StepKind kind :
             {model::StepKind::preload, model::StepKind::online, model::StepKind::offline, model::StepKind::stop}) {
            draw_steps_as_dot(text, before, kind, pod.lifecycle);
        }
    }
    return text + "}\n";
}

} // namespace davit::config
