// SPDX-License-Identifier: Apache-2.0
// All pools: what they come to together, what is wrong, and a line for each.

import { ChartBox } from "./chart_box.js";
import { element, facts, replace } from "./dom.js";
import { outcomes } from "./history.js";
import { calls_per_s, p99_of, ready_of, reason_of, target_of } from "./pool.js";
import { quantity, Table } from "./table.js";
import { brief, bytes, count, duration, fields, list, number, place, rate, text, when } from "./values.js";

/// Pools whose latency is drawn; more lines cannot be told apart.
const most_drawn = 5;
/// Troubles that are told of; the states of all pools stand in the table.
const most_troubles = 12;

const outcome = (title, word) => quantity(title, count, (pool) => fields(pool.calls)[word]);

const columns = (history) => [
    { title: "Pool", show: (pool) => brief(pool.name, 80), link: (pool) => place("pool", pool.name) },
    { title: "State", state: true, show: (pool) => brief(pool.state, 40), title_of: reason_of },
    { title: "Workers", number: true, show: (pool) => `${ready_of(pool)} of ${target_of(pool)}`, value: ready_of },
    quantity("Running", count, (pool) => pool.running), quantity("Queued", count, (pool) => pool.queued),
    quantity("Calls/s", rate, (pool) => calls_per_s(pool, history)), quantity("p99", duration, p99_of),
    outcome("Ok", "ok"), outcome("Failed", "failed"), outcome("Crashed", "crashed"),
    outcome("Timed out", "timed_out"), outcome("Refused", "refused"),
    quantity("Restarts", count, (pool) => pool.restarts), quantity("Memory", bytes, (pool) => pool.memory_bytes),
    { title: "Version", show: (pool) => brief(pool.version, 40) },
];

export class PoolsView {
    #history;
    #facts = element("div");
    #wrong = element("ul", { class: "wrong" });
    #rates = new ChartBox({ title: "Calls per second, by outcome", say: rate });
    #load = new ChartBox({ title: "Calls in the service", say: count });
    #latency = new ChartBox({ title: "Latency, p99, of the busiest pools", say: duration, logarithmic: true });
    #table;

    constructor({ history }) {
        this.#history = history;
        this.#table = new Table({ caption: "Pools", columns: columns(history), key: (pool) => text(pool.name),
            search: true, empty: "There are no pools: the configuration names none and the plugin folder is empty." });
        this.root = element("section", { "aria-labelledby": "pools-title" },
            element("h2", { id: "pools-title", tabindex: "-1" }, "Pools"), this.#facts, this.#wrong,
            element("div", { class: "charts" }, this.#rates.root, this.#load.root, this.#latency.root),
            this.#table.root);
    }

    title() { return "Pools"; }

    update({ status, now_s }) {
        const pools = list(status.pools).map(fields);
        this.#table.update(pools);
        replace(this.#facts, summary(pools));
        replace(this.#wrong, ...troubles(status, pools));
        this.#chart(pools, now_s);
    }

    #chart(pools, now_s) {
        const all = this.#history.points();
        const times = all.map((point) => point.time_s);
        this.#rates.update(times, outcomes.map((word) =>
            ({ label: word.replace("_", " "), values: all.map((point) => point.rates?.[word]) })), now_s);
        const at = (what) => all.map((point) => (point.rates ? point[what] : undefined));
        this.#load.update(times,
            [{ label: "running", values: at("running") }, { label: "waiting", values: at("queued") }], now_s);
        this.#latency.update(times,
            busiest(pools).map((name) => ({ label: brief(name, 30), values: this.#latencies(name, all) })), now_s);
    }

    /// The values of one pool at the times of all: a pool may be younger than the others.
    #latencies(name, all) {
        const own = new Map(this.#history.points(name).map((point) => [point.time_s, point]));
        return all.map(({ time_s }) => {
            const point = own.get(time_s);
            return point?.rates && number(point.latency.total.p99_s);
        });
    }
}

/// The pools with most calls, by name, so that a line keeps its colour.
function busiest(pools) {
    const calls = (pool) => Object.values(fields(pool.calls)).reduce((sum, value) => sum + (number(value) ?? 0), 0);
    const first = pools.map((pool) => [calls(pool), text(pool.name)]).sort((a, b) => b[0] - a[0]).slice(0, most_drawn);
    return first.map(([, name]) => name).sort();
}

function summary(pools) {
    const sum = (value) => pools.reduce((all, pool) => all + (value(pool) ?? 0), 0);
    return facts([
        ["Pools", count(pools.length)],
        ["Workers ready", `${count(sum(ready_of))} of ${count(sum(target_of))}`],
        ["Calls running", count(sum((pool) => number(pool.running)))],
        ["Calls waiting", count(sum((pool) => number(pool.queued)))],
        ["Crashed calls", count(sum((pool) => number(fields(pool.calls).crashed)))],
    ]);
}

/// What needs somebody's eye.
function troubles(status, pools) {
    const supervisor = fields(status.supervisor);
    const reload = fields(supervisor.reload);
    const said = list(supervisor.problems).map((problem) => `Passed over: ${brief(problem)}`);
    if (reload.ok === false)
        said.unshift(`The reload of ${when(reload.time)} changed nothing: ${brief(reload.message)}`);
    const problems = said.map((words) => element("li", { class: "bad" }, words));
    const line = (pool, kind) => element("li", { class: kind }, "Pool ",
        element("a", { href: place("pool", pool.name) }, brief(pool.name, 80)),
        ` is ${brief(pool.state, 40)}: ${reason_of(pool)}`);
    const with_reason = pools.filter((pool) => text(pool.reason) !== "");
    const closed = with_reason.filter((pool) => pool.state === "quarantined");
    const others = with_reason.filter((pool) => pool.state !== "quarantined");
    const all = [...closed.map((pool) => line(pool, "bad")), ...problems, ...others.map((pool) => line(pool, "warn"))];
    const more = all.length - most_troubles;
    return more > 0 ? [...all.slice(0, most_troubles), element("li", {}, `And ${count(more)} more.`)] : all;
}
