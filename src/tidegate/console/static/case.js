// The case page: number keys that mean the question one is at, what follows from an answer, and the strip of contents.
// The form works without any of it; nothing here sends anything a person did not choose.

const form = document.querySelector("form[data-vote]");
const members = [...document.querySelectorAll("[data-member]")];
const say = (place, text) => {
  if (place) place.textContent = text;
};

const foresee = () => window.htmx?.trigger("#preview", "foresee");

// --- the strip: which contents the vote is about ---

const boxes = [...document.querySelectorAll("input[name=shown]")];
let current = -1;

const count = () => {
  const ticked = boxes.filter((box) => box.checked).length;
  const place = document.querySelector("[data-count]");
  if (place) {
    const words = place.dataset.words.replace("{count}", ticked).replace("{all}", boxes.length);
    if (place.textContent !== words) place.textContent = words;
  }
  const many = document.querySelector("[data-many]");
  if (many) many.hidden = ticked <= Number(many.dataset.many);
};

const goTo = (number) => {
  if (!boxes.length) return;
  members[current]?.removeAttribute("data-current");
  current = (number + boxes.length) % boxes.length;
  const card = boxes[current].closest("[data-member]");
  card.setAttribute("data-current", "");
  boxes[current].focus({ preventScroll: true });
  card.scrollIntoView({ block: "nearest" });
};

const ticked = (box, on) => {
  if (box.checked === on) return;
  box.checked = on;
  box.dispatchEvent(new Event("change", { bubbles: true }));
};

for (const button of document.querySelectorAll("[data-move]")) {
  button.addEventListener("click", () => goTo(current < 0 ? (button.dataset.move < 0 ? -1 : 0) : current + Number(button.dataset.move)));
}
for (const button of document.querySelectorAll("[data-tick]")) {
  button.addEventListener("click", () => {
    if (current < 0) goTo(0);
    else {
      ticked(boxes[current], !boxes[current].checked);
      boxes[current].focus({ preventScroll: true });
    }
  });
}
for (const button of document.querySelectorAll("[data-all]")) {
  button.addEventListener("click", () => boxes.forEach((box) => ticked(box, Boolean(button.dataset.all))));
}
for (const button of document.querySelectorAll("[data-move], [data-tick], [data-all], [data-look], [data-back]")) button.hidden = false;
boxes.forEach((box, number) => {
  box.addEventListener("focus", () => {
    members[current]?.removeAttribute("data-current");
    current = number;
    box.closest("[data-member]").setAttribute("data-current", "");
  });
  box.addEventListener("change", () => {
    count();
    foresee();
  });
});

// The key for looking is the picture script's own. Before it hears it, what it is to show is opened.
document.addEventListener(
  "singlekey",
  (event) => {
    if (event.detail !== "r" || document.activeElement.closest(".reveal")) return;
    if (current < 0) goTo(0);
    const look = boxes[current]?.closest("[data-member]").querySelector("details.look");
    if (!look) return;
    look.open = true;
    look.querySelector(".picture")?.scrollIntoView({ block: "nearest" });
  },
  true,
);

// --- the vote: three steps ---

const chosen = (name) => form.querySelector(`input[name=${name}]:checked`);
const steps = form ? [...form.querySelectorAll("fieldset[data-step]")] : [];

const setStep = (number, byKey) => {
  form.dataset.step = number;
  for (const step of steps) {
    const here = step.dataset.step === String(number);
    step.toggleAttribute("data-closed", !here);
    step.querySelector("[data-open-step]").hidden = here;
    for (const choice of step.querySelectorAll("[data-digit]")) {
      const works = here && !choice.closest("[hidden]");
      if (works) {
        choice.dataset.key = choice.dataset.digit;
        choice.setAttribute("aria-keyshortcuts", choice.dataset.digit);
      } else {
        delete choice.dataset.key;
        choice.removeAttribute("aria-keyshortcuts");
      }
    }
  }
  const step = steps[number - 1];
  const words = form.dataset.stepWords.replace("{step}", number);
  say(form.querySelector("[data-step-said]"), `${words}: ${step.querySelector("legend").textContent}`);
  if (byKey) {
    step.focus({ preventScroll: true });
    step.scrollIntoView({ block: "nearest" });
  }
};

const choose = (name, value) => {
  const choice = [...form.querySelectorAll(`input[name=${name}]`)].find((one) => one.value === value);
  if (choice) choice.checked = true;
};
const clear = (name) => {
  const choice = chosen(name);
  if (choice) choice.checked = false;
};

// What follows from the rule and the exception: left up, or removed and called what the rule names, where that is one thing.
const follow = (changed) => {
  const rule = chosen("provision");
  const exempt = chosen("exempt");
  const applies = Boolean(exempt && exempt.value !== "none");
  form.querySelector("[data-exempt]").hidden = !applies;
  form.querySelector("[data-account]").hidden = (applies || rule?.value === "none") && !chosen("measure")?.closest("[data-account]");
  if (changed === "provision" || changed === "exempt") {
    if (applies || rule?.value === "none") choose("measure", "keep");
    else if (rule && exempt && (!chosen("measure") || chosen("measure").value === "keep")) choose("measure", "remove");
  }
  const suits = (rule?.dataset.suits ?? "").split(" ").filter(Boolean);
  if (changed === "provision") {
    if (suits.length === 1) choose("label", suits[0]);
    else clear("label");
  }
  const labels = form.querySelector("[data-labels-of]");
  labels.hidden = chosen("measure")?.value === "keep";
  if (labels.hidden) clear("label");
  show(suits, changed === "provision");
};

