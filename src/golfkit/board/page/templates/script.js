
"use strict";
(() => {
  const MOST = 300; // hits that are shown at once: more are slow to lay out, and nobody reads them
  const records = [...document.querySelectorAll(".record")];
  const box = document.getElementById("search");
  const words = document.getElementById("words");
  const by = document.getElementById("by");
  const kind = document.getElementById("kind");
  const hits = document.getElementById("hits");
  const folds = [...document.querySelectorAll("details.older")];
  const fixed = [...document.querySelectorAll("tr.fixed")];
  let texts = null; // lower-case text of each record, read when it is first needed
  let before = null; // which folds were open before the search
  let waiting = 0;

  function filter() {
    waiting = 0;
    const wanted = words.value.toLowerCase().split(/\s+/).filter(Boolean);
    const active = wanted.length > 0 || by.value !== "" || kind.value !== "";
    texts ??= records.map((record) => record.textContent.toLowerCase());
    before ??= folds.map((fold) => fold.open);
    let found = 0;
    records.forEach((record, n) => {
      const data = record.dataset;
      const hit =
        (by.value === "" || data.agent === by.value) &&
        (kind.value === "" || data.kind === kind.value) &&
        wanted.every((word) => texts[n].includes(word));
      found += hit;
      const shown = hit && (!active || found <= MOST);
      if (record.hidden === shown) record.hidden = !shown;
    });
    for (const row of fixed) row.hidden = active;
    folds.forEach((fold, n) => {
      const any = fold.querySelector(".record:not([hidden])") !== null;
      fold.hidden = active && !any;
      fold.open = active ? any : before[n];
    });
    const rest = found > MOST ? `, ${MOST} shown` : "";
    hits.textContent = active ? `${found.toLocaleString("en")} found${rest}` : "";
    document.documentElement.toggleAttribute("data-searching", active);
    if (!active) before = null;
  }

  function later() {
    if (!waiting) waiting = requestAnimationFrame(filter);
  }

  box.hidden = false;
  box.querySelector("form").addEventListener("submit", (event) => event.preventDefault());
  words.addEventListener("input", later);
  by.addEventListener("change", later);
  kind.addEventListener("change", later);
  document.addEventListener("keydown", (event) => {
    const typing = /^(INPUT|SELECT|TEXTAREA)$/.test(event.target.tagName);
    if (event.key === "/" && !typing && !event.ctrlKey && !event.metaKey && !event.altKey) {
      event.preventDefault();
      words.focus();
    }
    if (event.key === "Escape" && event.target === words) {
      words.value = "";
      later();
    }
  });
  if (words.value !== "" || by.value !== "" || kind.value !== "") filter(); // kept by the browser on reload
})();
