/* The same symbol lights up in all views: under the pointer, or with the focus, when the other views also show the place where it is
   first mentioned. Escape puts the light out. */
(function () {
    "use strict";
    var mentions = {}, lit = [];

    function namesOf(element) { return (element.getAttribute("data-s") || "").split(" ").filter(Boolean); }

    document.querySelectorAll("#graph g").forEach(function (group) { /* Graphviz gives the names as classes */
        var names = [];
        group.classList.forEach(function (word) { if (word.indexOf("s-") === 0) names.push(word.slice(2)); });
        if (names.length > 0) group.setAttribute("data-s", names.join(" "));
        if (names.length > 0 && group.classList.contains("node")) {
            group.setAttribute("tabindex", "0");
            group.setAttribute("role", "img");
            group.setAttribute("aria-label", names[0]);
        }
    });
    document.querySelectorAll("[data-s]").forEach(function (element) {
        namesOf(element).forEach(function (name) { (mentions[name] = mentions[name] || []).push(element); });
    });

    function light(element) {
        lit.forEach(function (old) { old.classList.remove("lit"); });
        lit = [];
        if (element === null) return;
        namesOf(element).forEach(function (name) { lit = lit.concat(mentions[name]); });
        lit.forEach(function (one) { one.classList.add("lit"); });
    }

    /* The inner of two symbols that stand in one another. */
    function symbolAt(target) { return target && target.closest ? target.closest("[data-s]") : null; }

    function show(element) {
        var own = element.closest(".view"), seen = [own];
        lit.forEach(function (one) {
            var view = one.closest(".view");
            if (view === null || seen.indexOf(view) >= 0 || view.scrollHeight <= view.clientHeight) return;
            seen.push(view);
            var place = one.getBoundingClientRect(), frame = view.getBoundingClientRect();
            view.scrollTop += place.top - frame.top - frame.height / 3;
        });
    }

    document.addEventListener("pointerover", function (event) {
        var symbol = symbolAt(event.target);
        if (symbol !== null) light(symbol);
    });
    document.addEventListener("focusin", function (event) {
        var symbol = symbolAt(event.target);
        if (symbol === null) return;
        light(symbol);
        show(symbol);
    });
    document.addEventListener("click", function (event) {
        var symbol = symbolAt(event.target);
        if (symbol === null) return;
        light(symbol);
        show(symbol);
    });
    document.addEventListener("keydown", function (event) { if (event.key === "Escape") light(null); });
}());
