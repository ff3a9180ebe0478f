// SPDX-License-Identifier: Apache-2.0
// A table of workers: what each runs now and for how long. All workers have one, and so has each pool.

import { button } from "./operate.js";
import { quantity, Table } from "./table.js";
import { brief, bytes, count, duration, fields, list, number, place, text } from "./values.js";

/// The workers of some pools, each with the name of its pool.
export const workers_of = (pools) => list(pools).map(fields).flatMap((pool) =>
    list(pool.workers).map((worker) => ({ ...fields(worker), pool: text(pool.name) })));

const name_of = (worker) => `${worker.pool}/${text(worker.id)}`;

const columns = [
    { title: "Worker", show: (worker) => brief(name_of(worker), 80), link: (worker) => place("pool", worker.pool) },
    { title: "State", state: true, show: (worker) => brief(worker.state, 40) },
    { title: "Runs", show: (worker) => brief(worker.method, 80) },
    quantity("For", (time) => (number(time) === undefined ? "" : duration(time)), (worker) => worker.running_s),
    quantity("Calls", count, (worker) => worker.calls), quantity("Up", duration, (worker) => worker.uptime_s),
    quantity("Memory", bytes, (worker) => worker.memory_bytes),
    { title: "Renewed because", show: (worker) => brief(worker.renewing, 80) },
    { title: "Pid", number: true, show: (worker) => text(worker.pid), value: (worker) => number(worker.pid) },
];

/// `operate`: whether there are buttons; `after` is called when something was done.
export function workers_table({ caption, operate, after }) {
    const what = (worker) => ({ pool: worker.pool, worker: worker.id });
    const restart = { title: "Operate", make: (worker) => button("restart_worker", () => what(worker), after) };
    return new Table({ caption, columns: operate ? [...columns, restart] : columns, key: name_of, search: true,
        empty: "There are no workers." });
}
