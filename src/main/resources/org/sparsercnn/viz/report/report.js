
"use strict";
// Without this script the page is complete: tables stand in their order and every class's curves are shown.
for (const table of document.querySelectorAll("table.sortable")) {
  const heads = [...table.tHead.rows[0].cells];
  heads.forEach((head, column) => {
    const button = document.createElement("button");
    button.type = "button";
    button.textContent = head.textContent;
    head.replaceChildren(button);
    button.addEventListener("click", () => {
      const up = head.getAttribute("aria-sort") === "descending" || (column === 0 ? !head.hasAttribute("aria-sort") : false);
      heads.forEach(other => other.removeAttribute("aria-sort"));
      head.setAttribute("aria-sort", up ? "ascending" : "descending");
      const number = row => {
        const value = parseFloat(row.cells[column].textContent.replace(/,/g, "").replace("−", "-"));
        return isNaN(value) ? -Infinity : value;
      };
      const order = column === 0 ? (a, b) => a.cells[0].textContent.localeCompare(b.cells[0].textContent) : (a, b) => number(a) - number(b);
      const rows = [...table.tBodies[0].rows].sort(order);
      table.tBodies[0].append(...(up ? rows : rows.reverse()));
    });
  });
}
for (const charts of document.querySelectorAll(".charts.classes")) {
  const label = document.createElement("label");
  label.className = "chooser";
  const select = document.createElement("select");
  select.append(new Option("all classes", ""));
  for (const chart of charts.children) {
    select.append(new Option(chart.dataset.class));
  }
  label.append("Class", select);
  charts.before(label);
  select.addEventListener("change", () => {
    [...charts.children].forEach((chart, i) => { chart.hidden = ![0, i + 1].includes(select.selectedIndex); });
  });
}
