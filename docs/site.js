// What scrolls can be reached by the keyboard.
document$.subscribe(() => {
  for (const element of document.querySelectorAll(".md-typeset__scrollwrap")) {
    element.tabIndex = 0;
  }
});
