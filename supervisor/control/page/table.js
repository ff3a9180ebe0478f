// SPDX-License-Identifier: Apache-2.0
// A table that can be sorted and searched, and changes in place: a row keeps its elements, its focus and its selection
// as long as its key lives.
//
// Roles are written out because narrow windows show each row as a card (style.css), and a browser forgets what a table
// is when its display changes.

import { element, say } from "./dom.js";
import { count, number } from "./values.js";

/// Rows that are shown at most; a browser is slow with more, and nobody reads them without searching.
const most_rows = 2000;

const collator = new Intl.Collator("en", { numeric: true });

/// Numbers by size, texts as people order them; what is missing comes last, whatever the direction.
function compare(a, b, descending) {
    const missing = (value) => value === undefined || value === "";
    if (missing(a) || missing(b)) return Number(missing(a)) - Number(missing(b));
    const both = typeof a === "number" && typeof b === "number";
    const order = both ? a - b : collator.compare(String(a), String(b));
    return descending ? -order : order;
}

/// A column of numbers: what `read(row)` gives, said by `say`, sorted by size.
export const quantity = (title, say, read) =>
    ({ title, number: true, show: (row) => say(read(row)), value: (row) => number(read(row)) });

/// A column: `title`; `show(row)` is its text; further, as wanted:
///   value(row)  what it is sorted by, if not the text     number, down   set to the right; sorted downwards first
///   link(row)   where the text leads, if anywhere         state, wide    the text is a word for a state; is long
///   make(row)   an element instead of a text, made once   title_of(row)  more, for a pointer that rests on it
export class Table {
    #columns;
    #key;
    #empty;
    #rows = [];
    #shown = new Map(); // key -> {line, cells}
    #sort;
    #body = element("tbody", { role: "rowgroup" });
    #note = element("p", { class: "quiet" });
    #search;

    /// `key(row)` names a row for as long as it lives; `sort` is {column, descending}.
    constructor({ caption, columns, key, empty, sort = { column: 0, descending: false }, search = false }) {
        this.#columns = columns;
        this.#key = key;
        this.#empty = empty;
        this.#sort = { ...sort };
        const heads = element("tr", { role: "row" }, ...columns.map((column, i) => this.#head(column, i)));
        const table = element("table", { role: "table" },
            element("caption", {}, element("span", { class: "unseen" }, caption)),
            element("thead", { role: "rowgroup" }, heads), this.#body);
        const scroll = element("div", { class: "scroll", role: "region", tabindex: "0", "aria-label": caption }, table);
        this.root = element("div", { class: "listing" }, scroll, this.#note);
        if (search) this.root.prepend(this.#search_field(caption));
        this.#say_sort();
    }

    update(rows) {
        this.#rows = rows;
        this.#draw();
    }

    #search_field(caption) {
        this.#search = element("input", { type: "search", autocomplete: "off", on: { input: () => this.#draw() } });
        return element("label", { class: "search" },
            element("span", {}, "Search", element("span", { class: "unseen" }, ` in: ${caption}`)), this.#search);
    }

    #head(column, index) {
        const content = column.make
            ? element("span", { class: "unseen" }, column.title)
            : element("button", { type: "button", on: { click: () => this.#sort_by(index) } }, column.title);
        return element("th", { role: "columnheader", scope: "col", class: column.number && "number" }, content);
    }

    #sort_by(index) {
        const again = this.#sort.column === index;
        const down_first = Boolean(this.#columns[index].number || this.#columns[index].down);
        this.#sort = { column: index, descending: again ? !this.#sort.descending : down_first };
        this.#say_sort();
        this.#draw();
    }

    #say_sort() {
        for (const [i, head] of this.root.querySelectorAll("th[scope=col]").entries()) {
            if (i !== this.#sort.column) head.removeAttribute("aria-sort");
            else head.setAttribute("aria-sort", this.#sort.descending ? "descending" : "ascending");
        }
    }

    /// The rows that are to be seen, in their order.
    #wanted() {
        const words = (this.#search?.value ?? "").toLowerCase().split(/\s+/).filter(Boolean);
        const holds = (row) => {
            const all = this.#columns.map((column) => column.show?.(row) ?? "").join("\n").toLowerCase();
            return words.every((word) => all.includes(word));
        };
        const found = words.length > 0 ? this.#rows.filter(holds) : [...this.#rows];
        const column = this.#columns[this.#sort.column];
        const value = column.value ?? column.show;
        found.sort((a, b) => compare(value(a), value(b), this.#sort.descending));
        return found;
    }

    #draw() {
        const focused = this.#body.contains(document.activeElement) ? document.activeElement : null;
        const found = this.#wanted();
        const rows = found.slice(0, most_rows);
        const keys = new Set(rows.map(this.#key));
        for (const [key, { line }] of this.#shown) {
            if (keys.has(key)) continue;
            line.remove();
            this.#shown.delete(key);
        }
        let before = this.#body.firstChild;
        for (const row of rows) {
            const line = this.#line(row);
            if (line === before) before = before.nextSibling;
            else this.#body.insertBefore(line, before);
        }
        // A browser takes the focus from an element that is moved.
        if (focused?.isConnected && document.activeElement !== focused) focused.focus({ preventScroll: true });
        this.#say_count(found.length);
    }

    #say_count(found) {
        let words = "";
        if (this.#rows.length === 0) words = this.#empty;
        else if (found > most_rows) words = `The first ${count(most_rows)} of ${count(found)}; search to see others.`;
        else if (found < this.#rows.length) words = `${count(found)} of ${count(this.#rows.length)} match the search.`;
        say(this.#note, words);
    }

    /// The line of a row, brought up to date.
    #line(row) {
        const key = this.#key(row);
        let shown = this.#shown.get(key);
        if (shown === undefined) {
            const cells = this.#columns.map((column, i) => this.#cell(column, i, row));
            shown = { line: element("tr", { role: "row" }, ...cells), cells };
            this.#shown.set(key, shown);
        }
        for (const [i, column] of this.#columns.entries()) if (!column.make) fill(shown.cells[i], column, row);
        return shown.line;
    }

    #cell(column, index, row) {
        const made = index === 0
            ? element("th", { scope: "row", role: "rowheader" })
            : element("td", { role: "cell" });
        made.dataset.title = column.title;
        if (column.number) made.classList.add("number");
        if (column.wide) made.classList.add("wide");
        if (column.make) made.append(column.make(row));
        return made;
    }
}

function fill(cell, column, row) {
    const words = column.show(row);
    const href = column.link?.(row);
    let target = cell;
    if (href) {
        if (cell.firstElementChild?.tagName !== "A") cell.replaceChildren(element("a"));
        target = cell.firstElementChild;
        if (target.getAttribute("href") !== href) target.setAttribute("href", href);
    } else if (column.state) {
        if (cell.firstElementChild === null) cell.append(element("span", { class: "state" }));
        target = cell.firstElementChild;
        if (target.dataset.state !== words) target.dataset.state = words;
    }
    say(target, words);
    const more = column.title_of?.(row) ?? "";
    if (cell.title !== more) cell.title = more;
}
