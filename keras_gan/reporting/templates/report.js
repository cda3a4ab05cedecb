"use strict";

// Shows the picture that a slider stands at.
function show(slider) {
  const timeline = slider.closest(".timeline");
  timeline.querySelectorAll("img").forEach((picture, i) => {
    picture.hidden = i !== Number(slider.value);
    if (!picture.hidden) {
      const epoch = picture.alt.replace("samples, ", "");
      timeline.querySelector("output").value = epoch;
      slider.setAttribute("aria-valuetext", epoch);
    }
  });
}

document.addEventListener("input", (event) => {
  if (event.target.matches(".timeline input")) show(event.target);
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
      const page = new DOMParser().parseFromString(text, "text/html");
      const before = document.querySelector(".timeline input");
      const open = document.querySelector("details")?.open;
      const focused = before && before === document.activeElement;
      document.querySelector("main").replaceWith(page.querySelector("main"));
      document.body.dataset.state = page.body.dataset.state;
      const slider = document.querySelector(".timeline input");
      if (slider && before && before.value !== before.max) {
        slider.value = before.value;
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
