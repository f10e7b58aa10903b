#include "tests/sim/scenario/commands.hpp"

#include "tests/sim/scenario/show.hpp"
#include "tests/sim/scenario/words.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>

namespace zabd::sim::scenario {

const std::string_view kGrammar = R"(  ensemble N [observers N] [tick TIME] [hold TIME] [short log] [counter max N]
             [java N [java N...] [before 3.8.5] [window N] [node TIME]] [up]
  start|crash N... or all; power cut N... or all; wipe N; take image N; put image back N
  cut A B; cut A->B; isolate A; break A B; heal
  step down N
  disk N holds back [epochs]; disk N goes on
  hold PACKET A->B; release
  run TIME; run until leader; run until all serve
  client NAME at N [timeout TIME]
  NAME: REQUEST [; REQUEST...]   create PATH [DATA] [ephemeral] [sequential], set PATH DATA [version N], delete PATH,
                                 get|exists|children PATH [watch], sync PATH, multi (REQUEST, ...), close
  NAME: moves to N; NAME: falls silent; NAME: sets PATH N times
  show packets [A->B|A-B]; forget packets; show servers; show log N; show sessions N; show votes
)";

namespace {

using Command = void (*)(Scene&, Words&);

constexpr Duration kAnswerMax = milliseconds(200);
constexpr Duration kDefaultTimeout = seconds(30);

// --- words -----------------------------------------------------------------------------------------------------------

Server& server_in(Scene& scene, Words& words) {
    auto* server = scene.server(words.number());
    if (!server) throw BadWords("there is no such server");
    return *server;
}

ServerId member_in(Scene& scene, Words& words) {
    const ServerId id{static_cast<std::uint8_t>(words.number())};
    if (!scene.members().contains(id)) throw BadWords("there is no such member");
    return id;
}

/// "all", or numbers up to the end.
std::vector<ServerId> members_in(Scene& scene, Words& words) {
    if (words.take("all")) return {scene.members().begin(), scene.members().end()};
    std::vector<ServerId> members;
    do members.push_back(member_in(scene, words));
    while (!words.empty());
    return members;
}

/// With what is the member's, be it zabd or not.
template <class Act>
void with_member(Scene& scene, ServerId id, const Act& act) {
    if (auto* server = scene.server(number(id))) return act(*server);
    act(*scene.java(number(id)));
}

void start_member(Scene& scene, Server& server) { scene.start(server); }
void start_member(Scene&, JavaPeer& peer) { peer.start(); }

std::pair<ServerId, ServerId> way_in(Words& words) {
    const auto text = words.next();
    const auto arrow = text.find("->");
    if (arrow == std::string::npos) throw BadWords("A->B is missing");
    Words from(text.substr(0, arrow)), to(text.substr(arrow + 2));
    const auto first = static_cast<std::uint8_t>(from.number());
    return {ServerId{first}, ServerId{static_cast<std::uint8_t>(to.number())}};
}

// --- the ensemble ----------------------------------------------------------------------------------------------------

void ensemble(Scene& scene, Words& words) {
    Scene::Setup setup;
    setup.voters = words.number();
    bool up = false;
    while (!words.empty()) {
        if (words.take("observers")) {
            setup.observers = words.number();
        } else if (words.take("up")) {
            up = true;
        } else if (words.take("tick")) {
            setup.tick = std::chrono::duration_cast<Millis>(words.time());
        } else if (words.take("hold")) {
            setup.hold_max = std::chrono::duration_cast<Millis>(words.time());
        } else if (words.take("counter")) {
            words.expect("max");
            setup.counter_max = static_cast<Counter>(words.number());
        } else if (words.take("java")) {
            setup.javas.insert(ServerId{static_cast<std::uint8_t>(words.number())});
        } else if (words.take("before")) {
            words.expect("3.8.5");
            setup.java_early = true;
        } else if (words.take("window")) {
            setup.java_window = words.number();
        } else if (words.take("node")) {
            setup.java_node_time = words.time();
        } else {
            words.expect("short");
            words.expect("log");
            setup.short_log = true;
        }
    }
    scene.set_up(setup);
    if (!up) return;
    for (const auto id : scene.members()) with_member(scene, id, [&](auto& member) { start_member(scene, member); });
    const auto leader = scene.run_until_leader();
    (void)scene.run_until_all_serve();
    (void)scene.take_told();
    (void)scene.take_packets();
    scene.tell(leader ? fmt::format("{} leads", number(*leader)) : "no leader");
}

void start(Scene& scene, Words& words) {
    for (const auto id : members_in(scene, words))
        with_member(scene, id, [&](auto& member) {
            if (member.up()) throw BadWords("it is up");
            start_member(scene, member);
        });
}

void crash(Scene& scene, Words& words) {
    for (const auto id : members_in(scene, words))
        with_member(scene, id, [](auto& member) {
            if (member.up()) member.kill();
        });
}

void power(Scene& scene, Words& words) {
    words.expect("cut");
    for (const auto id : members_in(scene, words)) with_member(scene, id, [](auto& member) { member.cut_power(); });
}

void wipe(Scene& scene, Words& words) { scene.lose_disk(server_in(scene, words)); }

void take(Scene& scene, Words& words) {
    words.expect("image");
    server_in(scene, words).store().take_image();
}

void put(Scene& scene, Words& words) {
    words.expect("image");
    words.expect("back");
    scene.put_image_back(server_in(scene, words));
}

void cut(Scene& scene, Words& words) {
    if (words.peek().find("->") != std::string::npos) {
        const auto [from, to] = way_in(words);
        return scene.mesh().cut(from, to);
    }
    const auto one = member_in(scene, words);
    const auto other = member_in(scene, words);
    scene.mesh().cut(one, other);
    scene.mesh().cut(other, one);
}

/// The connections that stand; they may dial anew.
void break_links(Scene& scene, Words& words) {
    const auto one = member_in(scene, words);
    const auto other = member_in(scene, words);
    scene.mesh().reset(one, other);
}

void isolate(Scene& scene, Words& words) {
    const auto one = member_in(scene, words);
    for (const auto other : scene.members()) {
        if (other == one) continue;
        scene.mesh().cut(one, other);
        scene.mesh().cut(other, one);
    }
}

void step(Scene& scene, Words& words) {
    words.expect("down");
    server_in(scene, words).step_down();
}

void heal(Scene& scene, Words&) {
    scene.mesh().heal();
    for (const auto& server : scene.servers()) server->heal();
    for (const auto& java : scene.javas()) java->hold_disk(false);
}

void hold_disk(Server& server, Words& words, bool goes_on) {
    if (goes_on) return server.hold_disk(Server::DiskHold::kNone);
    server.hold_disk(words.take("epochs") ? Server::DiskHold::kHardState : Server::DiskHold::kAll);
}
void hold_disk(JavaPeer& peer, Words&, bool goes_on) { peer.hold_disk(!goes_on); }

void disk(Scene& scene, Words& words) {
    const auto id = member_in(scene, words);
    const bool goes_on = words.take("goes");
    if (!goes_on) words.expect("holds");
    words.expect(goes_on ? "on" : "back");
    with_member(scene, id, [&](auto& member) { hold_disk(member, words, goes_on); });
}

void hold(Scene& scene, Words& words) {
    const auto type = words.packet_type();
    const auto [from, to] = way_in(words);
    scene.hold(type, from, to);
}

void release(Scene& scene, Words&) {
    scene.release_all();
    scene.run_for(milliseconds(5));
}

void forget(Scene& scene, Words& words) {
    words.expect("packets");
    (void)scene.take_packets();
}

void run(Scene& scene, Words& words) {
    if (!words.take("until")) return scene.run_for(words.time());
    if (words.take("leader")) {
        if (!scene.run_until_leader()) scene.tell("no leader");
        return;
    }
    words.expect("all");
    words.expect("serve");
    const bool serve = scene.run_until_all_serve();
    scene.tell(serve ? "all serve" : "not all serve");
}

// --- clients ---------------------------------------------------------------------------------------------------------

void await_answers(Scene& scene, const Client& client) {
    scene.run_until(kAnswerMax, [&] { return client.idle(); });
}

void client(Scene& scene, Words& words) {
    const auto name = words.next();
    if (scene.client(name)) throw BadWords("there is such a client");
    words.expect("at");
    auto& server = server_in(scene, words);
    scene.add_client(name, words.take("timeout") ? words.time() : kDefaultTimeout);
    auto& client = *scene.client(name);
    client.connect(server);
    await_answers(scene, client);
    if (!client.idle()) scene.tell(name + ": is not let in yet");
}

/// One after the other. Of the answers the last one is told.
void set_often(Scene& scene, const std::string& name, Client& client, Words& words) {
    const auto path = words.next();
    const auto times = words.number();
    words.expect("times");
    for (std::size_t n = 1; n <= times; ++n) {
        const auto text = fmt::format("set {} {}", path, n);
        Words one(text);
        client.ask(request_in(one), text);
        await_answers(scene, client);
        auto told = scene.take_told();
        std::erase_if(told,
                      [&](const auto& line) { return n < times && line.starts_with(name + ": " + text + " -> "); });
        for (auto& line : told) scene.tell(std::move(line));
    }
}

void let_client(Scene& scene, const std::string& name, Words& words) {
    auto* client = scene.client(name);
    if (!client) throw BadWords("there is no such client");
    if (words.take("falls")) {
        words.expect("silent");
        return client->fall_silent();
    }
    if (words.take("moves")) {
        words.expect("to");
        client->connect(server_in(scene, words));
        await_answers(scene, *client);
        if (!client->idle()) scene.tell(name + ": is not let in yet");
        return;
    }
    if (words.take("sets")) return set_often(scene, name, *client, words);
    for (auto& one : words.split(";")) {
        const auto text = one.rest();
        client->ask(request_in(one), text);
    }
    await_answers(scene, *client);
    for (const auto& text : client->unanswered()) scene.tell(fmt::format("{}: {} -> no answer yet", name, text));
}

constexpr std::array<std::pair<std::string_view, Command>, 19> kCommands{{
    {"ensemble", ensemble}, {"start", start}, {"crash", crash},   {"power", power},     {"wipe", wipe},
    {"take", take},         {"put", put},     {"cut", cut},       {"isolate", isolate}, {"break", break_links},
    {"step", step},         {"heal", heal},   {"disk", disk},     {"hold", hold},       {"release", release},
    {"forget", forget},     {"run", run},     {"client", client}, {"show", show},
}};

}  // namespace

std::vector<std::string> perform(Scene& scene, const std::string& command) {
    Words words(command);
    auto first = words.next();
    if (first.ends_with(':')) {
        first.pop_back();
        let_client(scene, first, words);
    } else {
        const auto* found = std::ranges::find(kCommands, first, &decltype(kCommands)::value_type::first);
        if (found == kCommands.end()) throw BadWords("no such command");
        if (scene.is_set_up() == (first == "ensemble")) throw BadWords("an ensemble comes first, and once");
        found->second(scene, words);
    }
    if (!words.empty()) throw BadWords(fmt::format("\"{}\" means nothing here", words.next()));
    return scene.take_told();
}

}  // namespace zabd::sim::scenario
