// Of the conditions on drawn rows, only as many lines are shown as are used, and one more.
"use strict";
(() => {
  const lines = [...document.querySelectorAll("#conditions .condition")];
  function show() {
    let used = true;
    for (const line of lines) {
      line.hidden = !used;
      used = used && line.querySelector("select").value !== "";
      const [, how] = line.querySelectorAll("select"), value = line.querySelector("input");
      value.disabled = false;
      value.readOnly = how.value === "missing";
    }
  }
  for (const line of lines) line.addEventListener("change", show);
  show();
})();
