// SPDX-License-Identifier: Apache-2.0
// A chart over the last minutes, drawn by Chart.js, with a legend that says the latest values in words and a table of
// the same numbers, for those who do not see a canvas.

import { element, replace } from "./dom.js";
import { span_s } from "./history.js";
import { nothing, number } from "./values.js";

const strokes = [[], [6, 3], [2, 2], [8, 3, 2, 3], [12, 4], [4, 4]];
/// Lines of the table: enough to see where it goes, few enough to be read out.
const table_lines = 12;

/// The colour that a CSS variable stands for now.
function colour(name) {
    const probe = document.body.appendChild(element("span", { class: "unseen" }));
    probe.style.color = `var(--${name})`;
    const found = getComputedStyle(probe).color;
    probe.remove();
    return found;
}

/// -90 -> "-1:30"
function minutes_of(seconds) {
    const whole = Math.round(Math.abs(seconds));
    return whole === 0 ? "now" : `-${Math.floor(whole / 60)}:${String(whole % 60).padStart(2, "0")}`;
}

export class ChartBox {
    #title;
    #say; // a value in words
    #log; // whether the scale is logarithmic
    #series = []; // [{label, values: [number or undefined]}]
    #times = [];
    #canvas = element("canvas", { role: "img" });
    #legend = element("ul", { class: "legend" });
    #head = element("tr");
    #body = element("tbody");
    #details;
    #chart;

    /// `say(value)` puts a value into words, with its unit.
    constructor({ title, say: words, logarithmic = false }) {
        this.#title = title;
        this.#say = words;
        this.#log = logarithmic;
        const caption = element("caption", {}, element("span", { class: "unseen" }, title));
        const table = element("table", {}, caption, element("thead", {}, this.#head), this.#body);
        this.#details = element("details", { on: { toggle: () => this.#tabulate() } },
            element("summary", {}, "As a table"), element("div", { class: "scroll" }, table));
        this.root = element("figure", {}, element("figcaption", {}, element("h3", {}, title), this.#legend),
            element("div", { class: "canvas" }, this.#canvas), this.#details);
        document.addEventListener("themechange", () => this.#paint());
    }

    /// Shows what these series were at these times; `now_s` is the right edge.
    update(times_s, series, now_s) {
        this.#times = times_s.map((time) => time - now_s);
        this.#series = series;
        this.#explain();
        this.#tabulate();
        this.#draw();
    }

    #draw() {
        if (this.#canvas.offsetParent === null) return; // not in sight, and without a size
        if (this.#chart === undefined) this.#create();
        if (this.#chart === null) return;
        const sets = this.#chart.data.datasets;
        sets.length = Math.min(sets.length, this.#series.length);
        for (const [i, { label, values }] of this.#series.entries()) {
            const data = values.map((value, k) => ({ x: this.#times[k], y: this.#drawable(value) }));
            if (sets[i]) Object.assign(sets[i], { label, data });
            else sets.push({ label, data, ...this.#pen(i) });
        }
        this.#set_span();
        this.#chart.update("none");
    }

    // A young page has little to show: its charts begin with one minute and grow.
    #set_span() {
        const minutes = Math.max(Math.ceil(-(this.#times[0] ?? 0) / 60), 1);
        const axis = this.#chart.options.scales.x;
        axis.min = -Math.min(60 * minutes, span_s);
        axis.ticks.stepSize = minutes > 2 ? 60 : 15 * minutes;
    }

    // A logarithmic scale has no place for nothing.
    #drawable(value) {
        return number(value) === undefined || (this.#log && value <= 0) ? null : value;
    }

    #pen(index) {
        const ink = colour(`series-${(index % strokes.length) + 1}`);
        return { borderColor: ink, backgroundColor: ink, borderDash: strokes[index % strokes.length], borderWidth: 2,
            pointRadius: 0, pointHitRadius: 8, tension: 0 };
    }

    #create() {
        if (globalThis.Chart === undefined) {
            this.#chart = null;
            this.#canvas.parentElement.replaceChildren("The chart library could not be loaded; see the table.");
            return;
        }
        this.#chart = new globalThis.Chart(this.#canvas, {
            type: "line",
            data: { datasets: [] },
            options: {
                animation: false, responsive: true, maintainAspectRatio: false, parsing: false, normalized: true,
                interaction: { mode: "index", intersect: false, axis: "x" },
                plugins: { legend: { display: false }, tooltip: { callbacks: this.#tips() } },
                scales: { x: this.#time_axis(), y: this.#value_axis() },
            },
        });
        this.#paint();
    }

    #tips() {
        return { title: ([item]) => (item ? minutes_of(item.parsed.x) : ""),
            label: (item) => `${item.dataset.label}: ${this.#say(item.parsed.y)}` };
    }

    #time_axis() {
        return { type: "linear", min: -span_s, max: 0,
            ticks: { stepSize: 60, maxRotation: 0, autoSkipPadding: 8, callback: (value) => minutes_of(value) } };
    }

    #value_axis() {
        const is_power = (value) => Math.abs(Math.log10(value) - Math.round(Math.log10(value))) < 1e-6;
        const words = (value) => (!this.#log || is_power(value) ? this.#say(value) : null);
        return this.#log
            ? { type: "logarithmic", ticks: { callback: words, maxRotation: 0 } }
            : { type: "linear", beginAtZero: true, suggestedMax: 1, ticks: { callback: words, maxTicksLimit: 6 } };
    }

    /// Takes the colours from the style, again when they have changed.
    #paint() {
        if (!this.#chart) return;
        const [words, lines, back] = [colour("quiet"), colour("line"), colour("panel")];
        for (const axis of Object.values(this.#chart.options.scales)) {
            axis.ticks.color = words;
            axis.grid = { color: lines, borderColor: lines };
        }
        Object.assign(this.#chart.options.plugins.tooltip, { backgroundColor: back, borderColor: lines, borderWidth: 1,
            titleColor: colour("text"), bodyColor: colour("text") });
        for (const [i, set] of this.#chart.data.datasets.entries()) Object.assign(set, this.#pen(i));
        this.#chart.update("none");
    }

    /// The legend is HTML: what each line is, and what it is at now.
    #explain() {
        replace(this.#legend, ...this.#series.map(({ label, values }, i) =>
            element("li", { class: `series-${(i % strokes.length) + 1}` }, `${label}: ${this.#words(values.at(-1))}`)));
        const label = `Chart: ${this.#title}, ${span_s / 60} minutes. The latest values stand above, more in a table.`;
        if (this.#canvas.getAttribute("aria-label") !== label) this.#canvas.setAttribute("aria-label", label);
    }

    #tabulate() {
        if (!this.#details.open) return;
        const titles = ["When", ...this.#series.map(({ label }) => label)];
        replace(this.#head, ...titles.map((title) => element("th", { scope: "col" }, title)));
        const line = (time, back) => element("tr", {}, element("th", { scope: "row" }, minutes_of(time)),
            ...this.#series.map(({ values }) => element("td", {}, this.#words(values.at(-1 - back)))));
        replace(this.#body, ...this.#times.slice(-table_lines).reverse().map(line));
    }

    #words(value) { return value === undefined ? nothing : this.#say(value); }
}
