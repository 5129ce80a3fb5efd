// Single keys for whatever carries data-key: a button or link is pressed, a field is focused (a choice is also ticked).
// Not while someone types, nor with a modifier, nor when they switched single keys off (WCAG 2.2, 2.1.4). The list under
// "?" is read off the page itself, so that no key can be missing there.

const OFF = "keys-off";

const typing = (target) =>
  target instanceof HTMLElement &&
  (target.isContentEditable ||
    target.matches("textarea, select, input:not([type=checkbox], [type=radio], [type=button], [type=submit])"));

// What a closed <details> holds has a place on the page and cannot be seen: its keys must not work.
const AWAY = "[hidden], [inert], details:not([open]) > :not(summary)";
const usable = (element) => !element.disabled && !element.closest(AWAY) && element.getClientRects().length > 0;

const holders = () => [...document.querySelectorAll("[data-key]")].filter(usable);

const nameOf = (element) => {
  if (element.dataset.keyName) return element.dataset.keyName;
  const said = (element.labels?.[0] ?? element).cloneNode(true);
  for (const key of said.querySelectorAll("kbd, .hint")) key.remove();
  return (element.getAttribute("aria-label") ?? said.textContent).trim().replace(/\s+/g, " ");
};

const keyOf = (element) => element.dataset.key ?? element.dataset.heldKey;

// Each key once: what it does where several carry it, their first says.
const listed = () => {
  const found = [...document.querySelectorAll("[data-key], [data-held-key]")].filter(usable);
  return [...new Map(found.reverse().map((element) => [keyOf(element), element])).values()].reverse();
};

const list = (dialog) => {
  const rows = listed().flatMap((element) => {
    const name = document.createElement("dt");
    const key = document.createElement("kbd");
    key.textContent = keyOf(element).length === 1 ? keyOf(element).toUpperCase() : keyOf(element);
    name.append(key);
    const what = document.createElement("dd");
    what.textContent = nameOf(element);
    return [name, what];
  });
  dialog.querySelector("[data-keys]").replaceChildren(...rows);
};

const open = (element) => {
  const dialog = document.getElementById(element.dataset.opens);
  if (dialog.querySelector("[data-keys]")) list(dialog);
  if (!dialog.open) dialog.showModal();
};

const press = (element) => {
  if (element.matches("input[type=checkbox], input[type=radio], button, a, summary")) {
    element.focus();
    element.click();
  } else {
    element.focus();
  }
};

document.addEventListener("click", (event) => {
  const opener = event.target.closest?.("[data-opens]");
  if (opener) open(opener);
});

document.addEventListener("keydown", (event) => {
  // A key held down is pressed once: what it answers must not become the answer to the next question too.
  if (event.defaultPrevented || event.repeat || event.ctrlKey || event.metaKey || event.altKey || event.isComposing) return;
  if (event.key === "Enter" && event.target.closest?.("a, button, summary")) return;
  if (localStorage.getItem(OFF) || typing(event.target) || document.querySelector("dialog[open]")) return;
  // A key that is held rather than pressed (data-held-key) is for the script that knows what letting go means.
  const free = new CustomEvent("singlekey", { detail: event.key.toLowerCase(), cancelable: true });
  if (!document.dispatchEvent(free)) {
    event.preventDefault();
    return;
  }
  const found = holders().find((element) => element.dataset.key.toLowerCase() === event.key.toLowerCase());
  if (!found) return;
  event.preventDefault();
  press(found);
});

for (const box of document.querySelectorAll("[data-keys-on]")) {
  box.checked = !localStorage.getItem(OFF);
  box.addEventListener("change", () => {
    if (box.checked) localStorage.removeItem(OFF);
    else localStorage.setItem(OFF, "1");
  });
}
