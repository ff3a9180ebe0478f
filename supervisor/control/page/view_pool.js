// SPDX-License-Identifier: Apache-2.0
// One pool: its state and why, rates and latencies, workers, methods.

import { ChartBox } from "./chart_box.js";
import { badge, element, facts, replace, say } from "./dom.js";
import { outcomes } from "./history.js";
import { button } from "./operate.js";
import { calls_per_s, latency_of, parts, ready_of, reason_of, target_of } from "./pool.js";
import { quantity, Table } from "./table.js";
import { brief, bytes, count, duration, fields, list, number, place, rate, text, when } from "./values.js";
import { workers_of, workers_table } from "./workers_table.js";

const method_columns = [
    { title: "Method", show: (method) => brief(method.name, 80) },
    { title: "Input", show: (method) => brief(method.input, 80) },
    { title: "Output", show: (method) => brief(method.output, 80) },
    { title: "Idempotent", show: (method) => (method.idempotent === true ? "yes" : "no") },
    { title: "Does", wide: true, show: (method) => brief(method.help) },
];

const latency_columns = [
    { title: "Part", show: (row) => row.part, value: (row) => parts.indexOf(row.part) },
    quantity("p50", duration, (row) => row.p50_s), quantity("p99", duration, (row) => row.p99_s),
];

