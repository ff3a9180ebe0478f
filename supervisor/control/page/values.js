// SPDX-License-Identifier: Apache-2.0
// Reading what the service says, and saying it to people. A field may be missing, or be something else than expected.

/// What stands where there is nothing to say.
export const nothing = "–";

export const list = (value) => (Array.isArray(value) ? value : []);
export const fields = (value) => (value !== null && typeof value === "object" && !Array.isArray(value) ? value : {});
export const number = (value) => (typeof value === "number" && Number.isFinite(value) ? value : undefined);

/// Characters that draw nothing, or change how their neighbours are drawn: a plugin could hide or reverse text by them.
const invisible = /[\u0000-\u0008\u000b-\u001f\u007f-\u009f\u061c\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff]/g;
const escape = (character) => `\\u{${character.codePointAt(0).toString(16)}}`;

/// A text that is safe to show: invisible characters are written out, lone surrogates replaced.
export function text(value) {
    if (typeof value === "number" || typeof value === "boolean") return String(value);
    return typeof value === "string" ? (value.toWellFormed?.() ?? value).replace(invisible, escape) : "";
}

/// The text, or its beginning if it is long.
export function brief(value, most = 300) {
    const whole = text(value);
    return whole.length > most ? `${whole.slice(0, most)}…` : whole;
}

const grouped = new Intl.NumberFormat("en-GB");
const scaled = new Intl.NumberFormat("en-GB", { maximumSignificantDigits: 3 });

export function count(value) {
    return number(value) === undefined ? nothing : grouped.format(value);
}

export function bytes(value) {
    if (number(value) === undefined) return nothing;
    const units = ["B", "KiB", "MiB", "GiB", "TiB"];
    let unit = 0;
    while (value >= 1024 && unit < units.length - 1) {
        value /= 1024;
        ++unit;
    }
    return `${scaled.format(value)} ${units[unit]}`;
}

export function rate(value) {
    return number(value) === undefined ? nothing : `${scaled.format(value)}/s`;
}

/// A time span in its two largest units; below a minute, with fractions.
export function duration(seconds) {
    if (number(seconds) === undefined) return nothing;
    if (seconds <= 0) return "0 s";
    if (seconds < 1e-3) return `${scaled.format(seconds * 1e6)} µs`;
    if (seconds < 1) return `${scaled.format(seconds * 1e3)} ms`;
    if (seconds < 60) return `${scaled.format(seconds)} s`;
    const whole = Math.floor(seconds);
    if (whole < 3600) return `${Math.floor(whole / 60)} min ${whole % 60} s`;
    if (whole < 86400) return `${Math.floor(whole / 3600)} h ${Math.floor((whole % 3600) / 60)} min`;
    return `${Math.floor(whole / 86400)} d ${Math.floor((whole % 86400) / 3600)} h`;
}

/// The moment that an RFC 3339 text names, or undefined.
function moment(value) {
    const time = typeof value === "string" ? new Date(value) : new Date(NaN);
    return Number.isNaN(time.getTime()) ? undefined : time;
}

const clock = new Intl.DateTimeFormat("en-GB", { timeStyle: "medium" });
const calendar = new Intl.DateTimeFormat("en-GB", { dateStyle: "medium", timeStyle: "medium" });

/// A moment on the reader's clock; with its day, unless that is today.
export function when(value) {
    const time = value instanceof Date ? value : moment(value);
    if (time === undefined) return text(value) || nothing;
    return (time.toDateString() === new Date().toDateString() ? clock : calendar).format(time);
}

/// For sorting: the number that a moment is.
export const order = (value) => moment(value)?.getTime() ?? 0;

/// What stands in a link after "#", for a place with a name that may hold anything.
export const place = (view, name) => `#${view}/${encodeURIComponent(text(name))}`;
