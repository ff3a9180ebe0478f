// SPDX-License-Identifier: Apache-2.0
// Inputs that are refused because they killed workers.

import { element } from "./dom.js";
import { button } from "./operate.js";
import { quantity, Table } from "./table.js";
import { brief, bytes, count, fields, list, order, place, text, when } from "./values.js";

const columns = [
    { title: "Id", show: (poison) => brief(poison.id, 80) },
    { title: "Pool", show: (poison) => brief(poison.pool, 80), link: (poison) => place("pool", poison.pool) },
    { title: "Method", show: (poison) => brief(poison.method, 80) },
    quantity("Crashes", count, (poison) => poison.crashes), quantity("Input", bytes, (poison) => poison.input_bytes),
    { title: "Since", down: true, show: (poison) => when(poison.since), value: (poison) => order(poison.since),
        title_of: (poison) => brief(poison.since, 40) },
    { title: "Last crash", show: (poison) => brief(poison.report, 40),
        link: (poison) => text(poison.report) && place("crash", poison.report) },
];

export class PoisonView {
    static feed = "poison";
    #table;

    constructor({ operate, after }) {
        const clear = { title: "Operate", make: (poison) => button("clear_poison", () => ({ id: poison.id }), after) };
        this.#table = new Table({ caption: "Inputs that are refused", columns: operate ? [...columns, clear] : columns,
            key: (poison) => text(poison.id), search: true, sort: { column: 5, descending: true },
            empty: "No input is refused." });
        this.root = element("section", { "aria-labelledby": "poison-title" },
            element("h2", { id: "poison-title", tabindex: "-1" }, "Poison"),
            element("p", { class: "quiet" },
                "An input that killed several workers is refused from then on, until it is cleared."),
            this.#table.root);
    }

    title() { return "Poison"; }
    update({ poison }) { if (poison) this.#table.update(list(poison.poison).map(fields)); }
}
