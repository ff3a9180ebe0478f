// SPDX-License-Identifier: Apache-2.0
// A table of workers: what each runs now and for how long. All workers have one, and so has each pool.

import { element } from "./dom.js";
import { button } from "./operate.js";
import { Table } from "./table.js";
import { brief, bytes, count, duration, fields, list, number, place, text } from "./values.js";

/// The workers of some pools, each with the name of its pool.
export const workers_of = (pools) => list(pools).map(fields).flatMap((pool) =>
    list(pool.workers).map((worker) => ({ ...fields(worker), pool: text(pool.name) })));

const name_of = (worker) => `${worker.pool}/${text(worker.id)}`;

const columns = [
    { title: "Worker", show: (worker) => brief(name_of(worker), 80), link: (worker) => place("pool", worker.pool) },
    { title: "State", state: true, show: (worker) => brief(worker.state, 40) },
    { title: "Runs", show: (worker) => brief(worker.method, 80) },
    { title: "For", number: true, show: (worker) => (number(worker.running_s) === undefined ? "" : duration(worker.running_s)),
        value: (worker) => number(worker.running_s) },
    { title: "Calls", number: true, show: (worker) => count(worker.calls), value: (worker) => number(worker.calls) },
    { title: "Up", number: true, show: (worker) => duration(worker.uptime_s), value: (worker) => number(worker.uptime_s) },
    { title: "Memory", number: true, show: (worker) => bytes(worker.memory_bytes), value: (worker) => number(worker.memory_bytes) },
    { title: "Pid", number: true, show: (worker) => text(worker.pid), value: (worker) => number(worker.pid) },
];

/// `operate`: whether there are buttons; `after` is called when something was done.
export function workers_table({ caption, operate, after }) {
    const restart = { title: "Operate", make: (worker) =>
        element("span", {}, button("restart_worker", () => ({ pool: worker.pool, worker: worker.id }), after)) };
    return new Table({ caption, columns: operate ? [...columns, restart] : columns, key: name_of, search: true,
        empty: "There are no workers." });
}
