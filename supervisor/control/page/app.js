// SPDX-License-Identifier: Apache-2.0
// The page of a service: which section is shown, what it is told, and what is said when something changes.
//
// The hash names the section (#pools, #pool/math, #crash/ID), so that a link to it can be passed on. The service is
// asked only while the page can be seen and is not paused.

import { element, notice, say } from "./dom.js";
import { History } from "./history.js";
import { ask, Watch } from "./service.js";
import { brief, count, duration, fields, list, number, text, when } from "./values.js";
import { CrashesView, CrashView } from "./view_crashes.js";
import { Events, EventsView } from "./view_events.js";
import { PoisonView } from "./view_poison.js";
import { PoolView } from "./view_pool.js";
import { PoolsView } from "./view_pools.js";
import { WorkersView } from "./view_workers.js";

/// Lists that change seldom are fetched when an event says that they may have, and else this often.
const feed_age_ms = 30000;
/// Changes are read out at most this often.
const quiet_ms = 5000;
/// More changes than these are only counted.
const most_said = 3;

const views = { pools: PoolsView, pool: PoolView, workers: WorkersView, crashes: CrashesView, crash: CrashView,
    poison: PoisonView, events: EventsView };
/// The sections of the navigation; what is within one is marked as that.
const sections = { pools: "Pools", workers: "Workers", crashes: "Crashes", poison: "Poison", events: "Events" };
const within = { pool: "pools", crash: "crashes" };

const by_id = (id) => document.getElementById(id);
const now_s = () => performance.now() / 1000;

