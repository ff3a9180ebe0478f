// SPDX-License-Identifier: Apache-2.0
#include "cli/session.hpp"

#include "base/suggest.hpp"
#include "base/text.hpp"
#include "cli/lines.hpp"
#include "cli/output.hpp"

namespace caisson::cli {
namespace {

std::string listed(const std::vector<std::string>& choices) {
    std::string out;
    for (const auto& choice : choices) out += cat(out.empty() ? "" : ", ", choice);
    return out;
}

// A request that the service refused.
void say_refusal(const Context& context, const Json& request, const Json& reply, std::string_view doing) {
    const auto said = [&](const char* key) {
        const Json& value = member(reply, key);
        return value.is_string() ? printable_lines(value.get_ref<const std::string&>(), "  ") : std::string{};
    };
    const auto message = said("message");
    const auto hint = said("hint");
    std::string out =
        cat("caisson: ", doing, " refused: ", message.empty() ? "the service did not say why" : message, '\n');
    if (!hint.empty()) out += cat("  ", hint, '\n');
    if (const auto pools = texts(reply, "pools"); !pools.empty()) {
        if (const auto near = nearest(text(request, "pool"), pools)) out += cat("  did you mean ", *near, "?\n");
        out += cat("  pools: ", listed(pools), '\n');
    }
    say(context.streams.err, out);
}

}  // namespace

std::filesystem::path socket_path(const Context& context) {
    return context.socket.empty() ? Client::default_socket() : std::filesystem::path{context.socket};
}

std::expected<Client, int> open_session(const Context& context) {
    auto client = Client::connect(socket_path(context));
    if (client) return std::move(*client);
    complain(context, printable(client.error().message));
    return std::unexpected(exit_no_service);
}

std::expected<Reply, int> ask(const Context& context, Client& client, const Json& request, std::string_view doing,
                              std::chrono::milliseconds patience) {
    auto answer = client.request(request.dump(-1, ' ', false, Json::error_handler_t::replace), patience);
    if (!answer) {
        complain(context, cat(doing, ": ", printable(answer.error().message)));
        return std::unexpected(exit_code(answer.error().kind));
    }
    Reply reply{std::move(answer->json), {}};
    reply.document = parse_document(reply.raw);
    if (answer->ok) {
        if (reply.document.is_object()) return reply;
        complain(context, cat(doing, ": the service's answer is not a JSON object"));
        return std::unexpected(exit_no_service);
    }
    if (context.json) (void)print(context, cat(reply.raw, '\n'));
    say_refusal(context, request, reply.document, doing);
    return std::unexpected(exit_refused);
}

int print(const Context& context, std::string_view text) {
    Output output{context.streams.out};
    output.append(text);
    output.flush();
    if (output.state() != Output::State::broken) return exit_ok;
    complain(context, cat("cannot write the output: ", output.error()));
    return exit_io;
}

int ask_and_print(const Context& context, const Json& request, std::string_view doing,
                  const std::function<std::string(const Json&)>& render) {
    auto client = open_session(context);
    if (!client) return client.error();
    const auto reply = ask(context, *client, request, doing);
    if (!reply) return reply.error();
    return print(context, context.json ? cat(reply->raw, '\n') : render(reply->document));
}

}  // namespace caisson::cli
