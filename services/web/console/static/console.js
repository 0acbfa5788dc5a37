// The keyboard, and amounts that are copied as plain decimals. Every page works without this.
"use strict";

(() => {
  const rows = () => [...document.querySelectorAll("table[data-rows] tbody tr, .voucher .entries li")].filter((row) => row.offsetParent !== null);
  const help = document.getElementById("help");
  let goes = false;

  const at = () => document.querySelector(".at") || document.querySelector("tr.marked");

  const move = (step) => {
    const all = rows();
    if (all.length === 0) return;
    const place = all.indexOf(at());
    const next = all[Math.min(Math.max(place + step, 0), all.length - 1)];
    document.querySelectorAll(".at").forEach((row) => row.classList.remove("at"));
    next.classList.add("at");
    const link = next.querySelector("a");
    if (link) link.focus({ preventScroll: true });
    next.scrollIntoView({ block: "nearest" });
  };

  const follow = (link) => { if (link) link.click(); };

  const why = () => {
    const row = document.activeElement.closest("tr, .entries li") || at();
    follow((row && row.querySelector("a.why")) || document.querySelector("main a.why"));
  };

  const keys = {
    "/": () => document.getElementById("q").select(),
    g: () => { goes = true; setTimeout(() => { goes = false; }, 1500); },
    j: () => move(1),
    k: () => move(-1),
    w: why,
    b: () => history.back(),
    e: () => follow(document.querySelector("a[data-export]")),
    "?": () => help.showModal(),
  };

  document.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey || event.target.closest("input, select, textarea, dialog")) return;
    if (goes) {
      goes = false;
      const link = document.querySelector(`nav a[data-key="${CSS.escape(event.key)}"]`);
      if (link) { event.preventDefault(); follow(link); }
      return;
    }
    if (event.key === "Enter" && document.activeElement === document.body) {
      const row = at();
      follow(row && row.querySelector("a"));
    } else if (keys[event.key]) {
      event.preventDefault();
      keys[event.key]();
    }
  });

  // why a line is there is seen at once, wherever its table ends
  document.addEventListener("htmx:after:swap", () => {
    const panel = document.querySelector("#why:has(h2)");
    if (panel) panel.scrollIntoView({ block: "nearest" });
  });

  document.querySelectorAll("[data-print]").forEach((each) => { each.hidden = false; each.onclick = () => print(); });

  document.addEventListener("copy", (event) => {
    const selection = document.getSelection();
    if (selection.isCollapsed || event.target.closest("input, textarea")) return;
    const holder = document.createElement("div");
    for (let number = 0; number < selection.rangeCount; number += 1) holder.append(selection.getRangeAt(number).cloneContents());
    const amounts = holder.querySelectorAll("[data-plain]");
    const inside = selection.anchorNode.parentElement.closest("[data-plain]");
    if (amounts.length === 0 && !inside) return;
    if (amounts.length === 0) {
      if (selection.toString().trim() !== inside.textContent.trim()) return;
      event.clipboardData.setData("text/plain", inside.dataset.plain);
    } else {
      amounts.forEach((each) => { each.textContent = each.dataset.plain; });
      holder.querySelectorAll(".unseen, .sign").forEach((each) => each.remove());
      const lines = [...holder.querySelectorAll("tr")].map((row) => [...row.cells].map((cell) => cell.textContent.trim().replace(/\s+/g, " ")).join("\t"));
      event.clipboardData.setData("text/plain", lines.length ? lines.join("\n") : holder.textContent.trim());
    }
    event.preventDefault();
  });
})();