export class PoolView {
    #history;
    #name = "";
    #title = element("h2", { id: "pool-title", tabindex: "-1" });
    #missing = element("p", { class: "notice bad", hidden: true });
    #content = element("div");
    #buttons = element("div", { class: "controls" });
    #facts = element("div");
    #latency_table = new Table({ caption: "Latency of the last minute", columns: latency_columns,
        key: (row) => row.part, empty: "" });
    #rates = new ChartBox({ title: "Calls per second, by outcome", say: rate });
    #latency = new ChartBox({ title: "Latency", say: duration, logarithmic: true });
    #workers;
    #methods = new Table({ caption: "Methods of this pool", columns: method_columns, key: (method) => text(method.name),
        empty: "They are not known before a worker was ready." });

    constructor({ history, operate, after }) {
        this.#history = history;
        this.#workers = workers_table({ caption: "Workers of this pool", operate, after });
        if (operate) this.#add_buttons(after);
        this.#content.append(this.#buttons, this.#facts,
            element("div", { class: "charts" }, this.#rates.root, this.#latency.root,
                element("figure", {}, element("h3", {}, "Latency of the last minute"), this.#latency_table.root)),
            element("h3", {}, "Workers"), this.#workers.root, element("h3", {}, "Methods"), this.#methods.root);
        this.root = element("section", { "aria-labelledby": "pool-title" }, this.#title, this.#missing, this.#content);
    }

    title(name) { return `Pool ${brief(name, 80)}`; }
    show(name) {
        this.#name = name;
        say(this.#title, this.title(name));
        for (const made of this.#buttons.children)
            made.setAttribute("aria-label", `${made.textContent} pool ${brief(name, 80)}`);
    }

    #target = 1;
    #add_buttons(after) {
        const pool = () => ({ pool: this.#name });
        const size = () => ({ pool: this.#name, workers: this.#target });
        this.#buttons.append(button("restart", pool, after), button("resize", size, after),
            button("drain", pool, after), button("resume", pool, after));
    }

    update({ status, now_s }) {
        const pool = list(status.pools).map(fields).find(({ name }) => text(name) === this.#name);
        this.#content.hidden = pool === undefined;
        this.#missing.hidden = pool !== undefined;
        if (pool === undefined) return say(this.#missing, `There is no pool ${brief(this.#name, 80)} (any more).`);
        this.#target = Math.max(target_of(pool), 1);
        replace(this.#facts, facts(about(pool, this.#history)));
        this.#latency_table.update(parts.map((part) => ({ part, ...latency_of(pool)[part] })));
        this.#workers.update(workers_of([pool]));
        this.#methods.update(list(pool.methods).map(fields));
        this.#chart(now_s);
    }

    #chart(now_s) {
        const points = this.#history.points(this.#name);
        const times = points.map((point) => point.time_s);
        this.#rates.update(times, outcomes.map((word) =>
            ({ label: word.replace("_", " "), values: points.map((point) => point.rates?.[word]) })), now_s);
        const line = (part, key) => ({ label: `${part} ${key.slice(0, 3)}`, values: points.map((point) =>
            (point.rates ? number(point.latency[part][key]) : undefined)) });
        this.#latency.update(times,
            ["waiting", "running"].flatMap((part) => [line(part, "p50_s"), line(part, "p99_s")]), now_s);
    }
}

/// The terms of a pool and what they are; a list for facts().
function about(pool, history) {
    const state = element("span", {}, badge(brief(pool.state, 40)));
    if (number(pool.since_s) !== undefined) state.append(` for ${duration(pool.since_s)}`);
    const calls = outcomes.map((word) => `${count(number(fields(pool.calls)[word]) ?? 0)} ${word.replace("_", " ")}`);
    return [
        ["State", state], ["Reason", reason_of(pool)],
        ["Breaker", brief(fields(pool.breaker).state, 40)],
        ["Workers", `${ready_of(pool)} of ${target_of(pool)} ready`], ["Size", size_of(fields(pool.size))],
        ["Spares", pool.spares > 0 ? count(pool.spares) : ""],
        ["Running", count(pool.running)], ["Queued", count(pool.queued)],
        ["Calls", calls.join(", ")], ["Calls per second", rate(calls_per_s(pool, history))],
        ["Refused", counts(pool.refused)], ["Crashes", counts(pool.crashes)], ["Timed out", counts(pool.timed_out)],
        ["Retries", count(pool.retries)],
        ["Restarts", [count(pool.restarts), counts(pool.restarts_by)].filter(Boolean).join(": ")],
        ["Last crash", last_crash(fields(pool.last_crash))],
        ["Memory", number(pool.memory_bytes) === undefined ? "" : bytes(pool.memory_bytes)],
        ["Start", start_of(pool)],
        ...library(pool),
    ];
}

const size_of = ({ min, max }) => (number(min) === undefined ? "" : `${count(min)} to ${count(max)} workers`);

/// {"queue.calls": 3} -> "3 queue.calls"
function counts(by_reason) {
    const reasons = Object.entries(fields(by_reason)).filter(([, times]) => number(times) > 0);
    return reasons.map(([reason, times]) => `${count(times)} ${brief(reason, 60).replaceAll("_", " ")}`).join(", ");
}

function last_crash(crash) {
    const id = text(crash.report);
    if (id === "") return "";
    const link = element("a", { href: place("crash", id) }, brief(crash.message) || brief(id, 40));
    return element("span", {}, `${when(crash.time)}: `, link);
}

function start_of(pool) {
    const why_not = text(pool.no_zygote) === "" ? "" : `, no zygote: ${brief(pool.no_zygote)}`;
    return `${brief(pool.start, 40)}${why_not}`;
}

/// The library that is loaded, a new one that is tried, and one that was tried and refused.
function library(pool) {
    const loaded = fields(pool.library);
    const tried = fields(loaded.candidate);
    const refused = fields(loaded.rolled_back);
    const trial = ["state", "version", "hash", "calls", "ends"].filter((name) => text(tried[name]) !== "");
    const known = trial.map((name) => `${name} ${brief(tried[name], 80)}`);
    return [
        ["Plugin", brief(loaded.path ?? pool.plugin)],
        ["Version", brief(loaded.version ?? pool.version, 80)],
        ["Hash", brief(loaded.hash, 80)],
        ["Problem of the library", brief(loaded.problem)],
        ["Library on trial", known.join(", ")],
        ["Rolled back", [brief(refused.hash, 80), brief(refused.why)].filter(Boolean).join(": ")],
    ];
}
