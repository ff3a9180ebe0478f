// SPDX-License-Identifier: Apache-2.0
#include "cases.hpp"

#include <algorithm>
#include <memory>

#include "../measured.hpp"
#include "fake_world.hpp"
#include "host/claim.hpp"
#include "host/current_call.hpp"
#include "one_thread.hpp"
#include "wire/codec.hpp"
#include "wire/records.hpp"

namespace bench::parts {
namespace {

using namespace caisson;

constexpr std::int64_t input = 12;
const auto body = std::as_bytes(std::span{&input, 1});

void expect(bool holds, std::string_view what) {
    if (!holds) give_up(what);
}

}  // namespace

void codec(std::size_t calls) {
    wire::Buffer out;
    wire::FrameReader reader;
    for (std::size_t done = 0; done < calls; done += calls_per_turn) {
        out.clear();
        for (std::size_t i = 0; i < calls_per_turn; ++i)
            wire::append_frame(out, {.type = wire::Type::call, .id = done + i}, wire::bytes_of("math.square"), body);
        std::ranges::copy(out, reader.prepare(out.size()).begin());
        reader.commit(out.size());
        std::size_t frames = 0;
        while (reader.next()) ++frames;
        expect(frames == calls_per_turn, "the reader lost frames");
    }
}

void channel(std::size_t calls) {
    ChannelPair pair;
    for (std::size_t done = 0; done < calls; done += calls_per_turn)
        pair.pass(calls_per_turn, [&](Channel& out) {
            for (std::size_t i = 0; i < calls_per_turn; ++i)
                out.send({.type = wire::Type::call, .id = done + i}, "math.square", {}, body);
        });
}

void scheduler_call(std::size_t calls) {
    World world;
    for (std::size_t done = 0; done < calls; done += calls_per_turn) {
        for (std::size_t i = 0; i < calls_per_turn; ++i) world.submit(done + i, body, 0);
        world.settle();
    }
    expect(world.told() == calls, "calls without an outcome");
}

void scheduler_item(std::size_t calls) {
    wire::Buffer records;
    for (std::size_t i = 0; i < calls_per_turn; ++i) wire::append_record(records, body);
    World world;
    for (std::size_t done = 0; done < calls; done += calls_per_turn) {
        world.submit(done, records, calls_per_turn);
        world.settle();
    }
    expect(world.told() == calls, "items without an outcome");
}

void worker_call(std::size_t calls) {
    Drained socket;
    const auto box = std::make_unique<wire::BlackBox>();  // not in a memfd: only this process looks at it
    host::Outlet outlet{*box, socket.descriptor()};
    host::CurrentCall current{*box, outlet};
    std::int64_t now_ns = 1;
    for (std::uint64_t id = 1; id <= calls; ++id) {
        expect(host::claim_call(box->claim, id), "a claim failed");
        const auto& call = current.begin({.id = id, .params = {}, .body = body}, now_ns++);
        current.set_encoding(&call, CAISSON_PACKED);
        current.write(&call, body);
        current.finish({.status = CAISSON_OK, .broke = {}}, now_ns++);
        if (id % calls_per_turn != 0) continue;
        current.flush();
        socket.drain();
    }
}

}  // namespace bench::parts
