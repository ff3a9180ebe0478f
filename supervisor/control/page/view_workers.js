// SPDX-License-Identifier: Apache-2.0
// All workers of all pools.

import { element } from "./dom.js";
import { workers_of, workers_table } from "./workers_table.js";

export class WorkersView {
    #table;

    constructor({ operate, after }) {
        this.#table = workers_table({ caption: "Workers of all pools", operate, after });
        this.root = element("section", { "aria-labelledby": "workers-title" },
            element("h2", { id: "workers-title", tabindex: "-1" }, "Workers"), this.#table.root);
    }

    title() { return "Workers"; }
    update({ status }) { this.#table.update(workers_of(status.pools)); }
}
