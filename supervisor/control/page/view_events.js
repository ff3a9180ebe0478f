// SPDX-License-Identifier: Apache-2.0
// What happened, as it happens.

import { element, notice } from "./dom.js";
import { Table } from "./table.js";
import { brief, count, place, text, when } from "./values.js";

/// Events that are kept; the service's log has all.
const most_events = 500;

const plain = new Set(["seq", "time", "level", "event", "message"]);

/// The fields beside the plain ones: "worker=3 exit=SIGSEGV".
function rest(event) {
    const more = Object.entries(event).filter(([key]) => !plain.has(key) && key !== "pool");
    const words = (value) => (value !== null && typeof value === "object" ? JSON.stringify(value) : value);
    return more.map(([key, value]) => `${brief(key, 40)}=${brief(words(value))}`).join(" ");
}

const columns = [
    { title: "Time", down: true, show: (event) => when(event.time), title_of: (event) => brief(event.time, 40) },
    { title: "Level", state: true, show: (event) => brief(event.level, 20) },
    { title: "Pool", show: (event) => brief(event.pool, 80),
        link: (event) => text(event.pool) && place("pool", event.pool) },
    { title: "Event", show: (event) => brief(event.event, 80) },
    { title: "Message", wide: true, show: (event) => brief(event.message) },
    { title: "Fields", wide: true, show: rest },
];

/// The events that this page has seen, the newest last.
export class Events {
    #list = [];
    #lost = 0;
    #number = 0;

    get list() { return this.#list; }
    get lost() { return this.#lost; }

    add({ events, lost }) {
        // The numbers of the service begin anew with it, so the page has its own.
        for (const event of events) this.#list.push({ event, key: ++this.#number });
        this.#list.splice(0, Math.max(this.#list.length - most_events, 0));
        this.#lost += lost;
    }
}

export class EventsView {
    #lost = element("p", { class: "notice", hidden: true });
    #table = new Table({ caption: "Events", key: (row) => row.key, search: true, sort: { column: 0, descending: true },
        columns: columns.map((column) => of_row(column)), empty: "Nothing has happened yet." });

    constructor() {
        this.root = element("section", { "aria-labelledby": "events-title" },
            element("h2", { id: "events-title", tabindex: "-1" }, "Events"), this.#lost, this.#table.root);
    }

    title() { return "Events"; }

    update({ events }) {
        this.#table.update(events.list);
        const gone = `${count(events.lost)} events are not shown: they were gone before this page asked.`;
        notice(this.#lost, events.lost > 0 ? gone : "");
    }
}

/// The column of an event as one of a row, which has the event and its key.
function of_row(column) {
    const made = { ...column };
    for (const name of ["show", "value", "link", "title_of"])
        if (column[name]) made[name] = ({ event }) => column[name](event);
    if (column.title === "Time") made.value = ({ key }) => key;
    return made;
}
