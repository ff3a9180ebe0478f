// SPDX-License-Identifier: Apache-2.0
// Pools of Node.js with two workers: n times n, each call a task of its own.
//
//     node pools.mjs piscina|tinypool|workerpool round_trip|tracked SECONDS
//
// Prints one JSON object. piscina has threads only; the others are used with processes.

const WORKERS = 2;
const WINDOW = 512; // tasks under way

const file = (name) => new URL(name, import.meta.url);

async function piscina() {
    const { Piscina } = await import("piscina");
    const pool = new Piscina({ filename: file("square.cjs").href, minThreads: WORKERS, maxThreads: WORKERS });
    return { call: (n) => pool.run(n), end: () => pool.destroy() };
}

async function tinypool() {
    const { default: Tinypool } = await import("tinypool");
    const pool = new Tinypool({
        filename: file("square.cjs").href, runtime: "child_process", minThreads: WORKERS, maxThreads: WORKERS,
    });
    return { call: (n) => pool.run(n), end: () => pool.destroy() };
}

async function workerpool() {
    const { default: module } = await import("workerpool");
    const pool = module.pool(file("workerpool_worker.cjs").pathname, {
        minWorkers: WORKERS, maxWorkers: WORKERS, workerType: "process",
    });
    return { call: (n) => pool.exec("square", [n]), end: () => pool.terminate() };
}

function expect(holds) {
    if (!holds) throw new Error("a wrong answer");
}

// Until all workers are up and know what they do.
async function warmUp(pool) {
    for (let i = 0; i < 100; ++i)
        for (const square of await Promise.all([pool.call(12), pool.call(12), pool.call(12)])) expect(square === 144);
}

async function roundTrip(pool, seconds) {
    const times = [];
    for (const end = performance.now() + seconds * 1000; performance.now() < end;) {
        const start = performance.now();
        expect(await pool.call(12) === 144);
        times.push((performance.now() - start) * 1000);
    }
    times.sort((a, b) => a - b);
    const at = (percent) => times[Math.min(times.length - 1, Math.floor(times.length * percent / 100))];
    return { p50_us: at(50), p99_us: at(99), runs: times.length };
}

async function tracked(pool, seconds) {
    let answered = 0;
    const start = performance.now();
    const end = start + seconds * 1000;
    const caller = async () => {
        for (; performance.now() < end; ++answered) expect(await pool.call(12) === 144);
    };
    await Promise.all(Array.from({ length: WINDOW }, caller));
    return { per_s: answered / ((performance.now() - start) / 1000) };
}

const [peer, what, seconds] = process.argv.slice(2);
const pool = await { piscina, tinypool, workerpool }[peer]();
await warmUp(pool);
const report = await { round_trip: roundTrip, tracked }[what](pool, Number(seconds));
await pool.end();
console.log(JSON.stringify(report));
process.exit(0);