// The words that the rule named leaves open stand first; the others are one press away.
const show = (suits, anew) => {
  const button = form.querySelector("[data-every-label]");
  if (anew) delete button.dataset.pressed;
  let hidden = 0;
  for (const choice of form.querySelectorAll("input[name=label]")) {
    const away = suits.length > 0 && !suits.includes(choice.value) && !choice.checked && !button.dataset.pressed;
    choice.closest("label").hidden = away;
    hidden += away;
  }
  button.hidden = !hidden;
};

const missing = () => {
  const measure = chosen("measure")?.value;
  if (!chosen("provision")) return ["provision", "fieldset[data-step='1'] [data-missing]"];
  if (!chosen("exempt")) return ["exempt", "fieldset[data-step='2'] [data-missing]"];
  const mayRestrict = chosen("provision").value !== "none" && chosen("exempt").value === "none";
  if (!measure || (measure !== "keep" && !mayRestrict)) return ["measure", "[data-missing=measure]"];
  if (measure !== "keep" && !chosen("label")) return ["label", "[data-missing=label]"];
  if (!boxes.some((box) => box.checked)) return ["shown", "[data-missing=shown]"];
  return null;
};

const ask = ([name, place]) => {
  const words = form.querySelector(place);
  words.hidden = false;
  words.setAttribute("role", "alert");
  const number = { provision: 1, exempt: 2, measure: 3, label: 3 }[name];
  if (number) setStep(number, false);
  (name === "shown" ? boxes[0] : form.querySelector(`input[name=${name}]`))?.focus();
};

if (form) {
  form.noValidate = true;
  let byKey = false;
  form.addEventListener("click", (event) => {
    // A click that no pointer made: a key chose this.
    if (event.target.matches("input[type=radio]")) byKey = !event.isTrusted;
  });
  form.addEventListener("change", (event) => {
    const { name } = event.target;
    if (!["provision", "exempt", "measure", "label"].includes(name)) return;
    follow(name);
    foresee();
    for (const words of form.querySelectorAll("[data-missing]")) words.hidden = true;
    if (name === "provision") setStep(2, byKey);
    if (name === "exempt") setStep(3, byKey);
    if (name === "measure") setStep(3, false);
    byKey = false;
  });
  form.addEventListener("submit", (event) => {
    const gap = missing();
    if (gap) {
      event.preventDefault();
      ask(gap);
      return;
    }
    // Once is enough: a second press of the key must not send it again.
    if (form.dataset.sent) event.preventDefault();
    form.dataset.sent = "1";
  });
  window.addEventListener("pageshow", () => delete form.dataset.sent);
  for (const button of form.querySelectorAll("[data-open-step]")) {
    button.addEventListener("click", () => setStep(Number(button.dataset.openStep), true));
  }
  form.querySelector("[data-every-label]").addEventListener("click", (event) => {
    event.currentTarget.dataset.pressed = "1";
    follow("");
    setStep(3, true);
  });
  const reasons = form.querySelector("[data-reasons]");
  reasons.querySelector("summary").addEventListener("click", (event) => {
    if (reasons.open) return;
    // At once: the first letter typed after the key must not press another one.
    event.preventDefault();
    reasons.open = true;
    form.elements.words.focus();
  });
  const back = () => setStep(Math.max(1, Number(form.dataset.step) - 1), true);
  form.querySelector("[data-back]").addEventListener("click", back);
  document.addEventListener("keydown", (event) => {
    if (event.key === "Escape" && event.target.matches("textarea")) event.target.blur();
    if (event.key !== "Backspace" || event.defaultPrevented || event.ctrlKey || event.metaKey || event.altKey) return;
    if (event.target.matches("textarea, input:not([type=radio], [type=checkbox])") || localStorage.getItem("keys-off")) return;
    if (document.querySelector("dialog[open]")) return;
    event.preventDefault();
    back();
  });
  form.addEventListener("htmx:afterSwap", () => {
    const summary = form.querySelector("[data-summary]");
    say(form.querySelector("[data-preview-said]"), summary?.textContent ?? "");
    // The last step and what will happen, in view together.
    if (summary) form.querySelector(".vote-questions").scrollTo({ top: steps[2].offsetTop - 8 });
  });
  follow("");
  const first = missing()?.[0];
  setStep({ provision: 1, exempt: 2 }[first] ?? 3, false);
  if (chosen("provision") || chosen("exempt")) window.addEventListener("load", foresee);
}
// --- how the case stands, brought up to date by itself ---

const standing = document.querySelector("[data-standing]");
let stood = null;
standing?.addEventListener("htmx:beforeSwap", (event) => {
  // What says the same is not said again.
  if (event.detail.serverResponse === stood) event.detail.shouldSwap = false;
  stood = event.detail.serverResponse;
});
standing?.addEventListener("htmx:afterSwap", () => {
  if (!form) return;
  const mayVote = Boolean(standing.querySelector("[data-may-vote]")?.dataset.mayVote);
  for (const button of form.querySelectorAll(".vote-actions button:not([data-back])")) button.disabled = !mayVote;
  form.querySelector("[data-not-now]").hidden = mayVote;
});

count();
document.querySelector("[data-refused]")?.focus();
