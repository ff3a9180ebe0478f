// SPDX-License-Identifier: Apache-2.0
// Operating a service: a button, a question whether it is meant, a request. There only if the service allows it.

import { element, notice, say } from "./dom.js";
import { ask } from "./service.js";
import { text } from "./values.js";

const by_id = (id) => document.getElementById(id);

/// Asks the reader; gives what he decided: false, true, or the number that he chose.
function confirmed({ title, explain, button, workers }) {
    const dialog = by_id("confirm");
    const input = by_id("confirm-workers");
    say(by_id("confirm-title"), title);
    say(by_id("confirm-text"), explain);
    say(by_id("confirm-yes"), button);
    by_id("confirm-number").hidden = workers === undefined;
    input.disabled = workers === undefined; // a disabled field is not checked
    input.value = workers ?? "";
    dialog.returnValue = "";
    by_id("confirm-no").onclick = () => dialog.close();
    dialog.showModal();
    (workers === undefined ? by_id("confirm-no") : input).focus();
    return new Promise((done) => {
        dialog.onclose = () => {
            if (dialog.open) return; // this tells of the question before, late
            const yes = dialog.returnValue === "do";
            done(yes && workers !== undefined ? input.valueAsNumber : yes);
        };
    });
}

/// What can be done: the word on the button, the question, and the request. `what` is {pool, worker, id, workers}.
const operations = {
    restart: {
        word: "Restart", body: ({ pool }) => ({ verb: "restart", pool }),
        title: ({ pool }) => `Restart pool ${text(pool)}?`,
        explain: "Its workers are replaced one by one, and finish their calls first. A quarantined pool tries again.",
        done: ({ pool }) => `Pool ${text(pool)} restarts.`,
    },
    restart_worker: {
        word: "Restart", body: ({ pool, worker }) => ({ verb: "restart", pool, worker }),
        title: ({ pool, worker }) => `Restart worker ${text(pool)}/${text(worker)}?`,
        explain: "It finishes the call that it runs; then another process takes its place.",
        done: ({ pool, worker }) => `Worker ${text(pool)}/${text(worker)} restarts.`,
    },
    resize: {
        word: "Resize", body: ({ pool }, workers) => ({ verb: "resize", pool, workers }),
        title: ({ pool }) => `Resize pool ${text(pool)}?`,
        explain: "The number holds until the configuration of the pool changes, or the service ends.",
        done: ({ pool }, workers) => `Pool ${text(pool)} gets ${workers} workers.`,
    },
    drain: {
        word: "Drain", body: ({ pool }) => ({ verb: "drain", pool }),
        title: ({ pool }) => `Drain pool ${text(pool)}?`,
        explain: "It takes no new calls: they are refused. Those that it has are finished, then its workers stop.",
        done: ({ pool }) => `Pool ${text(pool)} drains.`,
    },
    resume: {
        word: "Resume", body: ({ pool }) => ({ verb: "resume", pool }),
        title: ({ pool }) => `Resume pool ${text(pool)}?`,
        explain: "Its workers start, and it takes calls again.",
        done: ({ pool }) => `Pool ${text(pool)} resumes.`,
    },
    clear_poison: {
        word: "Clear", body: ({ id }) => ({ verb: "clear_poison", id }),
        title: ({ id }) => `Clear poison ${text(id)}?`,
        explain: "Calls with this input run again. If they still kill their workers, they are refused again.",
        done: ({ id }) => `Poison ${text(id)} is cleared.`,
    },
};

/// A button for one operation. `what()` is asked when it is pressed; `after` is called when it was done.
export function button(name, what, after) {
    const operation = operations[name];
    const press = { click: () => perform(operation, what(), after) };
    const made = element("button", { type: "button", on: press }, operation.word);
    // Many buttons of one word stand in a table: their names say what they are for.
    made.setAttribute("aria-label", operation.title(what()).replace("?", ""));
    return made;
}

async function perform(operation, what, after) {
    const { title, explain, word } = operation;
    const answer = await confirmed({ title: title(what), explain, button: word, workers: what.workers });
    if (answer === false || Number.isNaN(answer)) return;
    const done = by_id("done");
    try {
        await ask("/api/operate", { body: operation.body(what, answer) });
        done.classList.remove("bad");
        notice(done, operation.done(what, answer));
    } catch (error) {
        done.classList.add("bad");
        notice(done, `This was not done: ${error.message}.`);
    }
    after();
}
