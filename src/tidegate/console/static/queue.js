// The queue: rows are walked by arrow keys, and stay as they were when the list brings itself up to date.

let last = "";

const move = (by) => {
  const rows = [...document.querySelectorAll("[data-row]")];
  const at = rows.findIndex((row) => row.id === last);
  rows[Math.min(Math.max(at + by, 0), rows.length - 1)]?.focus();
};

document.addEventListener("focusin", (event) => {
  if (event.target.matches("[data-row]")) last = event.target.id;
});

document.addEventListener("click", (event) => {
  const mover = event.target.closest?.("[data-moves]");
  if (mover) move(Number(mover.dataset.moves));
});

document.addEventListener("keydown", (event) => {
  const by = { ArrowDown: 1, ArrowUp: -1 }[event.key];
  if (!by || event.altKey || event.ctrlKey || event.metaKey || !event.target.matches?.("[data-row]")) return;
  event.preventDefault();
  move(by);
});

let open = [];

document.addEventListener("htmx:beforeSwap", () => {
  open = [...document.querySelectorAll("#queue-rows details[open]")].map((details) => details.id);
});

document.addEventListener("htmx:afterSwap", () => {
  for (const id of open) document.getElementById(id)?.setAttribute("open", "");
});

// Whoever comes back to a page whose session has ended is asked to sign in; nobody reads on over their shoulder.
document.addEventListener("htmx:responseError", (event) => {
  if (event.detail.xhr.status === 401) location.reload();
});