class Page {
    #made = new Map(); // name -> view
    #state = { status: undefined, crashes: undefined, poison: undefined, events: new Events() };
    #history = new History();
    #fetched = { crashes: -Infinity, poison: -Infinity };
    #operate = false;
    #shown; // {name, argument}
    #lost_since;
    #version;
    #pool_states = new Map();
    #changes = [];
    #said_ms = -Infinity;
    #watch = new Watch({
        status: (status, signal) => this.#on_status(status, signal),
        reached: () => this.#on_reached(),
        lost: (error) => this.#on_lost(error),
        events: (batch) => this.#on_events(batch),
        replaced: (by_upgrade) => this.#note(`The service was ${by_upgrade ? "upgraded" : "started anew"}.`),
    });

    begin() {
        for (const [name, title] of Object.entries(sections))
            by_id("sections").append(element("li", {}, element("a", { href: `#${name}` }, title)));
        by_id("skip").addEventListener("click", (event) => {
            event.preventDefault(); // the hash names a section
            by_id("main").focus();
        });
        by_id("pause").addEventListener("click", () => this.#pause());
        document.addEventListener("visibilitychange", () => this.#look());
        addEventListener("hashchange", () => this.#go(true));
        this.#go(false);
        this.#look();
    }

    // ---- looking or not ---------------------------------------------------------------------------------------------

    #pause() {
        const button = by_id("pause");
        button.setAttribute("aria-pressed", String(button.getAttribute("aria-pressed") !== "true"));
        this.#look();
    }

    #look() {
        const paused = by_id("pause").getAttribute("aria-pressed") === "true";
        if (document.hidden || paused) this.#watch.stop();
        else this.#watch.start();
    }

    // ---- which section ----------------------------------------------------------------------------------------------

    #view(name) {
        if (!this.#made.has(name))
            this.#made.set(name, new views[name]({ history: this.#history, operate: this.#operate,
                after: () => this.#after_operation() }));
        return this.#made.get(name);
    }

    #go(by_reader) {
        const { name, argument } = parse(location.hash);
        this.#shown = { name, argument };
        const view = this.#view(name);
        by_id("main").replaceChildren(view.root);
        view.show?.(argument);
        this.#draw();
        for (const link of by_id("sections").querySelectorAll("a")) {
            if (link.hash === `#${within[name] ?? name}`) link.setAttribute("aria-current", "page");
            else link.removeAttribute("aria-current");
        }
        if (!by_reader) return;
        scrollTo(0, 0);
        view.root.querySelector("h2").focus({ preventScroll: true });
        if (this.#feed_is_old()) this.#watch.hurry();
    }

    #draw() {
        const { name, argument } = this.#shown;
        const view = this.#view(name);
        if (this.#state.status) view.update({ ...this.#state, now_s: now_s() });
        const pools = list(fields(this.#state.status).pools).map(fields);
        const bad = pools.filter((pool) => pool.state === "quarantined").length;
        document.title = `${bad > 0 ? `(${bad} quarantined) ` : ""}${view.title(argument)} - Caisson`;
    }

    // ---- what the service says --------------------------------------------------------------------------------------

    async #on_status(status, signal) {
        this.#state.status = status;
        this.#history.add(status, now_s());
        const supervisor = fields(status.supervisor);
        say(by_id("service"), about(supervisor));
        this.#allow(fields(supervisor.http).operate === true);
        this.#notice_version(text(supervisor.version));
        this.#notice_changes(list(status.pools).map(fields));
        if (this.#feed_is_old()) await this.#fetch(views[this.#shown.name].feed, signal);
        this.#draw();
        this.#say_changes();
    }

    /// Buttons come and go with the right to press them; sections are then made anew.
    #allow(operate) {
        if (operate === this.#operate) return;
        this.#operate = operate;
        this.#made.clear();
        this.#go(false);
    }

    #notice_version(version) {
        this.#version ??= version;
        const words = `The service is now version ${version}; load this page again to have its page too.`;
        notice(by_id("newer"), version === this.#version ? "" : words);
    }

    #feed_is_old() {
        const feed = views[this.#shown.name].feed;
        return feed !== undefined && performance.now() - this.#fetched[feed] > feed_age_ms;
    }

    async #fetch(feed, signal) {
        this.#fetched[feed] = performance.now();
        try {
            this.#state[feed] = await ask(`/api/${feed}`, { signal });
        } catch {
            this.#fetched[feed] = -Infinity; // with the next status
        }
    }

    #on_events(batch) {
        this.#state.events.add(batch);
        if (batch.events.some(({ level, event }) => level !== "info" || text(event).startsWith("poison")))
            this.#fetched = { crashes: -Infinity, poison: -Infinity };
        if (this.#shown.name === "events") this.#draw();
    }

    #after_operation() {
        this.#fetched = { crashes: -Infinity, poison: -Infinity };
        this.#watch.hurry();
    }

    #on_reached() {
        if (this.#lost_since !== undefined) this.#note("The service answers again.");
        this.#lost_since = undefined;
        notice(by_id("reach"), "");
    }

    #on_lost(error) {
        this.#lost_since ??= new Date();
        const since = when(this.#lost_since);
        const words = `The service is not reachable since ${since} (${error.message}). This page goes on trying.`;
        notice(by_id("reach"), words);
        if (this.#state.status === undefined) say(by_id("service"), "");
    }

    // ---- what is read out -------------------------------------------------------------------------------------------

    #notice_changes(pools) {
        const states = new Map(pools.map((pool) => [text(pool.name), text(pool.state)]));
        const known = this.#pool_states;
        if (known.size > 0)
            for (const [name, state] of states)
                if (known.get(name) !== state) this.#note(`Pool ${brief(name, 80)} is ${brief(state, 40)}.`);
        this.#pool_states = states;
    }

    #note(change) { this.#changes.push(change); }

    #say_changes() {
        if (this.#changes.length === 0 || performance.now() - this.#said_ms < quiet_ms) return;
        const more = this.#changes.length - most_said;
        const rest = more > 0 ? ` And ${count(more)} other changes.` : "";
        say(by_id("changes"), this.#changes.slice(0, most_said).join(" ") + rest);
        this.#changes = [];
        this.#said_ms = performance.now();
    }
}

/// "#pool/math" -> {name: "pool", argument: "math"}; what is not known leads to the pools.
function parse(hash) {
    const [, name, argument = ""] = /^#([a-z]+)(?:\/(.*))?$/.exec(hash) ?? [];
    if (!Object.hasOwn(views, name)) return { name: "pools", argument: "" };
    try {
        return { name, argument: decodeURIComponent(argument) };
    } catch {
        return { name, argument };
    }
}

function about(supervisor) {
    const part = (name, value) => (text(value) === "" ? "" : `${name} ${brief(value, 40)}`);
    const parts = [part("version", supervisor.version), part("pid", supervisor.pid), brief(supervisor.state, 40)];
    if (number(supervisor.uptime_s) !== undefined) parts.push(`up ${duration(supervisor.uptime_s)}`);
    return parts.filter(Boolean).join(", ") || "The service says nothing of itself.";
}

new Page().begin();
