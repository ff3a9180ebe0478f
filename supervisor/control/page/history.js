// SPDX-License-Identifier: Apache-2.0
// What the counters of the last minutes come to: rates, queues and latencies by pool, for the charts.
//
// A point belongs to the time between two looks. Where a look is missing, because nobody looked or the service was away
// or began anew, there is a point without values: the chart has a gap there, and no invented line.

import { latency_of } from "./pool.js";
import { fields, list, number, text } from "./values.js";

export const outcomes = ["ok", "failed", "crashed", "timed_out", "cancelled", "refused"];

/// How far back the charts go.
export const span_s = 300;
/// Two looks that are further apart are not joined.
const longest_step_s = 15;

const total = Symbol("all pools");

export class History {
    #last; // {time_s, pid, counts: Map of pool to {outcome: number}}
    #points = new Map(); // pool -> [{time_s, rates, queued, running, latency}]

    /// Takes a look at a status; `time_s` is a monotonic clock.
    add(status, time_s) {
        const looked = { time_s, pid: fields(status.supervisor).pid, counts: new Map() };
        const sum = { counts: zeros(), queued: 0, running: 0 };
        const present = new Set([total]);
        for (const pool of list(status.pools).map(fields)) {
            const name = text(pool.name);
            const counts = Object.fromEntries(outcomes.map((word) => [word, number(fields(pool.calls)[word]) ?? 0]));
            present.add(name);
            for (const word of outcomes) sum.counts[word] += counts[word];
            sum.queued += number(pool.queued) ?? 0;
            sum.running += number(pool.running) ?? 0;
            looked.counts.set(name, counts);
            this.#append(name, looked, { queued: pool.queued, running: pool.running, latency: latency_of(pool) });
        }
        looked.counts.set(total, sum.counts);
        this.#append(total, looked, { ...sum, latency: {} });
        for (const name of this.#points.keys()) if (!present.has(name)) this.#points.delete(name);
        this.#last = looked;
    }

    /// The points of a pool, or of all pools together; the oldest first.
    points(pool = total) {
        return this.#points.get(pool) ?? [];
    }

    #append(name, looked, rest) {
        if (!this.#points.has(name)) this.#points.set(name, []);
        const points = this.#points.get(name);
        points.push({ time_s: looked.time_s, rates: this.#rates(name, looked), ...rest });
        while (points[0].time_s < looked.time_s - span_s) points.shift();
    }

    /// Calls per second by outcome since the last look; undefined if there was none that counts.
    #rates(name, looked) {
        const before = this.#last?.counts.get(name);
        const step_s = looked.time_s - (this.#last?.time_s ?? -Infinity);
        if (before === undefined || this.#last.pid !== looked.pid || step_s <= 0 || step_s > longest_step_s)
            return undefined;
        const now = looked.counts.get(name);
        // A counter that falls belongs to a pool that was made anew.
        if (outcomes.some((word) => now[word] < before[word])) return undefined;
        return Object.fromEntries(outcomes.map((word) => [word, (now[word] - before[word]) / step_s]));
    }
}

const zeros = () => Object.fromEntries(outcomes.map((word) => [word, 0]));
