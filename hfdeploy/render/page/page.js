
"use strict";
// The filters are shown only where they work: the page is whole without this.
const form = document.getElementById("filters");
if (form) {
  const findings = [...document.querySelectorAll(".finding")];
  const texts = new Map(findings.map((one) => [one, one.textContent.toLowerCase()]));
  const apply = () => {
    const asked = new FormData(form);
    const severities = new Set(asked.getAll("severity"));
    const words = asked.get("text").toLowerCase().split(/\s+/).filter(Boolean);
    let shown = 0;
    for (const one of findings) {
      const fits = severities.has(one.dataset.severity)
        && (!asked.get("endpoint") || one.dataset.endpoint === asked.get("endpoint"))
        && words.every((word) => texts.get(one).includes(word));
      one.hidden = !fits;
      shown += fits;
    }
    document.getElementById("count").value = `${shown} of ${findings.length} shown`;
    document.getElementById("nothing").hidden = shown > 0;
  };
  form.hidden = false;
  form.addEventListener("input", apply);
  form.addEventListener("submit", (event) => event.preventDefault());
  form.addEventListener("reset", () => setTimeout(apply));
  apply();
}
