// The form about a table: find a column by name, see what was corrected, send only that.
"use strict";
(() => {
  const form = document.getElementById("schema");
  if (!form) return;
  const rows = [...form.querySelectorAll("tr[data-name]")];
  const box = form.querySelector(".filter"), filter = document.getElementById("filter");
  const said = document.getElementById("filter-said");

  function show() {
    const wanted = filter.value.trim().toLowerCase();
    let n = 0;
    for (const row of rows) {
      row.hidden = !row.dataset.name.includes(wanted);
      n += row.hidden ? 0 : 1;
    }
    said.textContent = wanted ? `${n} of ${rows.length} columns` : "";
  }

  const changed = (select) => select.value !== select.dataset.was;

  function mark(row) {
    const [kind, mask] = row.querySelectorAll("select");
    mask.disabled = kind.value !== "identifier";
    row.classList.toggle("changed", changed(kind) || (!mask.disabled && changed(mask)));
  }

  box.hidden = rows.length < 9;
  filter.addEventListener("input", show);
  filter.addEventListener("keydown", (event) => { if (event.key === "Enter") event.preventDefault(); });
  for (const row of rows) {
    mark(row);
    row.addEventListener("change", () => mark(row));
  }
  form.addEventListener("formdata", (event) => {
    for (const select of form.querySelectorAll("select[data-was]")) {
      if (!changed(select)) event.formData.delete(select.name);
    }
  });
  window.addEventListener("pageshow", () => rows.forEach(mark)); // a browser's Back restores what was chosen
})();
