// SPDX-License-Identifier: Apache-2.0
// What the status of a pool comes to.

import { brief, duration, fields, list, number, text } from "./values.js";

const can_serve = new Set(["idle", "running"]);

/// What a call does one after the other, and both together.
export const parts = ["waiting", "running", "total"];

/// The latencies of the last minute: {p50_s, p99_s} by part; nothing where nothing was measured.
export function latency_of(pool) {
    const minute = fields(fields(pool.latency).minute);
    const measured = minute.calls !== 0;
    return Object.fromEntries(parts.map((part) => [part, measured ? fields(minute[part]) : {}]));
}

export const p99_of = (pool) => number(latency_of(pool).total.p99_s);
export const ready_of = (pool) => list(pool.workers).filter((worker) => can_serve.has(fields(worker).state)).length;
export const target_of = (pool) => number(pool.target) ?? list(pool.workers).length;

/// Calls per second of a pool: as the service measures them, else as the last two looks tell.
export function calls_per_s(pool, history) {
    const measured = number(fields(pool.rates)["10s"]);
    if (measured !== undefined) return measured;
    const rates = history.points(text(pool.name)).at(-1)?.rates;
    return rates && Object.values(rates).reduce((sum, value) => sum + value, 0);
}

/// Why a pool is as it is: its reason, and what its breaker waits for.
export function reason_of(pool) {
    const probe_in = number(fields(pool.breaker).probe_in_s);
    const probe = probe_in === undefined ? "" : `one worker tries again in ${duration(Math.ceil(probe_in))}`;
    return [brief(pool.reason), probe].filter(Boolean).join("; ");
}
