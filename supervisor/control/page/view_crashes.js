// SPDX-License-Identifier: Apache-2.0
// The crash reports: all of them, and one with its stack.

import { element, facts, replace, say } from "./dom.js";
import { ask } from "./service.js";
import { Table } from "./table.js";
import { brief, bytes, fields, list, number, order, place, text, when } from "./values.js";

/// Frames and lines that are shown of one report.
const most_lines = 500;

const worker_of = (crash) => {
    const worker = fields(crash.worker);
    return `${brief(crash.pool, 80)}/${brief(worker.id, 20)}`;
};
const exit_of = (crash) => {
    const exit = fields(crash.exit);
    return brief(exit.signal ?? exit.why ?? exit.kind, 80);
};

const columns = [
    { title: "Time", down: true, show: (crash) => when(crash.time), value: (crash) => order(crash.time),
        link: (crash) => place("crash", crash.report), title_of: (crash) => brief(crash.time, 40) },
    { title: "Pool", show: (crash) => brief(crash.pool, 80), link: (crash) => place("pool", crash.pool) },
    { title: "Worker", show: worker_of },
    { title: "Method", show: (crash) => brief(crash.method, 80) },
    { title: "Exit", show: exit_of },
    { title: "What happened", wide: true, show: (crash) => brief(crash.message) },
];

export class CrashesView {
    static feed = "crashes";
    #table = new Table({ caption: "Crash reports", columns, key: (crash) => text(crash.report), search: true,
        sort: { column: 0, descending: true }, empty: "Nothing has crashed." });

    constructor() {
        this.root = element("section", { "aria-labelledby": "crashes-title" },
            element("h2", { id: "crashes-title", tabindex: "-1" }, "Crash reports"), this.#table.root);
    }

    title() { return "Crash reports"; }
    update({ crashes }) { if (crashes) this.#table.update(list(crashes.crashes).map(fields)); }
}

export class CrashView {
    #title = element("h2", { id: "crash-title", tabindex: "-1" });
    #content = element("div");
    #id;
    #loaded = false;

    constructor() {
        this.root = element("section", { "aria-labelledby": "crash-title" },
            element("p", {}, element("a", { href: "#crashes" }, "All crash reports")), this.#title, this.#content);
    }

    title(id) { return `Crash ${brief(id, 40)}`; }

    show(id) {
        say(this.#title, this.title(id));
        if (id === this.#id && this.#loaded) return;
        this.#id = id;
        this.#loaded = false;
        replace(this.#content, element("p", {}, "Asking the service …"));
        this.#load(id);
    }

    // Asked again as long as the service is away.
    update() { if (!this.#loaded) this.#load(this.#id); }

    async #load(id) {
        let content;
        try {
            const crash = fields((await ask(`/api/crashes/${encodeURIComponent(id)}`)).crash);
            if (id !== this.#id || this.#loaded) return;
            this.#loaded = true;
            content = report(crash);
        } catch (error) {
            if (id !== this.#id || this.#loaded) return;
            this.#loaded = error.answered === true;
            content = [element("p", { class: "notice bad" }, `The report cannot be shown: ${error.message}.`)];
        }
        replace(this.#content, ...content);
    }
}

function report(crash) {
    const exit = fields(crash.exit);
    const pid = brief(fields(crash.worker).pid, 20);
    const attempts = number(crash.attempts) === undefined ? "" : `${crash.attempts} of ${brief(crash.max_attempts)}`;
    return [
        element("p", { class: "headline" }, brief(crash.message, 2000)),
        facts([
            ["Time", `${when(crash.time)} (${brief(crash.time, 40)})`],
            ["Pool", element("a", { href: place("pool", crash.pool) }, brief(crash.pool, 80))],
            ["Method", brief(crash.method, 80)], ["Call", brief(crash.call, 40)], ["Attempt", attempts],
            ["Worker", `${worker_of(crash)}${pid ? `, pid ${pid}` : ""}`],
            ["Exit", brief(exit.kind, 40)], ["Signal", brief(exit.signal, 40)], ["Code", brief(exit.code, 40)],
            ["Address", brief(exit.address, 40)], ["Step of the start", brief(exit.step, 40)], ["Why", brief(exit.why)],
            ["Memory at most", number(exit.max_rss_bytes) === undefined ? "" : bytes(exit.max_rss_bytes)],
            ["Plugin", brief(crash.plugin)], ["Version", brief(crash.version, 80)],
        ]),
        element("h3", {}, "Stack"), stack(list(crash.stack).map(fields)),
        element("h3", {}, "Last output"), output(list(crash.output)),
    ];
}

function stack(frames) {
    if (frames.length === 0) return element("p", { class: "quiet" }, "There is none: no signal was handled.");
    return element("ol", { class: "stack" }, ...frames.slice(0, most_lines).map((frame) => {
        const file = text(frame.file) === "" ? "" : `${brief(frame.file)}:${brief(frame.line, 20)}`;
        const place_in_module = [brief(frame.module), brief(frame.offset, 40)].filter(Boolean).join(" + ");
        return element("li", {}, element("code", { class: "function" }, brief(frame.function, 1000) || "(no name)"),
            element("span", {}, file), element("span", { class: "quiet" }, place_in_module));
    }));
}

/// A line is a text, or has one in it.
function output(lines) {
    if (lines.length === 0) return element("p", { class: "quiet" }, "There is none.");
    const words = lines.slice(-most_lines).map((line) => brief(fields(line).line ?? fields(line).text ?? line, 4000));
    return element("pre", { tabindex: "0", role: "region", "aria-label": "Last output" }, words.join("\n"));
}
