// SPDX-License-Identifier: Apache-2.0
// The colours that the reader chose, before anything is drawn. Not a module: a module would come after the first paint.
"use strict";
{
    const root = document.documentElement;
    const known = ["light", "dark"];

    function apply(choice) {
        if (known.includes(choice)) root.dataset.theme = choice;
        else delete root.dataset.theme;
        document.dispatchEvent(new Event("themechange"));
    }

    // A browser may forbid the store; then the choice holds for this page only.
    function stored() {
        try {
            return localStorage.getItem("theme");
        } catch {
            return null;
        }
    }
    function store(choice) {
        try {
            localStorage.setItem("theme", choice);
        } catch { /* see stored() */ }
    }

    apply(stored());
    matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => apply(root.dataset.theme));
    document.addEventListener("DOMContentLoaded", () => {
        const select = document.getElementById("theme");
        select.value = root.dataset.theme ?? "system";
        select.addEventListener("change", () => {
            store(select.value);
            apply(select.value);
        });
    });
}
