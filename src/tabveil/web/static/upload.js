// Sends the chosen file as it is (no form around it), so that its progress can be shown.
"use strict";
(() => {
  const form = document.getElementById("upload");
  const file = document.getElementById("file"), sending = document.getElementById("sending");
  const bar = document.getElementById("sent"), said = document.getElementById("upload-said");
  const most = Number(form.dataset.most);
  let request = null;

  function tell(text, bad) {
    said.textContent = text;
    said.className = bad ? "notice bad" : "";
  }

  function inWords(bytes) {
    return bytes < 1e6 ? `${Math.ceil(bytes / 1e3)} kB` : bytes < 1e9 ? `${(bytes / 1e6).toFixed(1)} MB` : `${(bytes / 1e9).toFixed(1)} GB`;
  }

  function ended(text, bad) {
    sending.hidden = true;
    form.querySelector("[type=submit]").disabled = false;
    request = null;
    tell(text, bad);
  }

  function send(chosen) {
    if (request) return;
    if (chosen.size > most) return tell(`The file has ${inWords(chosen.size)}; the limit is ${inWords(most)}.`, true);
    if (chosen.size === 0) return tell("The file is empty.", true);
    request = new XMLHttpRequest();
    request.open("PUT", `/api/v1/uploads?name=${encodeURIComponent(chosen.name)}`);
    request.setRequestHeader("Content-Type", "application/octet-stream");
    request.upload.addEventListener("progress", (event) => {
      bar.value = event.lengthComputable ? (100 * event.loaded) / event.total : 0;
    });
    request.addEventListener("load", () => {
      let told = {};
      try { told = JSON.parse(request.responseText); } catch { /* not JSON: the status says enough */ }
      if (request.status === 201) {
        tell("Uploaded. Reading the table…");
        location.assign(`/uploads/${told.id}`);
      } else if (request.status === 401) ended("You were signed out. Load the page again to sign in.", true);
      else ended(told.detail ? `It was not taken: ${told.detail}` : `It was not taken (status ${request.status}).`, true);
    });
    request.addEventListener("error", () => ended("The connection broke. Nothing was kept; try again.", true));
    request.addEventListener("abort", () => ended("Stopped. Nothing was kept."));
    bar.value = 0;
    sending.hidden = false;
    form.querySelector("[type=submit]").disabled = true;
    tell(`Sending ${chosen.name} (${inWords(chosen.size)}).`);
    request.send(chosen);
  }

  form.addEventListener("submit", (event) => {
    event.preventDefault();
    if (file.files.length) send(file.files[0]);
  });
  document.getElementById("stop").addEventListener("click", () => request?.abort());
  for (const kind of ["dragenter", "dragover"]) {
    form.addEventListener(kind, (event) => { event.preventDefault(); form.classList.add("over"); });
  }
  for (const kind of ["dragleave", "drop"]) form.addEventListener(kind, () => form.classList.remove("over"));
  form.addEventListener("drop", (event) => {
    event.preventDefault();
    if (event.dataTransfer.files.length === 1) send(event.dataTransfer.files[0]);
    else tell("Drop one file at a time.", true);
  });
})();
