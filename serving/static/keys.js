// Keys in groups of cells, of which one at a time is in the tab order: arrow keys, Home and End move between them.

const center = (cell) => {
  const { left, top, width, height } = cell.getBoundingClientRect();
  return [left + width / 2, top + height / 2];
};

// The nearest cell in the row above (-1) or below (1); undefined at the edge.
function vertically(cells, from, way) {
  const [x, y] = center(from);
  const distance = (cell) => {
    const [cx, cy] = center(cell);
    return way * (cy - y) < from.offsetHeight / 2 ? Infinity : 10 * Math.abs(cy - y) + Math.abs(cx - x);
  };
  const nearest = cells.reduce((best, cell) => (distance(cell) < distance(best) ? cell : best));
  return distance(nearest) < Infinity ? nearest : undefined;
}

function target(cells, from, key) {
  const at = cells.indexOf(from);
  if (key === "ArrowRight") return cells[at + 1];
  if (key === "ArrowLeft") return cells[at - 1];
  if (key === "ArrowDown") return vertically(cells, from, 1);
  if (key === "ArrowUp") return vertically(cells, from, -1);
  return key === "Home" ? cells[0] : key === "End" ? cells.at(-1) : undefined;
}

const cellsOf = (group) => [...group.querySelectorAll(".cell")];

// Puts one cell, by default the first, into the tab order.
export function enter(group, one = cellsOf(group)[0]) {
  for (const cell of cellsOf(group)) cell.tabIndex = cell === one ? 0 : -1;
}

export function arrows(group) {
  group.addEventListener("focusin", ({ target: cell }) => enter(group, cell));
  group.addEventListener("keydown", (event) => {
    const { altKey, ctrlKey, metaKey, shiftKey } = event;
    if (altKey || ctrlKey || metaKey || shiftKey) return;
    const next = target(cellsOf(group), event.target, event.key);
    if (!next) return;
    event.preventDefault();
    next.focus();
  });
}
