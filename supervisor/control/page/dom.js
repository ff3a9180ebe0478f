// SPDX-License-Identifier: Apache-2.0
// Making and changing elements. What the service says goes in as text; nothing here reads markup.

/// element("a", {href: "#pools"}, "Pools"): attributes by name, `on` with listeners; children are elements or texts.
export function element(tag, { on = {}, ...attributes } = {}, ...children) {
    const made = document.createElement(tag);
    for (const [name, value] of Object.entries(attributes))
        if (value !== undefined && value !== false) made.setAttribute(name, value === true ? "" : value);
    for (const [event, listener] of Object.entries(on)) made.addEventListener(event, listener);
    made.append(...children);
    return made;
}

/// Changes a text only if it is another, so that selections and screen readers are left in peace.
export function say(target, words) {
    if (target.textContent !== words) target.textContent = words;
}

/// Shows words in a notice; hides it if there are none.
export function notice(target, words) {
    say(target, words);
    target.hidden = words === "";
}

/// A word for a state, with a colour and a shape of its own (style.css).
export const badge = (word) => element("span", { class: "state", "data-state": word }, word);

/// A text that is longer takes a line for itself, after the others.
const long_fact = 30;

/// A list of terms and what they are: [[term, text or element], …]. Rows without a value are left out.
export function facts(rows) {
    const known = rows.filter(([, value]) => value !== undefined && value !== "");
    const is_wide = ([, value]) => (value.textContent ?? value).length > long_fact;
    const made = ([term, value], wide) =>
        element("div", { class: wide && "wide" }, element("dt", {}, term), element("dd", {}, value));
    return element("dl", { class: "facts" }, ...known.filter((row) => !is_wide(row)).map((row) => made(row, false)),
        ...known.filter(is_wide).map((row) => made(row, true)));
}

/// Puts new children in the place of the old, unless they are equal: then the old stay, with focus and selection.
export function replace(target, ...children) {
    const fresh = element("div", {}, ...children).childNodes;
    const same = (node, i) => node.isEqualNode(target.childNodes[i]);
    if (fresh.length !== target.childNodes.length || ![...fresh].every(same)) target.replaceChildren(...fresh);
}
