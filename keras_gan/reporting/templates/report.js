"use strict";

const picturesOf = (slider) => [...slider.closest(".timeline").querySelectorAll("img")];
const epochOf = (picture) => Number(picture.alt.replace("samples, epoch ", ""));
let wanted = Infinity; // the epoch that the reader looks at; with the slider at its end, always the last one

// Shows the picture that a slider stands at.
function show(slider) {
  const pictures = picturesOf(slider);
  pictures.forEach((picture, i) => (picture.hidden = i !== Number(slider.value)));
  const epoch = `epoch ${epochOf(pictures[slider.value])}`;
  slider.closest(".timeline").querySelector("output").value = epoch;
  slider.setAttribute("aria-valuetext", epoch);
}

document.addEventListener("input", ({ target }) => {
  if (!target.matches(".timeline input")) return;
  show(target);
  wanted = target.value === target.max ? Infinity : epochOf(picturesOf(target)[target.value]);
});

// What follows is for a page that follows training: it takes the place of this one's contents.
async function follow() {
  const status = document.getElementById("status");
  try {
    const state = await (await fetch("state")).text();
    if (state !== document.body.dataset.state) {
      const answer = await fetch("/");
      const text = await answer.text();
      if (!answer.ok) {
        status.textContent = text; // of a file that cannot be read, for example
        return;
      }
      if (document.querySelector(".timeline input:active")) return; // the reader holds it; next time
      const page = new DOMParser().parseFromString(text, "text/html");
      const open = document.querySelector("details")?.open;
      const focused = document.activeElement.matches(".timeline input");
      document.querySelector("main").replaceWith(page.querySelector("main"));
      document.body.dataset.state = page.body.dataset.state;
      const slider = document.querySelector(".timeline input");
      if (slider) {
        // Other epochs may be in the page now, so that the wanted one has another place.
        slider.value = picturesOf(slider).findLastIndex((picture) => epochOf(picture) <= wanted);
        show(slider);
      }
      if (focused) slider?.focus();
      if (open) document.querySelector("details").open = true;
    }
    document.getElementById("status").textContent = "";
  } catch {
    status.textContent = "No answer: keras-gan watch has ended. The page shows what it knew last.";
  }
}

if (document.body.dataset.state) setInterval(follow, 2000);
