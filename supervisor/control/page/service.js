// SPDX-License-Identifier: Apache-2.0
// Asking the service, again and again, as long as somebody looks.

import { fields, list, number, text } from "./values.js";

/// Between two questions for the status, and after a failure.
const pace_ms = 2000;
/// An answer that takes longer will not come.
const patience_ms = 10000;
/// How long the service may hold the question for events, and how many it is asked for at first.
const events_wait_s = 20;
const first_events = 500;

/// Waits, but not longer than until the signal.
function pause(ms, signal) {
    return new Promise((done) => {
        const timer = setTimeout(done, ms);
        signal.addEventListener("abort", () => { clearTimeout(timer); done(); }, { once: true });
    });
}

/// What the service answered; throws an Error with a sentence for people, and `answered` if it was the service's.
export async function ask(path, { body, signal, patience = patience_ms } = {}) {
    const signals = [AbortSignal.timeout(patience), ...(signal ? [signal] : [])];
    const request = { signal: AbortSignal.any(signals), cache: "no-store" };
    if (body !== undefined) {
        request.method = "POST";
        request.headers = { "Content-Type": "application/json", "X-Caisson": "operate" };
        request.body = JSON.stringify(body);
    }
    let response;
    try {
        response = await fetch(path, request);
    } catch (error) {
        throw new Error(error.name === "TimeoutError" ? "no answer in time" : "no connection");
    }
    const answer = fields(await response.json().catch(() => undefined));
    if (response.ok) return answer;
    const hint = text(answer.hint);
    const words = (text(answer.message) || `it answers ${response.status}`) + (hint ? ` (${hint})` : "");
    throw Object.assign(new Error(words), { answered: true });
}

/// Follows a service. `on` has what is called: status(document), reached(), lost(error), events(batch),
/// replaced(by_upgrade).
export class Watch {
    #on;
    #stop; // an AbortController while it asks
    #pid;
    #next; // after which event it asks; undefined: for the last that there are
    #events; // an AbortController of the question for events

    constructor(on) {
        this.#on = on;
    }

    get asks() {
        return this.#stop !== undefined;
    }

    start() {
        if (this.asks) return;
        this.#stop = new AbortController();
        this.#follow_status(this.#stop.signal);
        this.#follow_events(this.#stop.signal);
    }

    stop() {
        this.#stop?.abort();
        this.#stop = undefined;
    }

    /// Asks at once, as after an operation.
    hurry() {
        if (!this.asks) return;
        this.stop();
        this.start();
    }

    async #follow_status(signal) {
        while (!signal.aborted) {
            const began = performance.now();
            const status = await ask("/api/status", { signal }).catch((error) => error);
            if (signal.aborted) return;
            if (status instanceof Error) this.#on.lost(status);
            else await this.#take(status, signal).catch(console.error);
            await pause(Math.max(pace_ms - (performance.now() - began), pace_ms / 4), signal);
        }
    }

    async #take(status, signal) {
        this.#notice_another(status);
        this.#on.reached();
        await this.#on.status(status, signal);
    }

    // Another process counts its events from the beginning.
    #notice_another(status) {
        const supervisor = fields(status.supervisor);
        const pid = number(supervisor.pid);
        if (this.#pid !== undefined && pid !== this.#pid) {
            this.#next = undefined;
            this.#events?.abort();
            this.#on.replaced(number(fields(supervisor.upgraded_from).pid) === this.#pid);
        }
        this.#pid = pid;
    }

    async #follow_events(signal) {
        while (!signal.aborted) {
            this.#events = new AbortController();
            const both = AbortSignal.any([signal, this.#events.signal]);
            const after = this.#next;
            const path = after === undefined ? `/api/events?limit=${first_events}`
                : `/api/events?after=${after}&wait_s=${events_wait_s}`;
            try {
                const batch = await ask(path, { signal: both, patience: patience_ms + events_wait_s * 1000 });
                if (both.aborted) continue;
                this.#next = number(batch.next) ?? 0;
                this.#on.events({ events: list(batch.events).map(fields), lost: number(batch.lost) ?? 0 });
                // A service that answers at once with nothing must not be asked in a circle.
                if (this.#next === after) await pause(pace_ms / 4, both);
            } catch {
                await pause(pace_ms, both); // that the service is away is said by the status
            }
        }
    }
}
